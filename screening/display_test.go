package screening

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "",
		"Wang Li":                "wangli",
		"公 安\u3000局":             "公安局",
		"公\u200b安\u00ad\ufeff":   "公安",
		"Ｐｏｌｉｃｅ　１１０":             "police110",
		"P\u043elic\u0435":       "police", // Cyrillic
		"p\u03bflice":            "police", // Greek
		"ﬁnance":                 "finance",
		"①②③":                    "123",
		"㏇":                      "co",
		"people's court":         "peoplescourt",
		"\xff公\xfe":              "公",
		"+86 (21) 6123-4567":     "862161234567",
		strings.Repeat("a", 999): strings.Repeat("a", maxDisplay),
	} {
		if got := string(fold(nil, name)); got != want {
			t.Errorf("%q folds to %q, want %q", name, got, want)
		}
	}
}

// Folding twice changes nothing, gives UTF-8, and takes no more memory than the name is allowed to.
func TestFoldIsStable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(rt, "name")
		once := string(fold(nil, name))
		if !utf8.ValidString(once) {
			rt.Fatalf("%q folds to %q", name, once)
		}
		if len(once) <= maxDisplay && string(fold(nil, once)) != once {
			rt.Fatalf("%q folds to %q and that to %q", name, once, fold(nil, once))
		}
	})
}

// displaying is a pack with rules about display names.
func displaying() Pack {
	pack, yes := small(), true
	pack.Rules = []Rule{
		{
			Name: "claims", Category: call.CategoryOfficials, Score: 1, When: []Condition{{Display: []string{"Police", "公安"}}},
			Treatment: Treatments{All: Action{word: wordWarn}},
		},
		{
			Name: "other-number", Category: call.CategoryOfficials, Score: 1, When: []Condition{{Other: &yes}},
			Treatment: Treatments{All: Action{word: wordWarn}},
		},
	}
	return pack
}

func TestDisplayConditions(t *testing.T) {
	rules := compiled(t, displaying())
	for _, c := range []struct{ caller, shown, rule, why string }{
		{"+14155550100", "the POLICE", "claims", "display Police or 公安"},
		{"+14155550100", "Wang", "clean", "another number in the display name is false"},
		{"+14155550100", "95588", "other-number", "display number true"},
		{"+14155550100", "5550100", "clean", "another number in the display name is false"},
		{"+14155550100", "0014155550100", "clean", "another number in the display name is false"},
		{"+14155550100", "1234", "clean", "another number in the display name is false"},
		{"+14155550100", "4155550100 / 95588", "other-number", "display number true"},
		{"police", "95588", "other-number", "display number true"},
	} {
		f := facts(call.ClassVoIP, c.caller)
		f.Caller.Display = c.shown
		v, steps := Explain(f, rules, nil)
		told := false
		for _, s := range steps {
			told = told || s.Why == c.why
		}
		if v.Rule != c.rule || !told {
			t.Errorf("%q by %s is decided by %s, want %s: %+v", c.shown, c.caller, v.Rule, c.rule, steps)
		}
		if again := Decide(f, rules, nil); again.Rule != v.Rule {
			t.Errorf("%q: %s explained, %s decided", c.shown, v.Rule, again.Rule)
		}
		if n := testing.AllocsPerRun(200, func() { Decide(f, rules, nil) }); n != 0 {
			t.Errorf("%q: %v allocations", c.shown, n)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, name := range []string{"", "公安", "Ｐｏｌｉｃｅ", "\xff", "①", "a\u0301", "ﷺ", "\U0001f46e", "police 110"} {
		f.Add(name)
	}
	rules := compiled(f, displaying())
	f.Fuzz(func(t *testing.T, name string) {
		if folded := fold(nil, name); !utf8.Valid(folded) {
			t.Fatalf("%q folds to %q", name, folded)
		}
		facts := facts(call.ClassVoIP, "+14155550100")
		facts.Caller.Display = name
		if v := Decide(facts, rules, nil); len(v.Failures) > 0 {
			t.Fatalf("%q: %v", name, v.Failures)
		}
	})
}
