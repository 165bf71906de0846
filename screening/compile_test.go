package screening

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ringfence/call"
)

func TestCompileProblems(t *testing.T) {
	rule := func(change func(*Rule)) func(*Pack) {
		return func(p *Pack) { change(&p.Rules[1]) }
	}
	for _, c := range []struct {
		name    string
		change  func(*Pack)
		path    string
		message string
	}{
		{"pack name", func(p *Pack) { p.Name = "Small" }, "name", "lower-case"},
		{"country", func(p *Pack) { p.Country = "+86" }, "country", "digits"},
		{"prefix", func(p *Pack) { p.International = "0x" }, "international_prefix", "digits"},
		{"area", func(p *Pack) { p.Areas = []string{"1", "?"} }, "areas[1]", "may not stand"},
		{"open area", func(p *Pack) { p.Areas = []string{"1*"} }, "areas", "whole codes"},
		{"global emergency", func(p *Pack) { p.Emergency.Called = []string{"+110"} }, "emergency.called", "whole codes"},
		{"label category", func(p *Pack) { p.Labels = map[call.Category]string{"police": "x"} }, "labels.police", "officials, customer-service"},
		{"label text", func(p *Pack) { p.Labels = map[call.Category]string{call.CategoryLoan: "a\"b"} }, "labels.loan", "quotes"},
		{"label lines", func(p *Pack) { p.Labels = map[call.Category]string{call.CategoryLoan: "a\r\nb"} }, "labels.loan", "printable"},
		{"table name", func(p *Pack) { p.Tables["My Table"] = nil }, "tables.My Table", "lower-case"},
		{"table entry", func(p *Pack) { p.Tables["banks"] = []string{"95xxx", "bank"} }, "tables.banks[1]", "may not stand"},
		{"rule name", rule(func(r *Rule) { r.Name = "A rule" }), "rules[1].name", "lower-case"},
		{"rule named twice", rule(func(r *Rule) { r.Name = "bank-from-abroad" }), "rules[1].name", "another rule"},
		{"rule named as a check", rule(func(r *Rule) { r.Name = "block-list" }), "rules[1].name", "another rule or check"},
		{"reason", rule(func(r *Rule) { r.Reason = "Why?" }), "rules[1].reason", "lower-case"},
		{"category", rule(func(r *Rule) { r.Category = "police" }), "rules[1].category", "officials, customer-service"},
		{"score", rule(func(r *Rule) { r.Score = 101 }), "rules[1].score", "0 to 100"},
		{"no condition", rule(func(r *Rule) { r.When = nil }), "rules[1].when", "never fire"},
		{"empty condition", rule(func(r *Rule) { r.When = []Condition{{}} }), "rules[1].when[0]", "every call"},
		{"empty exception", rule(func(r *Rule) { r.Except = []Condition{{}} }), "rules[1].except[0]", "every call"},
		{"pattern", rule(func(r *Rule) { r.When[0].Caller = []string{"+1", "+a"} }), "rules[1].when[0].caller[1]", "may not stand"},
		{"table", rule(func(r *Rule) { r.Except[0].Table = "shops" }), "rules[1].except[0].table", "banks, own-numbers"},
		{"written", rule(func(r *Rule) { r.When[0].Written = []Writing{WritingOdd} }), "rules[1].when[0].written", "goes with"},
		{"display", rule(func(r *Rule) { r.When[0].Display = []string{"police", "! ?"} }), "rules[1].when[0].display[1]", "neither letters nor digits"},
		{"displays", rule(func(r *Rule) { r.When[0].Display = slices.Repeat([]string{"a"}, maxWords+1) }), "rules[1].when[0].display", "at most 64"},
		{"treatment", rule(func(r *Rule) { r.Treatment = Treatments{} }), "rules[1].treatment", "no treatment"},
		{"label without category", rule(func(r *Rule) { r.Category = "" }), "rules[1].treatment", "category"},
		{"long doc", rule(func(r *Rule) { r.Doc = strings.Repeat("x", maxDoc+1) }), "rules[1].doc", "at most"},
	} {
		pack := small()
		c.change(&pack)
		_, err := Compile(small2(), pack)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Pack != 1 || problems[0].Path != c.path || !strings.Contains(problems[0].Message, c.message) {
			t.Errorf("%s: %v, want one problem of the second pack at %s with %q", c.name, err, c.path, c.message)
		}
	}
}

// small2 is another pack, to be compiled before one under test.
func small2() Pack {
	return Pack{Name: "before", Country: "1"}
}

func TestManyRules(t *testing.T) {
	pack := Pack{Name: "many", Rules: make([]Rule, MaxRules+10)}
	if _, err := Compile(pack); err == nil || !strings.Contains(err.Error(), "more than 256 rules") {
		t.Errorf("no bound on rules")
	}
}

func TestVersion(t *testing.T) {
	one := compiled(t, small())
	if two := compiled(t, small()); one.Version() != two.Version() || len(one.Version()) != 12 {
		t.Errorf("the same pack has the versions %s and %s", one.Version(), two.Version())
	}
	changed := small()
	changed.Rules[0].Score--
	if compiled(t, changed).Version() == one.Version() {
		t.Error("another score has the same version")
	}
	for _, site := range []Site{
		{FailClosed: []string{"t"}},
		{Tables: map[string][]string{"banks": {"1"}}},
		{Overrides: map[string]Treatments{"cambodia": {All: Action{word: wordOff}}}},
	} {
		other, err := one.With(site)
		if err != nil || other.Version() == one.Version() {
			t.Errorf("%+v has the same version (%v)", site, err)
		}
	}
}

func TestSite(t *testing.T) {
	base := compiled(t, small())
	site := Site{
		Overrides: map[string]Treatments{
			"bank-from-abroad": {All: Action{word: wordDivert, target: "reporting-line"}},
			"cambodia":         {VoIP: Action{word: wordOff}},
		},
		Tables:    map[string][]string{"banks": {"96xxx"}},
		Labels:    map[call.Category]string{call.CategoryInternational: "[abroad] "},
		Anonymous: Treatments{VoIP: Action{word: wordRefuse}},
	}
	rules, err := base.With(site)
	if err != nil {
		t.Fatal(err)
	}
	divert := call.Divert{Target: "reporting-line"}
	for _, c := range []struct {
		class  call.Class
		caller string
		want   call.Treatment
	}{
		{call.ClassVoIP, "95588", divert},
		{call.ClassVoIP, "96110", divert},
		{call.ClassDomestic, "95588", call.Allow{}}, // "all" is every class that the pack's rule speaks of
		{call.ClassVoIP, "+85512345678", call.Allow{}},
		{call.ClassInternational, "+85512345678", call.Label{Prefix: "[abroad] "}},
		{call.ClassVoIP, "", call.Refuse{}},
		{call.ClassDomestic, "", call.Allow{}},
	} {
		if v := Decide(facts(c.class, c.caller), rules, nil); v.Treatment != c.want {
			t.Errorf("%s over %s: %+v, want %+v", c.caller, c.class, v, c.want)
		}
	}
	if got := rules.Targets(); len(got) != 1 || got[0] != "reporting-line" {
		t.Errorf("the targets are %q", got)
	}
	if v := Decide(facts(call.ClassVoIP, "96110"), base, nil); v.Treatment != (call.Allow{}) {
		t.Errorf("the rules that With began from have changed: %+v", v)
	}
}

func TestSiteProblems(t *testing.T) {
	for _, c := range []struct {
		site          Site
		path, message string
	}{
		{Site{Overrides: map[string]Treatments{"cuba": {All: Action{word: wordOff}}}}, "overrides.cuba", "bank-from-abroad, cambodia"},
		{Site{Overrides: map[string]Treatments{"cambodia": {}}}, "overrides.cambodia", "no treatment"},
		{Site{Tables: map[string][]string{"shops": nil}}, "tables.shops", "banks, own-numbers"},
		{Site{Tables: map[string][]string{"banks": {"x", "y"}}}, "tables.banks[1]", "may not stand"},
		{Site{Labels: map[call.Category]string{"x": "y"}}, "labels.x", "not a category"},
	} {
		_, err := compiled(t, small()).With(c.site)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Path != c.path || !strings.Contains(problems[0].Message, c.message) {
			t.Errorf("%+v: %v, want one problem at %s with %q", c.site, err, c.path, c.message)
		}
	}
}

func TestPacksTogether(t *testing.T) {
	own := Pack{
		Name: "own", Anonymous: Treatments{All: Action{word: wordRefuse}},
		Tables: map[string][]string{"shops": {"96xxx"}},
		Rules: []Rule{{
			Name: "shop", Score: 1, When: []Condition{{Table: "shops"}, {Table: "banks", Trunk: []string{"t1"}}},
			Treatment: Treatments{All: Action{word: wordAllow}},
		}},
	}
	rules := compiled(t, small(), own)
	for caller, want := range map[string]string{
		"+862196110": "shop",             // read with the country of the pack before
		"95588":      "bank-from-abroad", // the first pack is asked first
		"":           "anonymous",
	} {
		if v := Decide(facts(call.ClassVoIP, caller), rules, nil); v.Rule != want {
			t.Errorf("%q is decided by %s, want %s", caller, v.Rule, want)
		}
	}
	if v := Decide(facts(call.ClassVoIP, ""), rules, nil); v.Treatment != (call.Refuse{}) {
		t.Errorf("the policy of the last pack does not hold: %+v", v)
	}
	if got := rules.Trunks(); len(got) != 1 || got[0] != "t1" {
		t.Errorf("the trunks are %q", got)
	}
	own.Tables = map[string][]string{"banks": nil}
	if _, err := Compile(small(), own); err == nil || !strings.Contains(err.Error(), "another pack") {
		t.Errorf("two tables of one name: %v", err)
	}
}
