package call_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestPatternCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, number string
		want            bool
	}{
		{"+8613800138000", "+8613800138000", true},
		{"+8613800138000", "+86138001380001", false},
		{"+8613800138000", "8613800138000", false}, // another kind
		{"+861380013*", "+8613800138000", true},
		{"+861380013*", "+861380013", true},
		{"+861380013*", "+86138001", false},
		{"+861380013*", "861380013800", false},
		{"951*", "95110", true},
		{"951*", "09511", false},
		{"0*", "0110", true},
	} {
		p, err := call.ParsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		n, err := call.ParseNumber(c.number)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Covers(n); got != c.want {
			t.Errorf("%s covers %s: %t", c.pattern, c.number, got)
		}
	}
	if (call.Pattern{}).Covers(0) || (call.Pattern{Range: true}).Covers(0) {
		t.Error("no pattern may cover an anonymous caller")
	}
	if n, _ := call.Local("110"); (call.Pattern{Range: true}).Covers(n) {
		t.Error("a range of no number must cover nothing")
	}
}

func TestPatternErrors(t *testing.T) {
	for _, text := range []string{"", "*", "+*", "86**", "8*6", "+8613x", " 110", strings.Repeat("1", 18) + "*"} {
		if p, err := call.ParsePattern(text); !errors.Is(err, call.ErrNumber) || p.Range {
			t.Errorf("ParsePattern(%q) = %v, %v; want the zero Pattern and ErrNumber", text, p, err)
		}
	}
}

func TestRangeCoversWhatBeginsWithIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := numbers().Draw(t, "n")
		p := call.Pattern{Number: n.Prefix(rapid.IntRange(1, n.Len()).Draw(t, "k")), Range: true}
		if !p.Covers(n) {
			t.Fatalf("%s does not cover %s", p, n)
		}
		other := numbers().Draw(t, "other")
		if p.Covers(other) != other.HasPrefix(p.Number) {
			t.Fatalf("%s covers %s: %t", p, other, p.Covers(other))
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, text := range []string{"", "*", "+*", "+86*", "110", "0110*", "+8613800138000", "**", "+86 1", "９*"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := call.ParsePattern(text)
		if err != nil {
			if !errors.Is(err, call.ErrNumber) || p != (call.Pattern{}) {
				t.Fatalf("ParsePattern(%q) = %v, %v", text, p, err)
			}
			return
		}
		if p.String() != text || !p.Covers(p.Number) {
			t.Fatalf("ParsePattern(%q) is %q", text, p)
		}
	})
}
