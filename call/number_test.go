package call_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestParseNumber(t *testing.T) {
	for _, c := range []struct {
		text  string
		local bool
		len   int
		ok    bool
	}{
		{"+8613800138000", false, 13, true},
		{"+1", false, 1, true},
		{"96110", true, 5, true},
		{"0110", true, 4, true}, // a leading zero counts
		{"+86700123456789012", false, 17, true},
		{"+867001234567890123", false, 0, false},
		{"", false, 0, false},
		{"+", false, 0, false},
		{"++86", false, 0, false},
		{"86 138", false, 0, false},
		{"８６", false, 0, false},
		{"86\x00", false, 0, false},
	} {
		n, err := call.ParseNumber(c.text)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, call.ErrNumber) {
			t.Errorf("ParseNumber(%q): error %v, want ok %t", c.text, err, c.ok)
			continue
		}
		if n.IsLocal() != c.local || n.Len() != c.len || c.ok && n.String() != c.text || n.IsZero() == c.ok {
			t.Errorf("ParseNumber(%q) = %v: local %t, %d digits", c.text, n, n.IsLocal(), n.Len())
		}
	}
}

func TestNumbersDiffer(t *testing.T) {
	seen := map[call.Number]string{}
	for _, text := range []string{"+110", "110", "0110", "00110", "+0110", "1100", "+1", "1", "0", "00", "+0"} {
		n, err := call.ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %q are the same number", text, other)
		}
		seen[n] = text
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "anonymous",
		"96110":              "96110",
		"962110":             "962110",
		"+8613800138000":     "+86138******00",
		"61234567":           "61****67",
		"+1":                 "+1",
		"+12":                "+1*",
		"+86700123456789012": "+8670012********12",
	} {
		var n call.Number
		if err := n.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := n.Masked(); got != want {
			t.Errorf("Masked of %q is %q, want %q", text, got, want)
		}
	}
}

// numbers draws any number, local or global, that digits can make.
func numbers() *rapid.Generator[call.Number] {
	return rapid.Custom(func(t *rapid.T) call.Number {
		n, err := call.ParseNumber(rapid.StringMatching(`\+?[0-9]{1,17}`).Draw(t, "number"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	})
}

func TestNumberRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := numbers().Draw(t, "n")
		again, err := call.ParseNumber(n.String())
		if err != nil || again != n {
			t.Fatalf("%v reads back as %v, %v", n, again, err)
		}
		data, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var decoded call.Number
		if err := json.Unmarshal(data, &decoded); err != nil || decoded != n {
			t.Fatalf("%s reads back as %v, %v", data, decoded, err)
		}
		same, other := call.Global, call.Local
		if n.IsLocal() {
			same, other = call.Local, call.Global
		}
		if again, ok := same(n.Digits()); !ok || again != n {
			t.Fatalf("the digits of %v make %v", n, again)
		}
		if wrong, ok := other(n.Digits()); !ok || wrong == n {
			t.Fatalf("%v is the same as of the other kind", n)
		}
	})
}

func TestPrefixAgreesWithText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, p := numbers().Draw(t, "n"), numbers().Draw(t, "p")
		k := rapid.IntRange(-1, call.MaxDigits+1).Draw(t, "k")
		want := n.Digits()[:max(0, min(k, n.Len()))]
		if got := n.Prefix(k); got.Digits() != want || !got.IsZero() && got.IsLocal() != n.IsLocal() {
			t.Fatalf("the first %d digits of %v are %v", k, n, got)
		}
		if !n.HasPrefix(n.Prefix(k)) {
			t.Fatalf("%v does not begin with %v", n, n.Prefix(k))
		}
		begins := n.IsLocal() == p.IsLocal() && strings.HasPrefix(n.Digits(), p.Digits())
		if n.HasPrefix(p) != begins {
			t.Fatalf("%v begins with %v: %t", n, p, !begins)
		}
	})
}

func TestMaskedHidesDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := numbers().Draw(t, "n")
		masked := n.Masked()
		if len(masked) != len(n.String()) {
			t.Fatalf("%q is as long as %q no more", masked, n)
		}
		if n.Len() > 6 && strings.Count(masked, "*") < 4 {
			t.Fatalf("%q shows too much", masked)
		}
	})
}
