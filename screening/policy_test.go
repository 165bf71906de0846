package screening

import (
	"reflect"
	"testing"

	"ringfence/call"
)

// action reads an action as a file writes it.
func action(t testing.TB, text string) (a Action) {
	t.Helper()
	if err := a.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return a
}

// dialled is a call of a member of the site.
func dialled(text string) *call.Facts {
	f := facts(call.ClassInternal, "8001")
	f.Called = party(text)
	return f
}

func withReportCode(t testing.TB, code string) *Rules {
	t.Helper()
	rules, err := compiled(t, small()).With(Site{ReportCode: code})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestReportCode(t *testing.T) {
	rules := withReportCode(t, "*96110")
	outside := facts(call.ClassDomestic, "+8613800138000")
	outside.Called = party("*96110")
	for name, c := range map[string]struct {
		facts *call.Facts
		rules *Rules
		rule  string
		want  call.Treatment
	}{
		"from a telephone of ours":    {dialled("*96110"), rules, "report-code", call.TakeReport{}},
		"another number":              {dialled("96110"), rules, "outbound", call.Allow{}},
		"more than the code":          {dialled("*961100"), rules, "outbound", call.Allow{}},
		"from outside":                {outside, rules, "clean", call.Allow{}},
		"no code is configured":       {dialled("*96110"), withReportCode(t, ""), "outbound", call.Allow{}},
		"no code, and none dialled":   {dialled(""), withReportCode(t, ""), "outbound", call.Allow{}},
		"a code that is the police's": {dialled("110"), withReportCode(t, "110"), "emergency", call.Allow{}},
	} {
		if v := Decide(c.facts, c.rules, nil); v.Rule != c.rule || v.Treatment != c.want {
			t.Errorf("%s: %+v, want %+v by %s", name, v, c.want, c.rule)
		}
	}
	if v := Decide(dialled("*96110"), rules, nil); v.Reason != call.ReasonReport {
		t.Errorf("the reason is %s", v.Reason)
	}
	if withReportCode(t, "*1").Version() == rules.Version() {
		t.Error("another code has the same version")
	}
}

// watched is a list with a watch entry for +1 of a category.
func watched(t testing.TB, category call.Category) *memory {
	return &memory{Listings: call.Listings{Watch: call.Listing{Pattern: entry(t, "+1*"), Category: category}}}
}

func TestWatchPolicy(t *testing.T) {
	pack := small()
	pack.Watch = Treatments{All: action(t, "warn unlabelled"), Domestic: action(t, "label"), International: action(t, "off")}
	packaged := compiled(t, pack)
	decided, err := packaged.With(Site{Watch: Treatments{VoIP: action(t, "challenge 2 else divert voicemail")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		rules    *Rules
		class    call.Class
		category call.Category
		want     call.Treatment
	}{
		"by default":               {compiled(t, small()), call.ClassVoIP, call.CategoryLoan, call.Warn{Prefix: labels[call.CategoryLoan]}},
		"of no category":           {compiled(t, small()), call.ClassVoIP, "", call.Warn{Prefix: labels[call.CategoryHighRisk]}},
		"of a category of its own": {compiled(t, small()), call.ClassVoIP, "pets", call.Warn{Prefix: labels[call.CategoryHighRisk]}},
		"as the pack says":         {packaged, call.ClassVoIP, call.CategoryLoan, call.Warn{}},
		"as it says for a class":   {packaged, call.ClassDomestic, call.CategoryLoan, call.Label{Prefix: labels[call.CategoryLoan]}},
		"off":                      {packaged, call.ClassInternational, call.CategoryLoan, call.Allow{}},
		"as the site says":         {decided, call.ClassVoIP, call.CategoryLoan, call.Challenge{Digits: 2, Divert: &call.Divert{Target: "voicemail"}}},
		"where the site is silent": {decided, call.ClassDomestic, call.CategoryLoan, call.Allow{}},
	} {
		v, steps := Explain(facts(c.class, "+14155550100"), c.rules, watched(t, c.category))
		if !reflect.DeepEqual(v.Treatment, c.want) {
			t.Errorf("%s: %+v, want %+v: %+v", name, v, c.want, steps)
		}
	}
	if got := decided.Targets(); len(got) != 1 || got[0] != "voicemail" {
		t.Errorf("the targets are %q", got)
	}
}

// Treatments are made when the rules are compiled: deciding on one costs nothing more.
func TestTreatingDoesNotAllocate(t *testing.T) {
	for _, text := range []string{"warn", "warn audio-only", "announce", "announce refuse", "challenge", "challenge else divert voicemail"} {
		pack := small()
		pack.Rules[1].Treatment = Treatments{All: action(t, text)}
		pack.Watch = pack.Rules[1].Treatment
		rules := compiled(t, pack)
		for rule, caller := range map[string]string{"cambodia": "+85512345678", "watch-list": "+14155550100"} {
			f, lists := facts(call.ClassVoIP, caller), watched(t, call.CategoryLoan)
			if v := Decide(f, rules, lists); v.Rule != rule {
				t.Errorf("%s decided, not %s", v.Rule, rule)
			}
			if n := testing.AllocsPerRun(200, func() { Decide(f, rules, lists) }); n != 0 {
				t.Errorf("%s by %s: %v allocations", text, rule, n)
			}
		}
	}
	rules, f := withReportCode(t, "*96110"), dialled("*96110")
	if n := testing.AllocsPerRun(200, func() { Decide(f, rules, nil) }); n != 0 {
		t.Errorf("take-report: %v allocations", n)
	}
}
