package screening

import (
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string // digits
	}{
		{"+86 1[3-9]xxxxxxxxx", []string{"8613800138000", "8619900000000"}, []string{"8612800138000", "861380013800", "86138001380001"}},
		{"95xxx", []string{"95588", "95000"}, []string{"9558", "955880", "96110"}},
		{"95*", []string{"95", "95588"}, []string{"9", "96"}},
		{"*", []string{"1", "12345678901234567"}, nil},
		{"(10|2x|)96110", []string{"1096110", "2196110", "96110"}, []string{"3096110", "096110"}},
		{"[13-5]x", []string{"10", "39", "55"}, []string{"20", "69"}},
		{"x(x|)(x|)", []string{"1", "12", "123"}, []string{"1234"}},
		{"1-2 3", []string{"123"}, []string{"12"}},
	} {
		patterns, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var set patternSet
		for _, p := range patterns {
			if p.global != strings.HasPrefix(c.pattern, "+") {
				t.Errorf("%q: global is %t", c.pattern, p.global)
			}
			set.add(p)
		}
		for _, digits := range c.yes {
			if !set.matches([]byte(digits)) {
				t.Errorf("%q does not match %s", c.pattern, digits)
			}
		}
		for _, digits := range append(c.no, "") {
			if set.matches([]byte(digits)) {
				t.Errorf("%q matches %q", c.pattern, digits)
			}
		}
	}
}

func TestPatternErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "no digits",
		"+":                              "no digits",
		"-":                              "no digits",
		"()":                             "no digits",
		"8*6":                            "at the end",
		"(1":                             "alternatives",
		"((1|2))":                        "alternatives",
		"(1*|2)":                         "alternatives",
		"[":                              "not",
		"[]":                             "no set of digits",
		"[9-1]":                          "no set of digits",
		"[a-z]":                          "no set of digits",
		"1)":                             "may not stand",
		"1a":                             "may not stand",
		"８６":                             "may not stand",
		"+1+2":                           "may not stand",
		"xxxxxxxxxxxxxxxxxx":             "more than 17",
		strings.Repeat("(x|)", 16) + "x": "",
		"(0|1)(0|1)(0|1)(0|1)(0|1)(0|1)(0|1)(0|1)(0|1)": "more than 256",
	} {
		_, err := parsePattern(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, text := range []string{"+86 1[3-9]xxxxxxxxx", "(10|2x|[3-9]xx)95*", "[", "(", "*", "+", "x(x|)(x|)", "８", "(|)1"} {
		f.Add(text, "8613800138000")
	}
	f.Fuzz(func(t *testing.T, text, digits string) {
		patterns, err := parsePattern(text)
		if err != nil {
			return
		}
		if len(patterns) == 0 || len(patterns) > maxAlternatives {
			t.Fatalf("%q makes %d patterns", text, len(patterns))
		}
		if strings.Trim(digits, "0123456789") != "" || len(digits) > 17 {
			return
		}
		// The set's shortcut never changes an answer.
		var set patternSet
		one := false
		for _, p := range patterns {
			set.add(p)
			one = one || digits != "" && p.matches([]byte(digits))
		}
		if got := set.matches([]byte(digits)); got != one {
			t.Fatalf("%q matches %q: %t, and its patterns say %t", text, digits, got, one)
		}
	})
}
