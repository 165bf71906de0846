package treatment

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringfence/call"
	"ringfence/media"
)

// world is all that a call acts through, faked: it notes what the call does, notices what it may not do,
// and knows what may happen next.
type world struct {
	call    *Call
	options Options
	now     time.Time
	timer   uint64    // armed, 0: none
	due     time.Time // when it elapses
	legs    []*fakeLeg
	records []*call.Record
	reports int
	looking bool    // ReportLast was asked, and has not answered
	free    int     // ports
	cut     []Event // ends of what was cut off, which the media engine tells, too
	done    []string
	faults  []string
}

// began is when every call of these tests begins.
var began = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// newWorld makes a call with a treatment and the offer of its INVITE.
func newWorld(o Options, t call.Treatment, category call.Category, offer []byte) *world {
	w := &world{options: o, now: began, free: 100}
	caller, _ := call.ParseNumber("+8613800138000")
	called, _ := call.ParseNumber("+862155500001")
	r := &call.Record{
		Reference: "123456789015",
		Facts: call.Facts{
			Time: began, Caller: call.Party{Number: caller}, Called: call.Party{Number: called},
			Peer: netip.MustParseAddrPort("192.0.2.10:5060"),
		},
		Verdict: call.Verdict{Treatment: t, Category: category},
	}
	leg := &fakeLeg{w: w, id: CallerLeg, name: "caller", invited: true, heard: offer}
	w.legs = []*fakeLeg{leg}
	digit := uint64(3)
	env := Env{
		Options: &w.options, Clock: w, Reporter: w, Recorder: w, Passed: NewMemory(4),
		NewLeg: func(id LegID) Leg {
			leg := w.legs[id] // with its port already
			leg.made = true
			return leg
		},
		OpenPort: w.openPort,
		Random:   func() uint64 { digit++; return digit },
	}
	w.call = New(env, r, leg, offer)
	return w
}

// handle gives the call an event, and checks what must be true whenever it has handled one.
func (w *world) handle(e Event) {
	over := w.call.Over()
	before := len(w.done)
	w.call.Handle(e)
	for len(w.cut) > 0 {
		e := w.cut[0]
		w.cut = w.cut[1:]
		w.call.Handle(e)
	}
	if over && len(w.done) > before {
		w.fault("acts when it is over: %s", w.done[before:])
	}
	for _, leg := range w.legs {
		for _, other := range leg.hears {
			if leg.port != nil && other.port == nil {
				w.fault("%s hears %s, whose port is closed", leg.name, other.name)
			}
		}
	}
	if w.call.State() == stateAdvised && w.timer != 0 {
		w.fault("a timer is armed while two people talk")
	}
	if w.call.Over() {
		w.checkOver()
	}
}

func (w *world) checkOver() {
	for _, leg := range w.legs {
		if leg.port != nil {
			w.fault("over, and the port of %s is open", leg.name)
		}
		if leg.invited && !leg.over {
			w.fault("over, and the leg of %s has not ended", leg.name)
		}
	}
	if w.timer != 0 {
		w.fault("over, and a timer is armed")
	}
	r := w.call.record
	if remembered := w.call.env.Passed.Has(r.Facts.Caller.Number, began.Add(time.Minute)); remembered != (r.Treated.Choice == call.ChoicePassed) && r.Treated.Choice != call.ChoiceRemembered {
		w.fault("over, and the caller who chose %q remembered: %v", r.Treated.Choice, remembered)
	}
	if len(w.records) != 1 {
		w.fault("over, and %d records", len(w.records))
	}
}

func (w *world) note(format string, args ...any) {
	w.done = append(w.done, fmt.Sprintf(format, args...))
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...)+" (state "+w.call.State().String()+")")
}

// Now implements Clock.
func (w *world) Now() time.Time { return w.now }

// Arm implements Clock.
func (w *world) Arm(timer uint64, d time.Duration) {
	if w.timer != 0 {
		w.fault("two timers are armed")
	}
	w.timer, w.due = timer, w.now.Add(d)
}

// Stop implements Clock.
func (w *world) Stop(timer uint64) {
	if timer != w.timer {
		w.fault("a timer is stopped that is not armed")
	}
	w.timer = 0
}

// elapse lets the armed timer elapse.
func (w *world) elapse() {
	timer := w.timer
	w.now, w.timer = w.due, 0
	w.handle(Elapsed{Timer: timer})
}

// Report implements Reporter.
func (w *world) Report(r *call.Record) {
	w.reports++
	w.note("reported: %s", r.Facts.Caller.Number)
}

// ReportLast implements Reporter.
func (w *world) ReportLast(*call.Record) {
	w.looking = true
	w.note("looked up: the last caller")
}

// Append implements Recorder.
func (w *world) Append(r *call.Record) {
	w.records = append(w.records, r)
	o, t := r.Outcome, r.Treated
	text := fmt.Sprintf("record: %d by %s after %s", o.Status, o.By, o.Elapsed)
	for _, field := range [...]struct{ name, value string }{
		{"cause", string(o.Cause)},
		{"target", o.Target},
		{"announcement", strings.TrimSpace(t.Language + " " + t.Announcement)},
		{"choice", string(t.Choice)},
		{"caller pressed", t.CallerKeys},
		{"called pressed", t.CalledKeys},
		{"reference", t.Reported},
		{"hung up by", t.HungUp},
	} {
		if field.value != "" {
			text += ", " + field.name + " " + field.value
		}
	}
	if t.Heard > 0 {
		text += ", heard " + t.Heard.String()
	}
	if t.Connected > 0 {
		text += ", connected " + t.Connected.String()
	}
	w.note("%s", text)
}

var errNoPorts = errors.New("no port is free")

func (w *world) openPort(id LegID, _ netip.Addr) (Port, error) {
	if w.free == 0 {
		return nil, errNoPorts
	}
	w.free--
	if int(id) == len(w.legs) {
		w.legs = append(w.legs, &fakeLeg{w: w, id: id, name: fmt.Sprintf("leg%d", id)})
	}
	leg := w.legs[id]
	leg.local = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), 20000+2*uint16(id))
	leg.party = media.NewParty(leg.remote())
	leg.port = &fakePort{leg}
	return leg.port, nil
}

// leg is the latest leg of a name, nil when there is none.
func (w *world) leg(name string) *fakeLeg {
	for _, leg := range slices.Backward(w.legs) {
		if leg.name == name {
			return leg
		}
	}
	return nil
}

// fakeLeg is one leg, its port, and whoever is at its other end.
type fakeLeg struct {
	w    *world
	id   LegID
	name string
	to   Destination

	made, invited bool
	early         bool // a description went in a provisional response
	final         bool // the INVITE had its final response
	up            bool // by 200
	over          bool
	offering      []byte          // our offer that is not answered
	awaits        int             // answers in ACKs that may come
	asked         map[uint64]bool // their requests that are not replied to; true: they wait for an offer
	transferring  bool            // our REFER is not replied to
	numbers       uint64

	local    netip.AddrPort
	port     *fakePort
	party    *media.Party // of the other end
	heard    []byte       // the last offer in either direction
	playing  uint64
	length   time.Duration
	started  time.Time
	plays    uint64
	forever  bool
	hears    []*fakeLeg
	stream   media.Stream
	watching bool // AwaitSpeech
}

func (l *fakeLeg) remote() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), 40000+2*uint16(l.id))
}

func (l *fakeLeg) does(format string, args ...any) {
	if l.over {
		l.w.fault("%s: "+format+" after its end", append([]any{l.name}, args...)...)
	}
	l.w.note(l.name+": "+format, args...)
}

func (l *fakeLeg) Progress(status int, description []byte) {
	l.does("%d%s", status, brief(description))
	if l.id != CallerLeg || l.final {
		l.w.fault("%s: progress at the wrong time", l.name)
	}
	if len(description) > 0 {
		if l.early || len(l.heard) == 0 {
			l.w.fault("%s: a description too many", l.name)
		}
		l.early = true
	}
}

func (l *fakeLeg) Accept(description []byte) {
	l.does("200%s", brief(description))
	if l.id != CallerLeg || l.final || len(description) == 0 {
		l.w.fault("%s: accept at the wrong time, or with nothing", l.name)
	}
	if len(l.heard) == 0 {
		l.awaits++
		l.heard = description
	}
	l.final, l.up = true, true
}

func (l *fakeLeg) Refuse(status int, headers []Header) {
	text := ""
	for _, h := range headers {
		text += fmt.Sprintf(" [%s: %s]", h.Name, h.Value)
	}
	l.does("%d%s", status, text)
	if l.id != CallerLeg || l.final || status < 400 {
		l.w.fault("%s: refuse at the wrong time, or with no refusal", l.name)
	}
	l.final, l.over = true, true
}

func (l *fakeLeg) Invite(to Destination, description []byte) {
	l.to = to
	l.name = "pbx"
	if to.Divert != "" {
		l.name = to.Divert
	}
	prefix := ""
	if to.Prefix != "" {
		prefix = " labelled " + to.Prefix
	}
	l.does("INVITE%s%s", prefix, brief(description))
	if !l.made || l.invited || len(description) == 0 {
		l.w.fault("%s: invite at the wrong time", l.name)
	}
	l.invited, l.heard = true, description
}

func (l *fakeLeg) Offer(description []byte) {
	l.does("re-INVITE%s", brief(description))
	if !l.up || l.offering != nil || l.awaits > 0 || len(description) == 0 {
		l.w.fault("%s: offer at the wrong time", l.name)
	}
	l.offering = description
}

func (l *fakeLeg) Reply(id uint64, status int, description []byte) {
	l.does("replies %d%s", status, brief(description))
	offerless, asked := l.asked[id]
	if !asked {
		l.w.fault("%s: reply to nothing", l.name)
	}
	if offerless && status == 200 {
		l.awaits++
		l.heard = description
	}
	delete(l.asked, id)
}

func (l *fakeLeg) Transfer(target string) {
	l.does("REFER to %s", target)
	l.transferring = true
}

func (l *fakeLeg) Notify(body []byte, state string) { l.does("NOTIFY %s %s", body, state) }

func (l *fakeLeg) End(reason string) {
	l.does("ends [%s]", reason)
	if !l.invited || l.id == CallerLeg && !l.final {
		l.w.fault("%s: end at the wrong time", l.name)
	}
	l.over = true
}

// ask numbers a request of the other end, which waits for an offer or not.
func (l *fakeLeg) ask(offerless bool) uint64 {
	if l.asked == nil {
		l.asked = make(map[uint64]bool)
	}
	l.numbers++
	l.asked[l.numbers] = offerless
	return l.numbers
}

// answer is what the other end answers to an offer, of the kind that it speaks.
func (l *fakeLeg) answer(offer []byte, kind string) []byte {
	if kind == "rubbish" || kind == "none" || kind == "" {
		return sdp(kind, l.remote(), "")
	}
	theirs, err := media.ParseSDP(offer)
	if err != nil {
		l.w.fault("%s: offer: %v", l.name, err)
	}
	speaks, err := media.ParseSDP(sdp(kind, l.remote(), "sendrecv"))
	if err != nil {
		l.w.fault("%s: %v", l.name, err)
	}
	l.party.Video = speaks.HasVideo()
	answer, _, err := l.party.AnswerAs(theirs, speaks)
	if err != nil {
		return sdp("rubbish", l.remote(), "")
	}
	return answer
}

// fakePort is the media of a leg.
type fakePort struct{ l *fakeLeg }

func (p *fakePort) Local() netip.AddrPort { return p.l.local }

func (p *fakePort) uses() *fakeLeg {
	if p.l.port == nil {
		p.l.w.fault("%s: its port is closed", p.l.name)
	}
	return p.l
}

func (p *fakePort) Agree(s media.Stream) {
	l := p.uses()
	l.stream = s
	l.w.note("%s: agrees on %s %s", l.name, strings.TrimSuffix(s.Encoding, "/8000"), s.Direction)
}

func (p *fakePort) Play(language string, prompts []string, times int) uint64 {
	l := p.uses()
	if l.stream.Codec == media.Other || !l.stream.Remote.IsValid() {
		l.w.fault("%s: prompts are not heard there", l.name)
	}
	l.cutOff()
	l.plays++
	l.playing, l.started, l.length, l.forever = l.plays, l.w.now, time.Duration(len(prompts))*2*time.Second, times == Forever
	how := "hears"
	if l.forever {
		how = "hears again and again"
	}
	l.w.note("%s: %s %s: %s", l.name, how, language, strings.Join(prompts, " "))
	return l.playing
}

func (p *fakePort) Stop() {
	l := p.uses()
	if l.playing != 0 {
		l.w.note("%s: hears no more", l.name)
	}
	l.cutOff()
}

// cutOff ends what plays before its end.
func (l *fakeLeg) cutOff() {
	if l.playing != 0 {
		l.w.cut = append(l.w.cut, Played{Leg: l.id, Playback: l.playing, Heard: l.w.now.Sub(l.started)})
	}
	l.playing = 0
}

func (p *fakePort) Hear(others ...Port) {
	l := p.uses()
	l.hears = nil
	names := []string{}
	for _, other := range others {
		l.hears = append(l.hears, other.(*fakePort).uses())
		names = append(names, other.(*fakePort).l.name)
	}
	if len(names) == 0 {
		names = []string{"nobody"}
	}
	l.w.note("%s: hears %s", l.name, strings.Join(names, " and "))
	l.w.checkHearing(l)
}

// checkHearing checks what a side may hear: nobody hears the caller before she is answered, or after she
// is refused; she does not hear who has not chosen to speak with her, nor the reporting line before it speaks.
func (w *world) checkHearing(l *fakeLeg) {
	caller := w.legs[CallerLeg]
	if slices.Contains(l.hears, caller) && !caller.up {
		w.fault("%s hears the caller, who is not answered", l.name)
	}
	if l != caller || len(l.hears) == 0 {
		return
	}
	t := w.call.record.Treated
	for _, other := range l.hears {
		switch centre := w.call.centre; {
		case caller.over, t.Choice == call.ChoiceReportingLine:
			w.fault("the caller hears %s, and was refused", other.name)
		case centre != nil && other.id == centre.id && !w.call.centreSpeaks:
			w.fault("the caller hears %s, which has not spoken", other.name)
		case !other.up && w.call.State() != stateRinging && w.call.State() != stateDiverting:
			w.fault("the caller hears %s, who has not answered", other.name)
		case w.options.Warn.Menu && other.to.Prefix != "" && t.Choice != call.ChoiceTaken && t.Choice != call.ChoiceListenedIn:
			w.fault("the caller hears %s, who has not taken the call", other.name)
		}
	}
}

func (p *fakePort) AwaitSpeech() { p.uses().watching = true }

func (p *fakePort) Close() {
	l := p.uses()
	l.playing, l.hears, l.port = 0, nil, nil
}

// played lets what plays at a leg come to its end.
func (l *fakeLeg) played() {
	id := l.playing
	l.playing = 0
	l.w.now = l.started.Add(l.length)
	if l.w.timer != 0 && l.w.now.After(l.w.due) {
		l.w.fault("%s: a prompt of %s outlasts the state", l.name, l.length)
	}
	l.w.handle(Played{Leg: l.id, Playback: id, Heard: l.length})
}

// sdp is the description of a telephone that speaks in some way, at an address.
func sdp(kind string, at netip.AddrPort, direction string) []byte {
	lines := map[string]string{
		"g711":    "m=audio %d RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		"ulaw":    "m=audio %d RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		"opus":    "m=audio %d RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		"any":     "m=audio %d RTP/AVP 96 8\r\na=rtpmap:96 opus/48000/2\r\n",
		"srtp":    "m=audio %d RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n",
		"fax":     "m=image %d udptl t38\r\n",
		"video":   "m=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\nm=video 50000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
		"rubbish": "rubbish",
	}
	body, ok := lines[kind]
	if kind == "" || kind == "none" {
		return nil
	}
	if !ok {
		panic("no such telephone: " + kind + ", there are " + strings.Join(slices.Sorted(maps.Keys(lines)), " "))
	}
	if kind == "rubbish" {
		return []byte(body)
	}
	audio, rest, video := strings.Cut(body, "m=video")
	if direction != "" {
		audio += "a=" + direction + "\r\n"
	}
	if video {
		audio += "m=video" + rest
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+audio, at.Addr(), at.Port())
}

// brief is the media of a description in words: the formats and direction of its streams.
func brief(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	var streams []string
	names := map[string]string{"8": "PCMA", "0": "PCMU", "101": "keys"}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if rest, ok := strings.CutPrefix(line, "a=rtpmap:"); ok {
			number, name, _ := strings.Cut(rest, " ")
			name, _, _ = strings.Cut(name, "/")
			if name != "telephone-event" {
				names[number] = name
			}
		}
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		switch {
		case strings.HasPrefix(line, "m="):
			words := strings.Fields(line[2:])
			if words[1] == "0" {
				streams = append(streams, "no "+words[0])
				continue
			}
			for i, format := range words[3:] {
				words[3+i] = names[format]
			}
			streams = append(streams, strings.Join(append(words[:1], words[3:]...), " "))
		case line == "a=sendonly", line == "a=recvonly", line == "a=inactive":
			streams[len(streams)-1] += " " + line[2:]
		}
	}
	return " (" + strings.Join(streams, ", ") + ")"
}
