package audit

import (
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

// TestNoMatchIsLeftOutByItsKey draws a record and a filter made of what the record says, or of what
// another one says: whatever the filter matches must be a candidate.
func TestNoMatchIsLeftOutByItsKey(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		r := records().Draw(t, "record")
		e := encoded(t, r)
		stored := row{seq: 1, body: []byte(e.body), hash: make([]byte, len(Hash{})), personal: []byte(e.personal)}
		k := readKey(e.key.append(nil))
		if k != e.key {
			t.Fatalf("%+v is read as %+v", e.key, k)
		}
		if rapid.Bool().Draw(t, "erased") {
			stored.personal, k = []byte(e.commitment.String()), k.erased()
		}
		got, err := stored.entry()
		if err != nil {
			t.Fatal(err)
		}
		f := filterOf(t, &got)
		keys := f.keys()
		if !f.matches(&got) {
			return
		}
		if matched++; !keys.match(k) {
			t.Fatalf("%+v is left out by %+v", k, keys)
		}
	})
	if matched == 0 {
		t.Error("no filter matched: the test shows nothing")
	}
}

// filterOf draws a filter that matches e more often than not.
func filterOf(t *rapid.T, e *Entry) Filter {
	text := func(name, value string) string {
		switch rapid.IntRange(0, 5).Draw(t, name) {
		case 0:
			return value
		case 1:
			return texts.Draw(t, name)
		}
		return ""
	}
	party := func(name, value string) string {
		if rapid.Bool().Draw(t, name) {
			value = value[:rapid.IntRange(0, len(value)).Draw(t, name)] + "*"
		}
		return text(name, value)
	}
	s := e.Call
	f := Filter{
		Trunk: text("trunk", s.Trunk), Treatment: text("treatment", s.Treatment), Rule: text("rule", s.Rule),
		Reason: text("reason", string(s.Reason)), Reference: text("reference", s.Reference),
		Caller: party("caller", e.Caller()), Called: party("called", e.Called()),
	}
	if e.Record != nil {
		f.CallID = text("call-id", e.Record.Facts.CallID)
	}
	if rapid.Bool().Draw(t, "status") {
		f.Status = s.Status
	}
	if rapid.Bool().Draw(t, "from") {
		f.From = e.Time
	}
	if rapid.Bool().Draw(t, "to") {
		f.To = e.Time.Add(1)
	}
	return f
}

func TestPartyFilter(t *testing.T) {
	number, _ := call.Global("8613800138000")
	code, _ := call.Local("96110")
	for _, c := range []struct {
		value string
		party call.Party
		want  bool
	}{
		{"", call.Party{}, true},
		{"+8613800138000", call.Party{Number: number}, true},
		{"+861380013*", call.Party{Number: number}, true},
		{"861380013*", call.Party{Number: number}, false}, // a code, not a country
		{"+8613800138001", call.Party{Number: number}, false},
		{"96110", call.Party{Number: code}, true},
		{"+96110", call.Party{Number: code}, false},
		{"*", call.Party{}, false},
		{"anonymous", call.Party{Text: "anonymous"}, true},
		{"anon", call.Party{Text: "anonymous"}, false},
	} {
		f := newPartyFilter(c.value)
		if got := f.match(partyKey(&c.party)); got != c.want {
			t.Errorf("%q takes %+v: %t", c.value, c.party, got)
		}
	}
}
