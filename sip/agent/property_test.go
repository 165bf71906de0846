package agent

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"pgregory.net/rapid"

	"ringfence/call"
	"ringfence/configs"
	"ringfence/media"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
	"ringfence/sip/treatment"
)

// Whatever caller and person called do, and whatever is lost, late or doubled on the way: both legs end, with all
// their media, and there is one record.
func TestEveryCallEnds(t *testing.T) {
	prompts, err := media.LoadPrompts(configs.Prompts(), "")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		verdict := rapid.SampledFrom([]call.Treatment{
			call.Warn{}, call.Warn{}, call.Announce{}, call.Announce{Refuse: &call.Refuse{}}, call.Challenge{Digits: 1}, call.TakeReport{}, call.Divert{Target: "voicemail"},
		}).Draw(rt, "verdict")
		loss := rapid.SampledFrom([]float64{0, 0.1, 0.3}).Draw(rt, "loss")
		var fault string
		synctest.Test(t, func(*testing.T) {
			s := newStorm(seed, loss, prompts)
			fault = s.run(verdict)
			s.network.Wait()
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// storm is a network on which nothing can be relied on, with a caller and a person called who do as they like.
type storm struct {
	agent   *Agent
	engine  *media.Engine
	core    net.PacketConn
	loss    float64
	network sync.WaitGroup

	mu      sync.Mutex // guards all below
	dice    *rand.Rand
	trace   []string
	records int
	caller  *far
	called  map[string]*far // by the branch of the INVITE
	rang    bool            // the caller has had a response
	branch  int
}

func newStorm(seed uint64, loss float64, prompts *media.Prompts) *storm {
	s := &storm{loss: loss, dice: rand.New(rand.NewPCG(seed, seed)), called: make(map[string]*far)}
	wire := memory.New()
	var err error
	s.engine, err = media.NewEngine(media.Options{
		Local4: netip.MustParseAddr("192.0.2.10"), First: 20000, Last: 20019, Silence: 15 * time.Second,
		Listen: wire.ListenPacket, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	settings := &treatment.Options{
		Language: "zh", Challenge: treatment.ChallengeOptions{Tries: 2, Within: 3 * time.Second}, PassTransfers: seed%2 == 0,
		Warn: treatment.WarnOptions{
			Menu: true, Repeat: 1, AnswerWithin: 10 * time.Second, ChooseWithin: 3 * time.Second,
			Voicemail: "voicemail", ReportingLine: "centre", ListenIn: "centre", Announcement: seed%3 == 0,
		},
	}
	core, end := transport.Pipe(proxy.CoreAddr, proxy.AgentAddr)
	s.core = core
	s.agent = New(end, Options{
		Recorder: s, Reporter: s, Treatments: func() *treatment.Options { return settings }, Media: s.engine,
		Prompts: func() *media.Prompts { return prompts }, PBX: netip.MustParseAddr("192.0.2.2"), Log: slog.New(slog.DiscardHandler),
	})
	return s
}

func (s *storm) Append(*call.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records++
}
func (*storm) Report(*call.Record)                        {}
func (*storm) ReportLast(*call.Record, func(string)) bool { return false }

// run makes one call. It returns what is wrong at its end.
func (s *storm) run(verdict call.Treatment) string {
	s.network.Go(func() {
		receive(s.core, func(data []byte, _ net.Addr) {
			if msg, err := sip.ParseMessage(data); err == nil {
				s.travel(func() { s.arrive(msg) })
			}
		})
	})
	r := &rig{}
	s.caller = r.newCaller("Supported: 100rel, timer", "Session-Expires: 90")
	record := &call.Record{Reference: proxy.ReferenceIn(values(s.caller.invite, "x-ringfence")), Verdict: call.Verdict{Treatment: verdict, Category: call.CategoryOfficials}}
	record.Facts.Time = time.Now()
	s.agent.Take(record)
	s.mu.Lock()
	s.retry(s.caller.invite, func() bool { return s.rang })
	for range s.dice.IntN(6) {
		s.later(40*time.Second, s.callerActs)
	}
	s.mu.Unlock()
	time.Sleep(5 * time.Minute)
	synctest.Wait()

	stats := s.agent.Stats()
	legs := s.engine.Counts().Legs
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.agent.Return(record) { // the INVITE never came: the core asks for its record back
		stats.Calls--
		s.Append(record)
	}
	err := s.agent.Close(ctx)
	_, _ = s.core.Close(), s.engine.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || stats.Calls != 0 || stats.Panics != 0 || legs != 0 || s.records != 1 || len(s.agent.legs) != 0 {
		return fmt.Sprintf("%+v, %d media legs, %d records, %v\n%s", stats, legs, s.records, err, strings.Join(s.trace, "\n"))
	}
	return ""
}

// travel has a message arrive: never, or twice, or late, or as it should.
func (s *storm) travel(arrive func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for times := 1 + btoi(s.dice.Float64() < s.loss) - btoi(s.dice.Float64() < s.loss); times > 0; times-- {
		delay := time.Duration(0)
		if s.dice.Float64() < s.loss {
			delay = time.Duration(s.dice.IntN(700)) * time.Millisecond
		}
		time.AfterFunc(delay, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			arrive()
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// send sends a message to the agent. The lock is held.
func (s *storm) send(msg sip.Message) {
	s.trace = append(s.trace, fmt.Sprintf("%v -> %s %s", time.Now().Format("04:05.000"), word(msg), msg.CallID().Value()))
	text := []byte(msg.String())
	go s.travel(func() { _, _ = s.core.WriteTo(text, nil) })
}

// later does something at any time within some time. The lock is held then.
func (s *storm) later(within time.Duration, f func()) {
	time.AfterFunc(time.Duration(s.dice.Int64N(int64(within))), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// retry sends a request until enough is true, as a client transaction does.
func (s *storm) retry(req *sip.Request, enough func() bool) {
	for i := range 8 {
		time.AfterFunc(time.Duration(i)*500*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !enough() {
				s.send(req)
			}
		})
	}
}

// likely is true most of the time.
func (s *storm) likely() bool { return s.dice.IntN(10) < 8 }

// arrive handles a message of the agent.
func (s *storm) arrive(msg sip.Message) {
	s.trace = append(s.trace, fmt.Sprintf("%v <- %s %s", time.Now().Format("04:05.000"), word(msg), msg.CallID().Value()))
	switch msg := msg.(type) {
	case *sip.Response:
		s.response(msg)
	case *sip.Request:
		s.request(msg)
	}
}

// response has the caller, or whoever sent a request within a dialog, take a response.
func (s *storm) response(res *sip.Response) {
	f := s.caller
	if res.CallID().Value() != f.callID {
		return // of a request that the person called made: she does not care
	}
	s.rang = true
	if !s.likely() || res.CSeq().MethodName != sip.INVITE {
		return
	}
	switch {
	case res.StatusCode >= 300:
		f.invite.CSeq().SeqNo = res.CSeq().SeqNo
		s.send(newACK(f.invite, res))
	case res.StatusCode > sip.StatusTrying:
		f.rig = &rig{}
		f.hears(res)
		if rseq := values(res, "rseq"); rseq != "" {
			s.within(f, sip.PRACK, nil, "RAck", rseq+" 10 INVITE")
		}
		if res.IsSuccess() {
			s.send(f.dialog.ack(res.CSeq().SeqNo, nil))
		}
	}
}

// request has the person called, or the caller, take a request.
func (s *storm) request(req *sip.Request) {
	if req.Method == sip.ACK || !s.likely() {
		return
	}
	if toTag(req) == "" && req.Method == sip.INVITE {
		s.ring(req)
		return
	}
	status := 200
	if req.Method == sip.INVITE || req.Method == sip.UPDATE || req.Method == sip.REFER {
		status = []int{200, 200, 488, 491, 500, 481}[s.dice.IntN(6)]
	}
	req = req.Clone()
	res := newResponse(req, status)
	if status == 200 && len(req.Body()) > 0 {
		describe(res, []byte(answerSDP))
	}
	s.send(res)
	if f := s.called[branchOf(req)]; f != nil && req.Method == sip.CANCEL && s.likely() {
		s.answer(f, "a", 487, nil)
	}
}

func branchOf(req *sip.Request) string {
	branch, _ := req.Via().Params.Get("branch")
	return branch
}

// ring is what telephones do with an INVITE.
func (s *storm) ring(req *sip.Request) {
	if s.called[branchOf(req)] != nil {
		return // sent again
	}
	f := &far{callID: req.CallID().Value(), invite: req}
	s.called[branchOf(req)] = f
	if s.dice.IntN(4) > 0 {
		s.later(5*time.Second, func() { s.answer(f, "a", 200, []byte(answerSDP)) })
	}
	for range s.dice.IntN(4) {
		tag := []string{"a", "a", "b"}[s.dice.IntN(3)]
		status := []int{100, 180, 183, 183, 200, 422, 486, 603}[s.dice.IntN(8)]
		s.later(12*time.Second, func() { s.answer(f, tag, status, []byte(answerSDP)) })
	}
}

// answer sends a response of a telephone, which acts on its own some time after a 200.
func (s *storm) answer(f *far, tag string, status int, body []byte) {
	invite := f.invite.Clone()
	invite.To().Params.Add("tag", tag)
	res := newResponse(invite, status)
	contact := &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: tag, Host: "192.0.2.2"}}
	res.AppendHeader(contact.Clone())
	if status == 183 && s.dice.IntN(2) == 0 {
		res.AppendHeader(header("Require", "100rel"))
		res.AppendHeader(header("RSeq", fmt.Sprint(1+s.dice.IntN(3))))
	}
	if status >= 180 && status < 300 {
		describe(res, body)
	}
	s.send(res)
	if status == 200 {
		f.dialog = newCallerDialog(invite, contact)
		for range s.dice.IntN(8) {
			s.later(40*time.Second, func() { s.act(f) })
		}
	}
}

// callerActs is something that a caller does.
func (s *storm) callerActs() {
	if s.dice.IntN(6) == 0 {
		cancel := newCANCEL(s.caller.invite, "")
		s.send(cancel)
	}
	if s.caller.dialog != nil {
		s.act(s.caller)
	}
}

// act does something within a dialog.
func (s *storm) act(f *far) {
	switch s.dice.IntN(12) {
	case 0:
		s.within(f, sip.BYE, nil, "", "")
	case 1:
		s.within(f, sip.INVITE, []byte(offerSDP), "", "")
	case 2:
		s.within(f, sip.UPDATE, []byte(offerSDP), "", "")
	case 3:
		s.within(f, sip.REFER, nil, "Refer-To", "<sip:5000@192.0.2.9>")
	case 4:
		f.dialog.sent -= min(f.dialog.sent, 2)
		s.within(f, sip.INVITE, nil, "", "")
	default:
		s.branch++
		req := f.dialog.request(sip.INFO)
		req.AppendHeader(header("Content-Type", "application/dtmf"))
		req.SetBody([]byte{"1111123499#"[s.dice.IntN(11)]})
		addVia(req)
		s.send(req)
	}
}

func (s *storm) within(f *far, method sip.RequestMethod, body []byte, name, value string) {
	if f.dialog.contact == nil {
		f.dialog.contact = &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "far", Host: "192.0.2.1"}}
	}
	req := f.dialog.request(method)
	if name != "" {
		req.AppendHeader(header(name, value))
	}
	describe(req, body)
	addVia(req)
	s.send(req)
}
