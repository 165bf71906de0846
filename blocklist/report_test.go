package blocklist

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// person is the keyed hash of the i-th person.
func person(i int) string { return fmt.Sprintf("person-%016d", i) }

func reportOf(t testing.TB, number string, by int, at time.Time) Report {
	t.Helper()
	return Report{pattern(t, number).Number, person(by), call.CategoryOfficials, at}
}

func mustReport(t testing.TB, s Store, r Report, want Outcome) {
	t.Helper()
	if got, err := s.Report(t.Context(), r, usual); err != nil || got != want {
		t.Fatalf("Report(%v) = %v, %v, want %v", r, got, err, want)
	}
}

func reported(t testing.TB, s Store, number string) (Entry, bool) {
	t.Helper()
	found, err := s.Get(t.Context(), []Key{reportKey(pattern(t, number).Number)})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return Entry{}, false
	}
	return found[0], true
}

// inHomes runs a test on each kind of store.
func inHomes(t *testing.T, test func(t *testing.T, open newStore)) {
	for name, home := range homes(t) {
		t.Run(name, func(t *testing.T) { test(t, home(t)) })
	}
}

const suspect = "+8613800138000"

func TestReportsMakeAWatchEntry(t *testing.T) {
	inHomes(t, func(t *testing.T, open newStore) {
		store, other := open(), open()
		mustReport(t, store, reportOf(t, suspect, 1, day), OutcomeCounted)
		mustReport(t, other, reportOf(t, suspect, 2, day.Add(time.Hour)), OutcomeCounted)
		mustReport(t, store, reportOf(t, suspect, 2, day.Add(time.Hour)), OutcomeRepeated)
		want := Entry{
			List: call.ListWatch, Pattern: pattern(t, suspect), Category: call.CategoryOfficials, Score: 36,
			Source: call.SourceReport, Author: ReportAuthor, Reason: "reported by 2 people, last 2026-11-23T10:00:00Z", Added: day,
		}
		got, _ := reported(t, other, suspect)
		full, ends := got, got.Expires.Sub(day)
		if got.Expires = (time.Time{}); got != want || ends < 26*24*time.Hour || ends > 28*24*time.Hour {
			t.Errorf("entry %+v, ends after %v", got, ends)
		}
		text, err := os.ReadFile("../docs/reports.md") // which shows this entry
		if err != nil {
			t.Fatal(err)
		}
		standing := Explain([]Entry{full}, full.Pattern.Number, day)[0]
		fields := standing.Fields()
		if line := strings.Join(append(fields[:], standing.Why), "\t"); !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("docs/reports.md does not show\n%s", line)
		}
		changes, err := store.History(t.Context(), 10)
		if err != nil || len(changes) != 2 || changes[0].Author != ReportAuthor {
			t.Errorf("history %v, %v", changes, err)
		}
	})
}

func TestReportingAgainRenewsAndCountsOnce(t *testing.T) {
	inHomes(t, func(t *testing.T, open newStore) {
		store := open()
		mustReport(t, store, reportOf(t, suspect, 1, day), OutcomeCounted)
		mustReport(t, store, reportOf(t, suspect, 1, day.AddDate(0, 0, 7)), OutcomeCounted)
		mustReport(t, store, reportOf(t, suspect, 1, day.AddDate(0, 0, 3)), OutcomeRepeated) // it comes late
		if e, _ := reported(t, store, suspect); e.Score != 20 || !strings.HasPrefix(e.Reason, "reported by 1 person, last 2026-11-30") {
			t.Errorf("entry %+v", e)
		}
	})
}

func TestOnePersonMovesFewNumbersADay(t *testing.T) {
	inHomes(t, func(t *testing.T, open newStore) {
		store := open()
		number := func(i int) string { return fmt.Sprintf("+86138001380%02d", i) }
		for i := range usual.PerDay {
			mustReport(t, store, reportOf(t, number(i), 1, day), OutcomeCounted)
			mustReport(t, store, reportOf(t, number(i), 1, day.Add(time.Minute)), OutcomeCounted) // the same number again is free
		}
		mustReport(t, store, reportOf(t, number(50), 1, day.Add(time.Hour)), OutcomeOverLimit)
		if _, is := reported(t, store, number(50)); is {
			t.Error("a report over the limit moved the score")
		}
		mustReport(t, store, reportOf(t, number(50), 2, day.Add(time.Hour)), OutcomeCounted)
		mustReport(t, store, reportOf(t, number(50), 1, day.AddDate(0, 0, 1)), OutcomeCounted)
	})
}

func TestReportsMoveNothingOfStaffs(t *testing.T) {
	official := entry(t, call.ListAllow, "+8610*")
	expired := entry(t, call.ListAllow, suspect)
	expired.Added, expired.Expires = day.AddDate(0, -1, 0), day.AddDate(0, 0, -1)
	imported := entry(t, call.ListWatch, suspect)
	imported.Source = call.SourceReport
	watched := entry(t, call.ListWatch, suspect)
	feedAllow := entry(t, call.ListAllow, suspect)
	feedAllow.Source = call.SourceFeed
	for name, c := range map[string]struct {
		present []Entry
		number  string
		want    Outcome
	}{
		"allowed range":             {[]Entry{official}, "+861055556666", OutcomeExempt},
		"allowed by a feed":         {[]Entry{feedAllow}, suspect, OutcomeExempt},
		"once allowed":              {[]Entry{expired}, suspect, OutcomeCounted},
		"staff's own report entry":  {[]Entry{imported}, suspect, OutcomeExempt},
		"staff watch it themselves": {[]Entry{watched}, suspect, OutcomeCounted},
		"emergency":                 {nil, "110", OutcomeExempt},
		"anti-fraud centre":         {nil, "+862196110", OutcomeExempt},
	} {
		t.Run(name, func(t *testing.T) {
			inHomes(t, func(t *testing.T, open newStore) {
				store := open()
				if c.present != nil {
					put(t, store, c.present...)
				}
				mustReport(t, store, reportOf(t, c.number, 1, day), c.want)
				entries, _ := contents(t, store)
				for _, e := range c.present {
					if entries[e.Key()] != e {
						t.Errorf("%s is now %+v", e.Key(), entries[e.Key()])
					}
				}
				if added := len(entries) - len(c.present); (added == 1) != (c.want == OutcomeCounted) {
					t.Errorf("%d entries were added", added)
				}
			})
		})
	}
}

func TestWithdrawnReportsDoNotComeBack(t *testing.T) {
	inHomes(t, func(t *testing.T, open newStore) {
		store := open()
		for i := range 5 {
			mustReport(t, store, reportOf(t, suspect, i, day), OutcomeCounted)
		}
		gone, err := store.Remove(t.Context(), []Key{reportKey(pattern(t, suspect).Number)}, signature())
		if err != nil || len(gone) != 1 || gone[0].Score != 67 {
			t.Fatalf("Remove = %v, %v", gone, err)
		}
		mustReport(t, store, reportOf(t, suspect, 9, day.Add(time.Hour)), OutcomeCounted)
		if e, _ := reported(t, store, suspect); e.Score != 20 {
			t.Errorf("after withdrawal one report gives %+v", e)
		}
	})
}

func TestDecay(t *testing.T) {
	inHomes(t, func(t *testing.T, open newStore) {
		store := open()
		for i := range 5 {
			mustReport(t, store, reportOf(t, suspect, i, day), OutcomeCounted)
		}
		mustReport(t, store, reportOf(t, "+8613900139000", 1, day), OutcomeCounted)
		for _, step := range []struct {
			days    int
			changed int
			score   uint8 // of suspect
			left    int   // entries
		}{
			{0, 0, 67, 2},
			{1, 0, 67, 2}, // too little to tell all nodes
			{7, 2, 53, 2},
			{7, 0, 53, 2},
			{15, 2, 39, 1}, // the single report has faded
			{28, 1, 23, 1},
			{60, 1, 0, 0},
			{61, 0, 0, 0},
		} {
			at := day.AddDate(0, 0, step.days)
			changed, err := store.Decay(t.Context(), usual, at)
			entries, _ := contents(t, store)
			e := entries[reportKey(pattern(t, suspect).Number)]
			if err != nil || changed != step.changed || e.Score != step.score || len(entries) != step.left {
				t.Errorf("after %d days: %d changed, %v; score %d, %d entries; want %+v", step.days, changed, err, e.Score, len(entries), step)
			}
		}
		mustReport(t, store, reportOf(t, suspect, 1, day.AddDate(0, 0, 62)), OutcomeCounted)
		if e, _ := reported(t, store, suspect); e.Score != 20 || !strings.Contains(e.Reason, "1 person") {
			t.Errorf("the faded tally is still there: %+v", e)
		}
	})
}

func TestReportRefuses(t *testing.T) {
	good := reportOf(t, suspect, 1, day)
	for name, spoil := range map[string]func(*Report){
		"no number":          func(r *Report) { r.Number = 0 },
		"a telephone number": func(r *Report) { r.Reporter = suspect },
		"no time":            func(r *Report) { r.Time = time.Time{} },
		"category":           func(r *Report) { r.Category = "x y" },
	} {
		t.Run(name, func(t *testing.T) {
			inHomes(t, func(t *testing.T, open newStore) {
				r := good
				spoil(&r)
				if _, err := open().Report(t.Context(), r, usual); !errors.Is(err, ErrEntry) {
					t.Errorf("Report = %v", err)
				}
			})
		})
	}
}

// TestTallyProperties: whatever order reports come in, and however often, every node ends with the
// same tally and so with the same entry.
func TestTallyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		votes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) vote {
			return vote{
				person(rapid.IntRange(0, 2*maxVotes).Draw(t, "person")),
				day.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "second")) * time.Second),
				call.CategoryLoan,
			}
		}), 1, 3*maxVotes).Draw(t, "votes")
		var a, b tally
		for _, v := range votes {
			if before, known := a.find(v.reporter); !known || v.at.After(before.at) {
				a = a.with(v)
			}
		}
		for _, v := range rapid.Permutation(slices.Concat(votes, votes)).Draw(t, "shuffled") {
			if before, known := b.find(v.reporter); !known || v.at.After(before.at) {
				b = b.with(v)
			}
		}
		if !slices.Equal(a, b) {
			t.Fatalf("%v\n%v", a, b)
		}
		read, err := parseTally(a.String())
		if err != nil || !slices.Equal(read, a) {
			t.Fatalf("read back %v, %v", read, err)
		}
		if e := usual.entry(1, a, a.newest()); e.Score > MaxScore {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzParseTally(f *testing.F) {
	f.Add("person-0000000000000001 1764000000 officials,person-0000000000000002 1764000001 -")
	f.Add("")
	f.Add("x,,")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := parseTally(text)
		if err != nil {
			return
		}
		if again, err := parseTally(read.String()); err != nil || !slices.Equal(again, read) {
			t.Fatalf("%q reads as %v and then as %v, %v", text, read, again, err)
		}
	})
}
