package report

import (
	"fmt"
	"testing"
	"time"

	"ringfence/call"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func number(t testing.TB, text string) call.Number {
	t.Helper()
	n, err := call.ParseNumber(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	suspect = "+8613800138000"
	victim  = "+862155550101"
)

// record is a call of suspect to victim that was answered.
func record(t testing.TB, i int) *call.Record {
	t.Helper()
	r := &call.Record{Reference: call.Reference(uint64(i))}
	r.Facts = call.Facts{
		Time: noon.Add(time.Duration(i) * time.Minute), CallID: fmt.Sprintf("call-%d@trunk", i), Trunk: "itsp", Class: call.ClassVoIP, Transport: "udp",
		Caller: call.Party{Text: "008613800138000", Display: "公安局", Number: number(t, suspect), Form: call.FormInternational},
		Called: call.Party{Text: victim, Number: number(t, victim), Form: call.FormPlus},
	}
	r.Facts.From = r.Facts.Caller
	r.Verdict = call.Verdict{Treatment: call.Warn{}, Rule: "cn-mobile-from-abroad", Reason: "cn-mobile-from-abroad", Category: call.CategoryOfficials, Score: 60}
	r.Outcome = call.Outcome{Status: 200, By: call.EndedByCalled, Attempts: 1}
	return r
}

func TestLastCallersRemembersTheNewest(t *testing.T) {
	l := newLastCallers()
	called := number(t, victim)
	if _, found := l.find(called, noon); found {
		t.Fatal("a call before any")
	}
	for _, i := range []int{1, 3, 2} { // the second call ended last
		l.note(record(t, i))
	}
	c, found := l.find(called, noon.Add(time.Hour))
	if !found || c.ref() != call.Reference(3) || c.caller != number(t, suspect) || !c.time().Equal(noon.Add(3*time.Minute)) {
		t.Errorf("%+v, %v", c, found)
	}
	if _, found := l.find(called, noon.Add(3*time.Minute+remembered)); found {
		t.Error("a call is remembered for more than a day")
	}
	if _, found := l.find(0, noon); found {
		t.Error("nobody has a last caller")
	}
}

func TestReached(t *testing.T) {
	refused := call.Outcome{Status: 486, By: call.EndedByCalled, Attempts: 1}
	here := call.Outcome{Status: 603, By: call.EndedByGateway}
	for name, c := range map[string]struct {
		change func(*call.Record)
		want   bool
	}{
		"answered":           {func(*call.Record) {}, true},
		"rang and cancelled": {func(r *call.Record) { r.Outcome = call.Outcome{Status: 487, By: call.EndedByCaller, Attempts: 1} }, true},
		"busy":               {func(r *call.Record) { r.Outcome = refused }, true},
		"refused here":       {func(r *call.Record) { r.Verdict.Treatment, r.Outcome = call.Refuse{}, here }, false},
		"no PBX":             {func(r *call.Record) { r.Outcome = call.Outcome{Status: 503, By: call.EndedByGateway, Attempts: 1} }, false},
		"to the voicemail":   {func(r *call.Record) { r.Verdict.Treatment = call.Divert{} }, true},
		"voicemail refused":  {func(r *call.Record) { r.Verdict.Treatment, r.Outcome = call.Divert{}, refused }, false},
		"announced, refused": {func(r *call.Record) { r.Verdict.Treatment = call.Announce{Refuse: &call.Refuse{}} }, false},
		"announced":          {func(r *call.Record) { r.Verdict.Treatment = call.Announce{} }, true},
		"challenge failed": {func(r *call.Record) {
			r.Verdict.Treatment, r.Outcome = call.Challenge{}, refused
			r.Treated = &call.Treated{Choice: call.ChoiceFailed}
		}, false},
		"challenge passed": {func(r *call.Record) { r.Verdict.Treatment = call.Challenge{} }, true},
		"warned, did not choose": {func(r *call.Record) {
			r.Outcome = call.Outcome{Status: 480, By: call.EndedByGateway, Attempts: 1}
			r.Treated = &call.Treated{Heard: time.Second}
		}, true},
		"a call out": {func(r *call.Record) { r.Facts.Class = call.ClassInternal }, false},
	} {
		r := record(t, 1)
		c.change(r)
		if got := reached(r); got != c.want {
			t.Errorf("%s: reached = %v", name, got)
		}
	}
}

func TestLastCallersIsBounded(t *testing.T) {
	l := newLastCallers()
	r := record(t, 1)
	const calls = 2 * lastSets * lastWays
	for i := range calls {
		r.Facts.Called.Number, _ = call.Global(fmt.Sprintf("8621%07d", i))
		r.Facts.Time = noon.Add(time.Duration(i) * time.Millisecond)
		l.note(r)
	}
	lost := 0
	const young = calls / 4 // half of what there is room for
	for i := calls - young; i < calls; i++ {
		n, _ := call.Global(fmt.Sprintf("8621%07d", i))
		if _, found := l.find(n, noon); !found {
			lost++
		}
	}
	if lost > young/100 {
		t.Errorf("%d of the newest %d calls were forgotten before older ones", lost, young)
	}
}

func TestNotingACallAllocatesNothing(t *testing.T) {
	l := newLastCallers()
	r := record(t, 1)
	if n := testing.AllocsPerRun(1000, func() { l.note(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNote(b *testing.B) {
	l := newLastCallers()
	r := record(b, 1)
	for i := 0; b.Loop(); i++ {
		r.Facts.Called.Number = call.Number(1<<57 | uint64(i%200_000))
		l.note(r)
	}
}
