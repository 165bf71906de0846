package blocklist

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// day is when the tests take place.
var day = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func pattern(t testing.TB, text string) call.Pattern {
	t.Helper()
	p, err := call.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func number(t testing.TB, text string) call.Number {
	t.Helper()
	n, err := call.ParseNumber(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// entry returns a valid entry by staff.
func entry(t testing.TB, list call.List, text string) Entry {
	t.Helper()
	return Entry{
		List: list, Pattern: pattern(t, text), Category: call.CategoryOfficials, Score: 90,
		Source: call.SourceStaff, Author: "wang", Reason: "自称公安, claims to be the police", Added: day,
	}
}

func signature() Signature { return Signature{"wang", "test", day} }

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Entry)
		want   string // part of the error; "" is none
	}{
		"good":                {func(*Entry) {}, ""},
		"range":               {func(e *Entry) { e.Pattern.Range = true }, ""},
		"no category":         {func(e *Entry) { e.Category = "" }, ""},
		"australian 000":      {func(e *Entry) { e.Pattern = pattern(t, "000") }, ""},
		"no number":           {func(e *Entry) { e.Pattern = call.Pattern{} }, "there is no number"},
		"00 prefix":           {func(e *Entry) { e.Pattern = pattern(t, "008613800138000") }, "write an international number with + (+8613800138000)"},
		"list":                {func(e *Entry) { e.List = 7 }, "one of allow, block, watch"},
		"source":              {func(e *Entry) { e.Source = 7 }, "one of staff, report, feed"},
		"category":            {func(e *Entry) { e.Category = "aliens" }, `"aliens" is not a category (none, or one of officials, `},
		"score":               {func(e *Entry) { e.Score = 101 }, "score 101 is over 100"},
		"no author":           {func(e *Entry) { e.Author = "" }, "there is no author"},
		"long author":         {func(e *Entry) { e.Author = strings.Repeat("a", 65) }, "65 bytes long (at most 64)"},
		"no reason":           {func(e *Entry) { e.Reason = "" }, "there is no reason"},
		"tab in reason":       {func(e *Entry) { e.Reason = "a\tb" }, "U+0009 at byte 2"},
		"line break":          {func(e *Entry) { e.Reason = "a\nb" }, "U+000A at byte 2"},
		"direction override":  {func(e *Entry) { e.Author = "a\u202eb" }, "U+202E"},
		"not UTF-8":           {func(e *Entry) { e.Reason = "a\xffb" }, "not UTF-8"},
		"space around":        {func(e *Entry) { e.Reason = " a" }, "begins or ends with a space"},
		"never added":         {func(e *Entry) { e.Added = time.Time{} }, "time it was added is missing"},
		"expires before":      {func(e *Entry) { e.Expires = day }, "expires (2026-11-23T09:00:00Z) before it was added"},
		"expires in far time": {func(e *Entry) { e.Expires = day.AddDate(200, 0, 0) }, "expires in 2226, after 2100"},
	} {
		t.Run(name, func(t *testing.T) {
			e := entry(t, call.ListBlock, "+8613800138000")
			c.change(&e)
			err := e.Validate()
			if c.want == "" && err != nil {
				t.Fatalf("Validate() = %v, want no error", err)
			}
			if c.want != "" && (!errors.Is(err, ErrEntry) || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("Validate() = %v, want ErrEntry with %q", err, c.want)
			}
		})
	}
}

func TestValidateTellsEverythingAtOnce(t *testing.T) {
	err := (&Entry{Score: 200}).Validate()
	for _, want := range []string{"number", "score", "author", "reason", "added"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not speak of the %s", err, want)
		}
	}
}

func TestDanger(t *testing.T) {
	for _, c := range []struct {
		list    call.List
		pattern string
		want    string // part of the error; "" is none
	}{
		{call.ListBlock, "+8613800138000", ""},
		{call.ListBlock, "+861380013*", ""},
		{call.ListBlock, "+2245*", ""},
		{call.ListBlock, "+224*", "3 digits and would refuse"},
		{call.ListBlock, "1*", "1 digits"},
		{call.ListAllow, "+86*", "leave unscreened"},
		{call.ListWatch, "+86*", ""},
		{call.ListAllow, "110", ""},
		{call.ListWatch, "96110", ""},
		{call.ListBlock, "110", "refuse 110,"},
		{call.ListBlock, "119", "refuse 119,"},
		{call.ListBlock, "120", "refuse 120,"},
		{call.ListBlock, "122", "refuse 122,"},
		{call.ListBlock, "112", "refuse 112,"},
		{call.ListBlock, "911", "refuse 911,"},
		{call.ListBlock, "999", "refuse 999,"},
		{call.ListBlock, "96110", "refuse 96110,"},
		{call.ListBlock, "9611*", "refuse 96110,"},
		{call.ListBlock, "961100*", ""},
		{call.ListBlock, "+8696110", "refuse +8696110,"},
		{call.ListBlock, "+8611*", "refuse +86110,"},
		{call.ListBlock, "+8610*", "refuse +8610000,|refuse +861096110,"},
		{call.ListBlock, "+862196110", "refuse +862196110,"},
		{call.ListBlock, "+86219*", "refuse +862196110,"},
		{call.ListBlock, "+86218*", ""},
		{call.ListBlock, "+8675596110", "refuse +8675596110,"},
		{call.ListBlock, "+86755*", "refuse +8675596110,"},
		{call.ListBlock, "+867558*", ""},
		{call.ListBlock, "+8631*", "refuse +8631"},
		{call.ListBlock, "+86911*", "refuse +86911,"},
		{call.ListBlock, "+1911*", ""},
	} {
		e := entry(t, c.list, c.pattern)
		err := e.Danger()
		if c.want == "" {
			if err != nil {
				t.Errorf("%s %s: %v, want no objection", c.list, c.pattern, err)
			}
			continue
		}
		if !errors.Is(err, ErrDanger) {
			t.Errorf("%s %s: %v, want ErrDanger", c.list, c.pattern, err)
			continue
		}
		found := false
		for want := range strings.SplitSeq(c.want, "|") {
			found = found || strings.Contains(err.Error(), want)
		}
		if !found {
			t.Errorf("%s %s: %v, want %q in it", c.list, c.pattern, err, c.want)
		}
	}
}

// genEntry draws valid entries whose numbers are few, so that they meet and cover each other.
func genEntry(t *rapid.T) Entry {
	digits := rapid.StringMatching(`[12]{1,6}`).Draw(t, "digits")
	n, _ := call.Global(digits)
	if rapid.Bool().Draw(t, "local") {
		n, _ = call.Local(digits)
	}
	e := Entry{
		List:     call.List(rapid.IntRange(0, 2).Draw(t, "list")),
		Pattern:  call.Pattern{Number: n, Range: rapid.Bool().Draw(t, "range")},
		Category: rapid.SampledFrom(categories).Draw(t, "category"),
		Score:    uint8(rapid.IntRange(0, MaxScore).Draw(t, "score")),
		Source:   call.Source(rapid.IntRange(0, 2).Draw(t, "source")),
		Author:   rapid.SampledFrom([]string{"wang", "-", "Łukasz Ó", `a "b", c`}).Draw(t, "author"),
		Reason:   rapid.SampledFrom([]string{"-", "reported, twice", `"quoted"`, "冒充公检法", "#end", "=1+1"}).Draw(t, "reason"),
		Added:    day.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "added")) * time.Second),
	}
	if rapid.Bool().Draw(t, "expires") {
		e.Expires = e.Added.Add(time.Duration(rapid.IntRange(1, 1000).Draw(t, "span")) * time.Second)
	}
	return e
}

func TestLineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genEntry(t)
		got, err := parseLine(string(want.appendLine(nil)))
		if err != nil || got != want {
			t.Fatalf("parseLine(%q) = %+v, %v", want.appendLine(nil), got, err)
		}
	})
}

func TestChangeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEntry(t)
		want := Change{Op: OpAdd, Time: day, Author: "wang", Reason: "why not", Entry: &e}
		switch rapid.IntRange(0, 2).Draw(t, "op") {
		case 1:
			want.Op = OpRemove
		case 2:
			want = Change{Op: OpBulk, Time: day, Author: "wang", Reason: "why not", Added: 812_331, Removed: 7}
		}
		got, err := parseChange(string(want.appendLine(nil)))
		if err != nil || (got.Entry == nil) != (want.Entry == nil) || got.Entry != nil && *got.Entry != e {
			t.Fatalf("parseChange(%q) = %+v, %v", want.appendLine(nil), got, err)
		}
		got.Entry, want.Entry = nil, nil
		if got != want {
			t.Fatalf("parseChange = %+v, want %+v", got, want)
		}
	})
}
