package screening

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/call"
)

// memory is lists that hold one entry on each list.
type memory struct {
	call.Listings
	broken bool
}

func (m *memory) Lookup(n call.Number, _ time.Time) (found call.Listings) {
	if m.broken {
		panic("the lists are broken")
	}
	for _, l := range []struct{ from, to *call.Listing }{
		{&m.Allow, &found.Allow},
		{&m.Block, &found.Block},
		{&m.Watch, &found.Watch},
	} {
		if l.from.Pattern.Covers(n) {
			*l.to = *l.from
		}
	}
	return found
}

func (m *memory) Version() string { return "v7" }

func entry(t testing.TB, text string) call.Pattern {
	t.Helper()
	p, err := call.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// party is a party whose number was written as text on a trunk in Shanghai.
func party(text string) call.Party {
	plan := call.Plan{Country: "86", International: "00", National: "0", Area: "21"}
	n, form := plan.Read(text)
	return call.Party{Text: text, Number: n, Form: form}
}

func facts(class call.Class, caller string) *call.Facts {
	return &call.Facts{Class: class, Trunk: "t1", Caller: party(caller), From: party(caller), Called: party("02155001234")}
}

// small is a pack with a rule that refuses 95xxx from abroad and one that labels +855.
func small() Pack {
	return Pack{
		Name: "small", Country: "86", International: "00", National: "0", Areas: []string{"10", "2x", "[3-9]xx"},
		Emergency: Emergency{Called: []string{"110", "119"}, Caller: []string{"110"}},
		Tables:    map[string][]string{"banks": {"95xxx"}, "own-numbers": nil},
		Rules: []Rule{
			{
				Name: "bank-from-abroad", Category: call.CategoryService, Score: 90,
				When:      []Condition{{Table: "banks"}},
				Treatment: Treatments{International: Action{word: wordRefuse, refusal: call.RefusalRejected}, VoIP: Action{word: wordRefuse, refusal: call.RefusalRejected}},
			},
			{
				Name: "cambodia", Category: call.CategoryInternational, Score: 20,
				When:      []Condition{{Caller: []string{"+855*"}}},
				Except:    []Condition{{Class: []call.Class{call.ClassDomestic}}},
				Treatment: Treatments{All: Action{word: wordLabel}},
			},
		},
	}
}

func compiled(t testing.TB, packs ...Pack) *Rules {
	t.Helper()
	r, err := Compile(packs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDecide(t *testing.T) {
	rules := compiled(t, small())
	listing := func(text string, source call.Source) call.Listing {
		return call.Listing{Pattern: entry(t, text), Category: call.CategoryLoan, Score: 70, Source: source}
	}
	allow := &memory{Listings: call.Listings{Allow: listing("95588", 0), Block: listing("95588", 0)}}
	block := func(text string, source call.Source) *memory {
		return &memory{Listings: call.Listings{Block: listing(text, source)}}
	}
	watch := &memory{Listings: call.Listings{Watch: listing("+1*", call.SourceFeed)}}
	foreign := "+14155550100"
	for _, c := range []struct {
		name   string
		facts  *call.Facts
		change func(*call.Facts)
		lists  call.Lists
		want   call.Treatment
		rule   string
		reason call.Reason
	}{
		{"clean", facts(call.ClassVoIP, foreign), nil, nil, call.Allow{}, "clean", call.ReasonClean},
		{"outbound", facts(call.ClassInternal, "95588"), nil, nil, call.Allow{}, "outbound", call.ReasonOutbound},
		{"to the police", facts(call.ClassVoIP, "95588"), func(f *call.Facts) { f.Called = party("110") }, nil, call.Allow{}, "emergency", call.ReasonEmergency},
		{"to the police of another city", facts(call.ClassVoIP, "95588"), func(f *call.Facts) { f.Called = party("010110") }, nil, call.Allow{}, "emergency", call.ReasonEmergency},
		{"to sos", facts(call.ClassVoIP, "95588"), func(f *call.Facts) { f.Emergency = true }, nil, call.Allow{}, "emergency", call.ReasonEmergency},
		{"psap calls back", facts(call.ClassVoIP, "95588"), func(f *call.Facts) { f.PSAPCallback = true }, nil, call.Allow{}, "emergency", call.ReasonEmergency},
		{"the police, blocked", facts(call.ClassDomestic, "110"), nil, block("110", 0), call.Allow{}, "emergency", call.ReasonEmergency},
		{"the police, claimed", facts(call.ClassVoIP, "110"), nil, block("110", 0), call.Refuse{Class: call.RefusalDeclined}, "block-list", call.ReasonBlockListed},
		{"our own emergency call", facts(call.ClassInternal, "8001"), func(f *call.Facts) { f.Called = party("119") }, nil, call.Allow{}, "emergency", call.ReasonEmergency},
		{"allow beats block and rules", facts(call.ClassVoIP, "95588"), nil, allow, call.Allow{}, "allow-list", call.ReasonAllowListed},
		{"blocked by staff", facts(call.ClassVoIP, foreign), nil, block(foreign, call.SourceStaff), call.Refuse{Class: call.RefusalDeclined}, "block-list", call.ReasonBlockListed},
		{"blocked by reports", facts(call.ClassVoIP, foreign), nil, block("+1415*", call.SourceReport), call.Refuse{Class: call.RefusalUnwanted}, "block-list", call.ReasonBlockListed},
		{"blocked by a feed", facts(call.ClassVoIP, foreign), nil, block(foreign, call.SourceFeed), call.Refuse{Class: call.RefusalRejected}, "block-list", call.ReasonBlockListed},
		{"watched", facts(call.ClassVoIP, foreign), nil, watch, call.Warn{Prefix: labels[call.CategoryLoan]}, "watch-list", call.ReasonWatchListed},
		{"a rule comes before watch", facts(call.ClassVoIP, "95588"), nil, &memory{Listings: call.Listings{Watch: listing("95588", 0)}}, call.Refuse{Class: call.RefusalRejected}, "bank-from-abroad", "bank-from-abroad"},
		{"a rule", facts(call.ClassInternational, "+8695588"), nil, nil, call.Refuse{Class: call.RefusalRejected}, "bank-from-abroad", "bank-from-abroad"},
		{"not of this class", facts(call.ClassDomestic, "95588"), nil, nil, call.Allow{}, "clean", call.ReasonClean},
		{"a label", facts(call.ClassVoIP, "+85512345678"), nil, nil, call.Label{Prefix: labels[call.CategoryInternational]}, "cambodia", "cambodia"},
		{"its exception", facts(call.ClassDomestic, "+85512345678"), nil, nil, call.Allow{}, "clean", call.ReasonClean},
		{"anonymous", facts(call.ClassVoIP, ""), nil, nil, call.Allow{}, "anonymous", call.ReasonAnonymous},
		{"anonymous by name", facts(call.ClassVoIP, "anonymous"), nil, nil, call.Allow{}, "anonymous", call.ReasonAnonymous},
		{"a name is not anonymity", facts(call.ClassVoIP, "police"), func(f *call.Facts) { f.Private = true }, nil, call.Allow{}, "clean", call.ReasonClean},

		{"blocked in From, another asserted", facts(call.ClassVoIP, foreign), func(f *call.Facts) { f.From = party("+85512345678") }, block("+85512345678", 0), call.Refuse{Class: call.RefusalDeclined}, "block-list", call.ReasonBlockListed},
		{"allowed in From, another asserted", facts(call.ClassVoIP, "95588"), func(f *call.Facts) { f.From = party("95599") }, &memory{Listings: call.Listings{Allow: listing("95599", 0)}}, call.Refuse{Class: call.RefusalRejected}, "bank-from-abroad", "bank-from-abroad"},
		{"anonymous in From, blocked asserted", facts(call.ClassVoIP, foreign), func(f *call.Facts) { f.From = party("anonymous"); f.Private = true }, block(foreign, 0), call.Refuse{Class: call.RefusalDeclined}, "block-list", call.ReasonBlockListed},
		{"the forwarder is blocked", facts(call.ClassVoIP, foreign), func(f *call.Facts) { f.Diverted = party("+85512345678") }, block("+85512345678", 0), call.Allow{}, "clean", call.ReasonClean},
	} {
		if c.change != nil {
			c.change(c.facts)
		}
		v := Decide(c.facts, rules, c.lists)
		if v.Treatment != c.want || v.Rule != c.rule || v.Reason != c.reason || len(v.Failures) > 0 {
			t.Errorf("%s: %+v, want %+v by %s", c.name, v, c.want, c.rule)
		}
		if v.Rules != rules.Version() || c.lists != nil && c.rule != "emergency" && v.Lists != "v7" {
			t.Errorf("%s: decided with rules %q and lists %q", c.name, v.Rules, v.Lists)
		}
		explained, steps := Explain(c.facts, rules, c.lists)
		if !reflect.DeepEqual(explained, v) {
			t.Errorf("%s: Explain gives %+v, Decide %+v", c.name, explained, v)
		}
		last := steps[len(steps)-1]
		if c.rule != "clean" && (last.Check != c.rule || last.Outcome != Decided) || slices.ContainsFunc(steps, func(s Step) bool { return s.Why == "" }) {
			t.Errorf("%s: explained as %+v", c.name, steps)
		}
	}
}

func TestMatchNamesTheEntry(t *testing.T) {
	listing := call.Listing{Pattern: entry(t, "+1415*"), Category: call.CategoryLoan, Score: 70, Source: call.SourceFeed}
	v := Decide(facts(call.ClassVoIP, "+14155550100"), compiled(t, small()), &memory{Listings: call.Listings{Block: listing}})
	want := call.Match{List: call.ListBlock, Pattern: listing.Pattern, Source: call.SourceFeed}
	if v.Match != want || v.Category != call.CategoryLoan || v.Score != 70 {
		t.Errorf("%+v, want the match %+v", v, want)
	}
}

func TestFailingChecks(t *testing.T) {
	open := compiled(t, small())
	closed, err := open.With(Site{FailClosed: []string{"t1"}})
	if err != nil {
		t.Fatal(err)
	}
	broken := &memory{broken: true}
	v := Decide(facts(call.ClassVoIP, "+14155550100"), open, broken)
	if v.Treatment != (call.Allow{}) || v.Reason != call.ReasonNotScreened || len(v.Failures) != 3 {
		t.Errorf("fail open: %+v, want the call to go on with three failures", v)
	}
	if want := (call.Failure{Check: "allow-list", Error: "the lists are broken"}); v.Failures[0] != want {
		t.Errorf("%+v, want %+v", v.Failures[0], want)
	}
	v = Decide(facts(call.ClassVoIP, "95588"), open, broken)
	if v.Rule != "bank-from-abroad" || len(v.Failures) != 2 {
		t.Errorf("%+v, want the checks behind to be asked", v)
	}
	v = Decide(facts(call.ClassVoIP, "+14155550100"), closed, broken)
	if v.Treatment != (call.Refuse{Class: call.RefusalDeclined}) || v.Reason != call.ReasonCheckFailed || v.Rule != "allow-list" {
		t.Errorf("fail closed: %+v", v)
	}
	f := facts(call.ClassVoIP, "+14155550100")
	f.Called = party("110")
	if v = Decide(f, closed, broken); v.Rule != "emergency" {
		t.Errorf("an emergency call on a trunk that fails closed: %+v", v)
	}
	_, steps := Explain(facts(call.ClassVoIP, ""), closed, &memory{broken: true})
	if last := steps[len(steps)-1]; last.Outcome == Failed {
		t.Errorf("a caller without a number is looked up: %+v", last)
	}
	for _, v := range []call.Verdict{Decide(nil, open, nil), Decide(f, nil, nil), Decide(&call.Facts{Class: 9}, open, nil)} {
		if v.Treatment != (call.Allow{}) || v.Reason != call.ReasonNotScreened || len(v.Failures) == 0 {
			t.Errorf("without facts or rules: %+v", v)
		}
	}
}

// An emergency check that fails must not refuse the call even where the trunk fails closed.
func TestFailingEmergencyCheck(t *testing.T) {
	rules, err := compiled(t, small()).With(Site{FailClosed: []string{"t1"}})
	if err != nil {
		t.Fatal(err)
	}
	rules.called = []*table{nil}
	v := Decide(facts(call.ClassVoIP, "+14155550100"), rules, nil)
	if v.Treatment != (call.Allow{}) || len(v.Failures) != 1 || v.Failures[0].Check != "emergency" {
		t.Errorf("%+v", v)
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	rules := compiled(t, small())
	listing := func(text string) call.Listing { return call.Listing{Pattern: entry(t, text)} }
	for _, c := range []struct {
		rule  string
		facts *call.Facts
		lists *memory
	}{
		{"clean", facts(call.ClassVoIP, "+14155550100"), &memory{}},
		{"allow-list", facts(call.ClassVoIP, "95588"), &memory{Listings: call.Listings{Allow: listing("95588")}}},
		{"block-list", facts(call.ClassVoIP, "95588"), &memory{Listings: call.Listings{Block: listing("955*")}}},
		{"watch-list", facts(call.ClassVoIP, "+14155550100"), &memory{Listings: call.Listings{Watch: listing("+1*")}}},
		{"bank-from-abroad", facts(call.ClassVoIP, "+862195588"), &memory{}},
		{"cambodia", facts(call.ClassVoIP, "+85512345678"), &memory{}},
		{"emergency", facts(call.ClassDomestic, "110"), &memory{}},
	} {
		if v := Decide(c.facts, rules, c.lists); v.Rule != c.rule {
			t.Errorf("%s decided, not %s", v.Rule, c.rule)
		}
		if n := testing.AllocsPerRun(200, func() { Decide(c.facts, rules, c.lists) }); n != 0 {
			t.Errorf("%s: %v allocations", c.rule, n)
		}
	}
}

func TestOrderOfChecks(t *testing.T) {
	var names []string
	for _, check := range compiled(t, small()).checks {
		names = append(names, check.name)
	}
	want := "emergency report-code outbound allow-list block-list anonymous bank-from-abroad cambodia watch-list"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the checks are asked in the order %s, want %s", got, want)
	}
}

// Rules are shared by every call: one question must not see another.
func TestDecideAtTheSameTime(t *testing.T) {
	rules := compiled(t, small())
	var all sync.WaitGroup
	for caller, want := range map[string]string{"95588": "bank-from-abroad", "+85512345678": "cambodia", "+14155550100": "clean", "": "anonymous"} {
		for range 4 {
			all.Go(func() {
				f := facts(call.ClassVoIP, caller)
				for range 200 {
					if v := Decide(f, rules, &memory{}); v.Rule != want {
						t.Errorf("%q is decided by %s, want %s", caller, v.Rule, want)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

func BenchmarkDecide(b *testing.B) {
	rules, f, lists := compiled(b, small()), facts(call.ClassVoIP, "+14155550100"), &memory{}
	b.ReportAllocs()
	for b.Loop() {
		Decide(f, rules, lists)
	}
}
