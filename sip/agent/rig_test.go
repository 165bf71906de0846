package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/treatment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	offerSDP  = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
	answerSDP = "v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n"
)

// rig is an agent whose core, treatment and recorder are the test.
type rig struct {
	t     *testing.T
	agent *Agent
	core  net.PacketConn

	mu      sync.Mutex
	sent    []sip.Message // by the agent, not looked at yet
	puppets []*puppet
	records []*call.Record

	branches int
}

// inRig runs a test in virtual time. When it returns, all calls must be over: the agent is closed.
func inRig(t *testing.T, test func(r *rig), change ...func(*Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t}
		o := Options{
			Recorder: r, Treatments: func() *treatment.Options { return &treatment.Options{Language: "zh"} },
			Prompts: func() *media.Prompts { return new(media.Prompts) },
			Log:     slog.New(slog.DiscardHandler), Treat: r.treat,
		}
		for _, f := range change {
			f(&o)
		}
		core, wire := transport.Pipe(proxy.CoreAddr, proxy.AgentAddr)
		r.core, r.agent = core, New(wire, o)
		read := make(chan struct{})
		go r.read(read)
		defer r.close(read)
		test(r)
	})
}

// close closes the agent, and sees that it leaves nothing behind.
func (r *rig) close(read chan struct{}) {
	t := r.t
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := r.agent.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := r.core.Close(); err != nil {
		t.Error(err)
	}
	<-read
	if s := r.agent.Stats(); s.Calls != 0 || len(r.agent.legs) != 0 {
		t.Errorf("left behind: %+v and %d legs", s, len(r.agent.legs))
	}
	for _, p := range r.puppets {
		if n := r.recordsOf(p.record.Reference); n != 1 {
			t.Errorf("call %s has %d records", p.record.Reference, n)
		}
	}
}

func (r *rig) recordsOf(reference string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range r.records {
		if record.Reference == reference {
			n++
		}
	}
	return n
}

// Append implements treatment.Recorder.
func (r *rig) Append(record *call.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record)
}

func (r *rig) read(done chan struct{}) {
	defer close(done)
	buf := make([]byte, maxMessage)
	for {
		n, _, err := r.core.ReadFrom(buf)
		if err != nil {
			return
		}
		msg, err := sip.ParseMessage(buf[:n])
		if err != nil {
			r.t.Errorf("the agent sent what is no message: %v\n%s", err, buf[:n])
			continue
		}
		r.mu.Lock()
		r.sent = append(r.sent, msg)
		r.mu.Unlock()
	}
}

// write sends a message of the core.
func (r *rig) write(msg sip.Message) {
	if _, err := r.core.WriteTo([]byte(msg.String()), nil); err != nil {
		r.t.Error(err)
	}
}

// take returns what the agent has sent, once nothing more happens at this moment.
func (r *rig) take() []sip.Message {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}

// await lets time pass until the agent sends something, which must be one request of this method.
func (r *rig) await(method sip.RequestMethod, within time.Duration) *sip.Request {
	r.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if sent := r.take(); len(sent) == 1 && word(sent[0]) == method.String() {
			return sent[0].(*sip.Request)
		} else if len(sent) > 0 {
			r.t.Fatalf("the agent sent %s and more, want %s", word(sent[0]), method)
		}
	}
	r.t.Fatalf("no %s within %v", method, within)
	return nil
}

// word is a message in a word or two: "INVITE", "200 INVITE".
func word(msg sip.Message) string {
	switch msg := msg.(type) {
	case *sip.Request:
		return msg.Method.String()
	case *sip.Response:
		return fmt.Sprintf("%d %s", msg.StatusCode, msg.CSeq().MethodName)
	}
	return "?"
}

// expect takes what the agent has sent, which must be these messages, in any order.
func (r *rig) expect(words ...string) []sip.Message {
	r.t.Helper()
	sent := r.take()
	var got []string
	for _, msg := range sent {
		got = append(got, word(msg))
	}
	slices.SortStableFunc(sent, func(a, b sip.Message) int { return strings.Compare(word(a), word(b)) })
	slices.Sort(got)
	slices.Sort(words)
	if !slices.Equal(got, words) {
		r.t.Fatalf("the agent sent %q, want %q", got, words)
	}
	return sent
}

// request takes the one message that the agent has sent, a request.
func (r *rig) request(method sip.RequestMethod) *sip.Request {
	r.t.Helper()
	return r.expect(method.String())[0].(*sip.Request)
}

// response takes the one message that the agent has sent, a response.
func (r *rig) response(status int, method sip.RequestMethod) *sip.Response {
	r.t.Helper()
	return r.expect(fmt.Sprintf("%d %s", status, method))[0].(*sip.Response)
}

// puppet is a treatment that does what the test says.
type puppet struct {
	rig    *rig
	env    treatment.Env
	record *call.Record
	caller treatment.Leg
	called treatment.Leg
	offer  []byte
	panics bool // at the next event

	mu     sync.Mutex
	events []treatment.Event
	over   bool
}

func (r *rig) treat(env treatment.Env, record *call.Record, caller treatment.Leg, offer []byte) Call {
	p := &puppet{rig: r, env: env, record: record, caller: caller, offer: offer}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puppets = append(r.puppets, p)
	return p
}

// Over implements Call.
func (p *puppet) Over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// Handle implements Call.
func (p *puppet) Handle(e treatment.Event) {
	if p.panics {
		panic("a fault in the treatment")
	}
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
	if stopped, ok := e.(treatment.Stopped); ok {
		p.end(stopped.Status)
	}
}

// end ends the call and both legs.
func (p *puppet) end(status int) {
	p.caller.Refuse(status, nil)
	p.caller.End("")
	if p.called != nil {
		p.called.End("")
	}
	p.record.Outcome.Status = status
	p.env.Recorder.Append(p.record)
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
}

// do has the treatment do something.
func (p *puppet) do(f func()) {
	p.caller.(*leg).session.mailbox.tell(f)
	synctest.Wait()
}

// heard takes the events since the last time, which must be these.
func (p *puppet) heard(want ...treatment.Event) {
	p.rig.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got, wanted := fmt.Sprintf("%+v", describeEvents(p.events)), fmt.Sprintf("%+v", describeEvents(want))
	p.events = nil
	if got != wanted {
		p.rig.t.Fatalf("the treatment heard %s\nwant %s", got, wanted)
	}
}

func describeEvents(events []treatment.Event) (texts []string) {
	for _, e := range events {
		texts = append(texts, fmt.Sprintf("%T%+v", e, e))
	}
	return texts
}

// finish ends the call of a puppet, and lets all time pass that it may take.
func (p *puppet) finish() {
	p.do(func() {
		if !p.Over() {
			p.end(503)
		}
	})
}

// far is a caller or a person called, beyond the core.
type far struct {
	rig    *rig
	callID string
	tag    string // ours
	invite *sip.Request
	dialog *dialog // as they see it
	puppet *puppet
}

// calls counts the callers of all tests, so that each has a Call-ID of its own.
func (r *rig) newBranch() *sip.ViaHeader {
	r.branches++
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "192.0.0.8", Port: 5060}
	via.Params.Add("branch", fmt.Sprintf("z9hG4bKtest%d", r.branches))
	return via
}

// newCaller is a caller whose INVITE is ready, with an offer and these header lines in addition.
func (r *rig) newCaller(lines ...string) *far {
	r.branches++
	f := &far{rig: r, callID: fmt.Sprintf("call-%d", r.branches), tag: fmt.Sprintf("caller-%d", r.branches)}
	reference := fmt.Sprintf("ref-%d", r.branches)
	text := "INVITE sip:+862112345678@192.0.2.9;user=phone SIP/2.0\r\n" +
		r.newBranch().String() + "\r\n" +
		"Max-Forwards: 67\r\n" +
		"Record-Route: <sip:192.0.2.9;lr>\r\n" +
		"X-Ringfence: verdict=warn;ref=" + reference + "\r\n" +
		"From: \"Mallory\" <sip:+861012345678@192.0.2.1>;tag=" + f.tag + "\r\n" +
		"To: <sip:+862112345678@192.0.2.9>\r\n" +
		"Call-ID: " + f.callID + "\r\n" +
		"CSeq: 10 INVITE\r\n" +
		"Contact: <sip:mallory@192.0.2.1:5070>\r\n"
	for _, line := range lines {
		text += line + "\r\n"
	}
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Content-Type:") }) {
		text += "Content-Type: application/sdp\r\n"
	}
	text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(offerSDP), offerSDP)
	msg, err := sip.ParseMessage([]byte(text))
	if err != nil {
		r.t.Fatal(err)
	}
	f.invite = msg.(*sip.Request)
	return f
}

// offerless takes the offer out of the INVITE.
func (f *far) offerless() *far {
	f.invite.RemoveHeader("Content-Type")
	f.invite.SetBody(nil)
	return f
}

// calls has the core hand the INVITE over.
func (f *far) calls() *puppet {
	f.rig.t.Helper()
	record := &call.Record{Reference: proxy.ReferenceIn(values(f.invite, "x-ringfence"))}
	record.Facts.CallID, record.Facts.Time = f.callID, time.Now()
	if !f.rig.agent.Take(record) {
		f.rig.t.Fatal("the call is not taken")
	}
	f.rig.write(f.invite)
	synctest.Wait()
	f.rig.mu.Lock()
	f.puppet = f.rig.puppets[len(f.rig.puppets)-1]
	f.rig.mu.Unlock()
	return f.puppet
}

// called is a caller whose call has come to the treatment.
func (r *rig) called(lines ...string) (*far, *puppet) {
	r.t.Helper()
	f := r.newCaller(lines...)
	p := f.calls()
	r.response(100, sip.INVITE)
	p.heard(treatment.Begun{})
	return f, p
}

// hears takes a response of the agent, which makes a dialog for the caller.
func (f *far) hears(res *sip.Response) {
	if f.dialog == nil {
		f.dialog = newCalledDialog(f.invite, res)
	} else {
		f.dialog.establish(res)
	}
}

// acks has a caller acknowledge a 2xx to a request of hers.
func (f *far) acks(res *sip.Response, body []byte) {
	f.hears(res)
	f.rig.write(f.dialog.ack(res.CSeq().SeqNo, body))
	synctest.Wait()
}

// asks sends a request within the dialog.
func (f *far) asks(method sip.RequestMethod, body []byte, lines ...string) *sip.Request {
	if f.dialog.contact == nil {
		f.dialog.contact = &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "far", Host: "192.0.2.1"}}
	}
	req := f.dialog.request(method)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		req.AppendHeader(header(name, value))
	}
	describe(req, body)
	req.PrependHeader(f.rig.newBranch())
	f.rig.write(req)
	synctest.Wait()
	return req
}

// cancel is the CANCEL of the caller's INVITE.
func (f *far) cancel() {
	f.rig.write(newCANCEL(f.invite, "SIP;cause=487"))
	synctest.Wait()
}

// acksRefusal acknowledges a final response of 300 or more.
func (f *far) acksRefusal(res *sip.Response) {
	f.rig.write(newACK(f.invite, res))
	synctest.Wait()
}

// phone is the person called, who got this INVITE.
func (r *rig) phone(invite *sip.Request) *far {
	return &far{rig: r, callID: invite.CallID().Value(), tag: "phone", invite: invite}
}

// answers sends a response to the INVITE, of the branch with this tag.
func (f *far) answers(tag string, status int, body []byte, lines ...string) *sip.Response {
	invite := f.invite.Clone()
	invite.To().Params.Add("tag", tag)
	res := newResponse(invite, status)
	res.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: tag, Host: "192.0.2.2"}})
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		res.AppendHeader(header(name, value))
	}
	describe(res, body)
	f.rig.write(res)
	synctest.Wait()
	return res
}

// joined is the dialog of the branch with this tag, as the person called sees it.
func (f *far) joined(tag string) *far {
	invite := f.invite.Clone()
	invite.To().Params.Add("tag", tag)
	contact := &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: tag, Host: "192.0.2.2"}}
	return &far{rig: f.rig, callID: f.callID, tag: tag, invite: invite, dialog: newCallerDialog(invite, contact)}
}

// replies sends a response to a request of the agent.
func (r *rig) replies(req *sip.Request, status int, body []byte, lines ...string) {
	res := newResponse(req, status)
	res.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "far", Host: "192.0.2.2"}})
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		res.AppendHeader(header(name, value))
	}
	describe(res, body)
	r.write(res)
	synctest.Wait()
}
