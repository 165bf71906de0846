package treatment

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringfence/call"
	"ringfence/media"
)

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
