package treatment

import (
	"fmt"
	"testing"
	"time"

	"ringfence/call"
)

func TestMemory(t *testing.T) {
	number := func(i int) Origin {
		n, err := call.ParseNumber(fmt.Sprintf("+8613800138%03d", i))
		if err != nil {
			t.Fatal(err)
		}
		return Origin{"carrier", n}
	}
	now := began
	m := NewMemory(3)
	m.Add(number(0), now.Add(time.Hour))
	if m.Has(number(1), now) || !m.Has(number(0), now) {
		t.Error("the wrong numbers are remembered")
	}
	if m.Has(Origin{"another", number(0).Number}, now) {
		t.Error("who passed on one trunk is let pass on another")
	}
	if m.Has(number(0), now.Add(time.Hour)) {
		t.Error("a number is remembered for too long")
	}
	m.Add(number(0), now.Add(2*time.Hour))
	if !m.Has(number(0), now.Add(time.Hour)) {
		t.Error("a number that is added again is not remembered for longer")
	}
	for i := 1; i <= 4; i++ { // 0 and 1 are the oldest
		m.Add(number(i), now.Add(time.Hour))
	}
	for i, want := range []bool{false, false, true, true, true} {
		if got := m.Has(number(i), now); got != want {
			t.Errorf("number %d remembered: %v, want %v", i, got, want)
		}
	}
	if len(m.until) != 3 {
		t.Errorf("%d numbers are held, want 3", len(m.until))
	}
	m.Add(Origin{Trunk: "carrier"}, now.Add(time.Hour))
	if m.Has(Origin{Trunk: "carrier"}, now) {
		t.Error("the absence of a number is remembered")
	}
}

func TestStateNames(t *testing.T) {
	seen := map[string]bool{}
	for s := stateNew; s <= stateOver; s++ {
		if name := s.String(); name == "" || seen[name] {
			t.Errorf("state %d is called %q", s, name)
		} else {
			seen[name] = true
		}
		if states[s].handle == nil {
			t.Errorf("nothing handles events in state %s", s)
		}
	}
	if got := (stateOver + 1).String(); got != "unknown" {
		t.Errorf("a state that is none is called %q", got)
	}
}
