package treatment

import (
	"errors"
	"fmt"
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
	if w.reports > 0 && !w.legs[CallerLeg].over {
		w.fault("the caller is reported, and not refused")
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
	if remembered := w.call.env.Passed.Has(w.call.origin(), began.Add(time.Minute)); remembered != (r.Treated.Choice == call.ChoicePassed) && r.Treated.Choice != call.ChoiceRemembered {
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
	w.note("reported: %s, heard %s", r.Facts.Caller.Number, r.Treated.Heard)
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
