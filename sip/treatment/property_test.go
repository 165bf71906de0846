package treatment

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// kinds are the telephones that there are; the usual ones are drawn more often.
var kinds = []string{"g711", "ulaw", "video", "any", "opus", "none", "srtp", "fax", "rubbish"}

// drawn draws one of some values, the later ones less often: each run is to get far.
func drawn[T any](rt *rapid.T, name string, values []T) T {
	for i := range len(values) - 1 {
		if rapid.Bool().Draw(rt, name) {
			return values[i]
		}
	}
	return values[len(values)-1]
}

// even draws one of some values, each as often: rapid itself prefers the first.
func even[T any](rt *rapid.T, name string, values []T) T {
	i := 0
	for n := 1; n < 4*len(values); n *= 2 {
		i *= 2
		if rapid.Bool().Draw(rt, name) {
			i++
		}
	}
	return values[i%len(values)]
}

// seldom is true in one of so many cases, a power of 2.
func seldom(rt *rapid.T, name string, cases int) bool {
	for ; cases > 1; cases /= 2 {
		if !rapid.Bool().Draw(rt, name) {
			return false
		}
	}
	return true
}

// TestAnyOrderOfEvents lets anything happen in any order, and then nothing more than time passing. Whatever
// the order, what TestAnyOrderOfEvents and the world around a call check must be true.
func TestAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawOptions(rt)
		treatment := rapid.SampledFrom([]call.Treatment{
			call.Warn{Prefix: "[Suspect] "},
			call.Warn{AudioOnly: true},
			call.Announce{},
			call.Announce{Refuse: &call.Refuse{}},
			call.Challenge{Digits: 1},
			call.Challenge{Digits: 2, Divert: &call.Divert{Target: "queue"}},
			call.TakeReport{},
			call.Divert{Target: "queue"},
		}).Draw(rt, "treatment")
		offer := sdp(rapid.SampledFrom(kinds).Draw(rt, "offer"), (&fakeLeg{}).remote(), "")
		w := newWorld(o, treatment, call.CategoryOfficials, offer)
		w.free = rapid.SampledFrom([]int{0, 1, 2, 3, 100, 100, 100}).Draw(rt, "ports")
		w.handle(Begun{})
		for range rapid.IntRange(0, 60).Draw(rt, "events") {
			if w.call.Over() {
				break
			}
			w.drawEvent(rt)
		}
		w.runOut(rt)
		if len(w.faults) > 0 {
			rt.Fatalf("%s\nafter\n%s", w.faults, lines(w.done))
		}
		checkRecord(rt, w, o)
	})
}

func lines(done []string) string {
	text := ""
	for _, line := range done {
		text += line + "\n"
	}
	return text
}

func drawOptions(rt *rapid.T) Options {
	o := defaultOptions()
	target := func(name string) string { return even(rt, name, []string{"", name}) }
	yes := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	w := &o.Warn
	w.Menu, w.Announcement, w.VideoByKey = !seldom(rt, "no menu", 4), yes("wait"), yes("video")
	w.Repeat = even(rt, "repeat", []int{1, 2})
	w.Voicemail, w.ReportingLine, w.ListenIn = target("mailbox"), target("line"), target("centre")
	o.Announce.Answer, o.Challenge.Answer, o.PassTransfers = yes("announce answered"), yes("challenge answered"), yes("transfer")
	for _, from := range []string{"mailbox", "line", "centre", "queue"} {
		o.Fallbacks[from] = even(rt, "fallback of "+from, []string{"", "desk", "queue", "mailbox"})
	}
	return o
}

// drawEvent lets one of the things happen that can happen now; now and then one that cannot.
func (w *world) drawEvent(rt *rapid.T) {
	events := map[string]func(){
		"time passes":  func() { w.now = w.now.Add(time.Second) },
		"stale timer":  func() { w.handle(Elapsed{Timer: w.timer + 1}) },
		"stale prompt": func() { w.handle(Played{Leg: 1, Playback: 99}) },
		"unknown leg":  func() { w.handle(Answered{Leg: 7, Description: []byte("v=0")}) },
		"found":        func() { w.handle(Reported{Found: true, Reference: "1"}) },
	}
	if w.timer != 0 {
		events["elapsed"] = w.elapse
	}
	if seldom(rt, "stop", 256) {
		events["stopped"] = func() { w.handle(Stopped{Status: 503, Cause: call.ReasonStopped}) }
	}
	ends := seldom(rt, "ends", 16)
	for _, leg := range w.legs {
		leg.addEvents(rt, events, ends)
	}
	events[even(rt, "event", slices.Sorted(maps.Keys(events)))]()
}

// addEvents adds what the other end of a leg may do now. What most likely ends the call is added only if
// ends is set.
func (l *fakeLeg) addEvents(rt *rapid.T, events map[string]func(), ends bool) {
	w := l.w
	add := func(name string, happen func()) { events[fmt.Sprintf("%s%d %s", l.name, l.id, name)] = happen }
	kind := func() string { return drawn(rt, "kind", kinds) }
	if l.playing != 0 && !l.forever {
		add("played", l.played)
	}
	if !l.invited || l.over {
		add("stale end", func() { w.handle(Ended{Leg: l.id}) })
		return
	}
	if l.port != nil {
		add("presses", func() {
			w.handle(Keyed{Leg: l.id, Key: even(rt, "key", []byte("1234567890#*"))})
		})
		if ends {
			add("is silent", func() { w.handle(Silent{Leg: l.id}) })
		}
		if l.watching {
			add("speaks", func() { l.watching = false; w.handle(Spoke{Leg: l.id}) })
		}
	}
	switch {
	case l.final && l.up:
		l.addDialogEvents(rt, add, kind, ends)
	case l.id == CallerLeg && ends:
		add("cancels", func() { l.final, l.over = true, true; w.handle(Ended{Leg: l.id, How: Cancelled}) })
		add("does not acknowledge", func() { l.final, l.over = true, true; w.handle(Ended{Leg: l.id, How: Lost}) })
	case l.id == CallerLeg:
		if l.early {
			add("updates", func() {
				w.handle(Reoffered{Leg: l.id, ID: l.ask(false), Description: sdp(drawn(rt, "kind", kinds[:5]), l.remote(), "sendonly")})
			})
		}
	default:
		add("progresses", func() {
			status := even(rt, "status", []int{180, 181, 183})
			var description []byte
			if even(rt, "early media", []bool{false, true}) {
				description = l.answer(l.heard, kind())
			}
			w.handle(Progressed{Leg: l.id, Status: status, Description: description})
		})
		add("answers", func() {
			l.final, l.up = true, true
			w.handle(Answered{Leg: l.id, Description: l.answer(l.heard, kind())})
		})
		if ends || l.to.Divert != "" {
			add("refuses", func() {
				l.final, l.over = true, true
				w.handle(Refused{Leg: l.id, Status: even(rt, "status", []int{302, 404, 408, 486, 503, 603})})
			})
		}
	}
}

// addDialogEvents adds what may happen once the dialog is confirmed.
func (l *fakeLeg) addDialogEvents(rt *rapid.T, add func(string, func()), kind func() string, ends bool) {
	w := l.w
	if ends {
		add("hangs up", func() {
			l.over = true
			w.handle(Ended{Leg: l.id, How: even(rt, "how", []Manner{HungUp, Expired, Lost})})
		})
	}
	if l.offering == nil {
		add("offers", func() {
			direction := even(rt, "direction", []string{"", "sendonly", "inactive"})
			body := sdp(kind(), l.remote(), direction)
			w.handle(Reoffered{Leg: l.id, ID: l.ask(len(body) == 0), Description: body})
		})
	}
	if l.awaits > 0 {
		add("acknowledges", func() {
			l.awaits--
			w.handle(Agreed{Leg: l.id, Description: l.answer(l.heard, kind())})
		})
	}
	if l.offering != nil {
		add("agrees", func() { l.agree(kind()) })
		add("refuses the offer", func() { l.offering = nil; w.handle(OfferRefused{Leg: l.id, Status: 488}) })
	}
	add("transfers", func() { w.handle(Transferred{Leg: l.id, ID: l.ask(false), Target: "sip:a@example.org"}) })
	if l.transferring {
		add("replies", func() { l.transferring = false; w.handle(TransferReplied{Leg: l.id, Status: 202}) })
		add("notifies", func() { w.handle(Notified{Leg: l.id, State: "active"}) })
	}
}

func (l *fakeLeg) agree(kind string) {
	offer := l.offering
	l.offering = nil
	l.w.handle(Agreed{Leg: l.id, Description: l.answer(offer, kind)})
}

// runOut lets nothing more happen but what must: prompts end, offers are answered, timers elapse. Within
// few steps the call is over, or somebody is connected and only hanging up is left.
func (w *world) runOut(rt *rapid.T) {
	for range 100 {
		if w.call.Over() {
			return
		}
		if !w.settles() {
			break
		}
	}
	if s := w.call.State(); !w.call.Over() && s != stateConnected && s != stateAdvised {
		rt.Fatalf("nothing more happens in state %s, after\n%s", s, lines(w.done))
	}
	for _, leg := range w.legs {
		if leg.invited && !leg.over && !w.call.Over() {
			leg.over = true
			w.handle(Ended{Leg: leg.id, How: HungUp})
		}
	}
	if !w.call.Over() {
		rt.Fatalf("all hung up in state %s, after\n%s", w.call.State(), lines(w.done))
	}
}

// settles lets one thing happen that must, and reports false when there is none.
func (w *world) settles() bool {
	for _, leg := range w.legs {
		switch {
		case leg.playing != 0 && !leg.forever:
			leg.played()
		case leg.offering != nil && !leg.over:
			leg.agree("g711")
		default:
			continue
		}
		return true
	}
	if w.timer == 0 {
		return false
	}
	w.elapse()
	return true
}

// checkRecord checks the one record of a call that is over.
func checkRecord(rt *rapid.T, w *world, o Options) {
	r, caller := w.records[0], w.legs[CallerLeg]
	taken := r.Treated.Choice == call.ChoiceTaken || r.Treated.Choice == call.ChoiceListenedIn
	var fault string
	switch status := r.Outcome.Status; {
	case status < 200 || status == 200 != caller.up:
		fault = "the status is not what the caller was sent"
	case (r.Treated.HungUp == "") != w.call.connected.IsZero():
		fault = "somebody ended what was not connected"
	case r.Treated.Connected > 0 && status != 200:
		fault = "connected and not answered"
	case r.Outcome.Elapsed < 0 || r.Outcome.Elapsed > w.now.Sub(began):
		fault = "elapsed is wrong"
	case (w.reports > 0) != (r.Treated.Choice == call.ChoiceReported) && r.Verdict.Treatment != (call.TakeReport{}):
		fault = "reported and not chosen, or not reported"
	case r.Treated.Choice == call.ChoiceReportingLine && status != 607:
		fault = "the caller was not refused for the reporting line"
	case w.reports > 0 && status != 607:
		fault = "the caller was not refused for the report"
	case r.Treated.Choice == call.ChoiceVoicemail && o.Warn.Voicemail == "":
		fault = "a voicemail was chosen that there is not"
	}
	if _, warn := r.Verdict.Treatment.(call.Warn); warn && o.Warn.Menu && caller.up && !taken && r.Treated.Choice != call.ChoiceVoicemail && o.Warn.Voicemail == "" {
		fault = "the caller was answered, and the call not taken"
	}
	if fault != "" {
		rt.Fatalf("%s: %+v %+v, after\n%s", fault, r.Outcome, r.Treated, lines(w.done))
	}
}
