package screening

import (
	"reflect"
	"testing"

	"ringfence/call"
)

// FuzzDecide puts any text where the caller's number should be: no check fails on it, the verdict
// is complete, explaining it changes nothing, and an emergency call passes whatever the caller says.
func FuzzDecide(f *testing.F) {
	for _, text := range []string{"", "+862195588", "0095588", "+", ";", "９６１１０", "000000000000000000000000000000110", "86+1", "021110", "anonymous"} {
		for class := range uint8(4) {
			f.Add(text, "02155001234", class)
			f.Add("95588", text, class)
		}
	}
	rules := compiled(f, small())
	f.Fuzz(func(t *testing.T, caller, called string, class uint8) {
		facts := facts(call.Class(class%4), caller)
		facts.Called = party(called)
		v := Decide(facts, rules, &memory{})
		if v.Treatment == nil || v.Rule == "" || !call.ValidReason(string(v.Reason)) || len(v.Failures) > 0 {
			t.Fatalf("%q to %q: %+v", caller, called, v)
		}
		explained, _ := Explain(facts, rules, &memory{})
		if !reflect.DeepEqual(explained, v) {
			t.Fatalf("%q: explained as %+v, decided %+v", caller, explained, v)
		}
		facts.Called = party("110")
		if v = Decide(facts, rules, &memory{}); v.Rule != checkEmergency {
			t.Fatalf("%q to 110: %+v", caller, v)
		}
	})
}
