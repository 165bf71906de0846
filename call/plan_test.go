package call_test

import (
	"strings"
	"testing"

	"ringfence/call"
)

func shanghai(format call.Format) call.Plan {
	return call.Plan{Format: format, Country: "86", International: "00", National: "0", Area: "21"}
}

func TestPlanRead(t *testing.T) {
	noArea := shanghai(call.FormatAny)
	noArea.Area = ""
	america := call.Plan{Country: "1", International: "011"}
	nowhere := call.Plan{}
	anyForm, e164 := shanghai(call.FormatAny), shanghai(call.FormatE164)
	plus, national := shanghai(call.FormatPlus), shanghai(call.FormatNational)
	for _, c := range []struct {
		name string
		plan call.Plan
		text string
		want string // as Number.String
		form call.Form
	}{
		{"nothing", anyForm, "", "", call.FormNone},
		{"plus", anyForm, "+8613800138000", "+8613800138000", call.FormPlus},
		{"00", anyForm, "008613800138000", "+8613800138000", call.FormInternational},
		{"another country", anyForm, "0014155550100", "+14155550100", call.FormInternational},
		{"mobile", anyForm, "13800138000", "+8613800138000", call.FormNational},
		{"mobile after 0", anyForm, "013800138000", "+8613800138000", call.FormNational},
		{"landline", anyForm, "02161234567", "+862161234567", call.FormNational},
		{"subscriber", anyForm, "61234567", "+862161234567", call.FormSubscriber},
		{"subscriber without area", noArea, "61234567", "61234567", call.FormSubscriber},
		{"short", anyForm, "96110", "96110", call.FormShort},
		{"shortest", anyForm, "1", "1", call.FormShort},
		{"bank of 7 digits", anyForm, "9551234", "9551234", call.FormShort},
		{"bank of 8 digits", anyForm, "95512345", "95512345", call.FormShort},
		{"0 and a code", anyForm, "0110", "0110", call.FormShort},
		{"area and a code", anyForm, "02196110", "+862196110", call.FormNational},
		{"400", anyForm, "4001234567", "+864001234567", call.FormNational},
		{"privacy number", anyForm, "700123456789012", "+86700123456789012", call.FormNational},
		{"national on a national trunk", national, "02161234567", "+862161234567", call.FormNational},
		{"E.164 digits", e164, "8613800138000", "+8613800138000", call.FormPlus},
		{"00 on a trunk of E.164 digits", e164, "008613800138000", "+8613800138000", call.FormInternational},
		{"0 on a trunk of E.164 digits", e164, "02161234567", "+862161234567", call.FormNational},
		{"short on a trunk of E.164 digits", e164, "96110", "96110", call.FormShort},
		{"plus left out where declared", plus, "8613800138000", "+868613800138000", call.FormNational},
		{"separators", anyForm, "+86-(138).0013.8000", "+8613800138000", call.FormPlus},
		{"parameters", anyForm, "+8613800138000;npdi;rn=+8612", "+8613800138000", call.FormPlus},
		{"America", america, "4155550100", "+14155550100", call.FormNational},
		{"America abroad", america, "0118613800138000", "+8613800138000", call.FormInternational},
		{"no country", nowhere, "13800138000", "13800138000", call.FormNational},

		{"letters", anyForm, "alice", "", call.FormInvalid},
		{"full-width", anyForm, "９６１１０", "", call.FormInvalid},
		{"a plus inside", anyForm, "86+138", "", call.FormInvalid},
		{"two pluses", anyForm, "++86", "", call.FormInvalid},
		{"a plus alone", anyForm, "+", "", call.FormInvalid},
		{"separators alone", anyForm, "-.()", "", call.FormInvalid},
		{"parameters alone", anyForm, ";npdi", "", call.FormInvalid},
		{"a space", anyForm, "138 0013 8000", "", call.FormInvalid},
		{"NUL", anyForm, "110\x00", "", call.FormInvalid},
		{"18 digits", anyForm, "+867001234567890123", "", call.FormInvalid},
		{"18 digits with the country", anyForm, "7001234567890123", "", call.FormInvalid},
		{"very long", anyForm, "+" + strings.Repeat("1", 64), "", call.FormInvalid},
	} {
		n, form := c.plan.Read(c.text)
		if n.String() != c.want || form != c.form {
			t.Errorf("%s: Read(%q) = %q %s, want %q %s", c.name, c.text, n, form, c.want, c.form)
		}
	}
}

func FuzzPlanRead(f *testing.F) {
	for _, text := range []string{"", "+8613800138000", "00861", "0110", "96110", "+86-(21)5505.6666;npdi", "９６１１０", "+", "0", "00", "000"} {
		f.Add(text, "86", "00", "0", "21", uint8(0))
		f.Add(text, "", "", "", "", uint8(call.FormatE164))
	}
	f.Fuzz(func(t *testing.T, text, country, international, national, area string, format uint8) {
		for _, digits := range []string{country, international, national, area} {
			if len(digits) > 5 || strings.Trim(digits, "0123456789") != "" {
				return // a plan is checked where it is configured
			}
		}
		p := call.Plan{Format: call.Format(format % 4), Country: country, International: international, National: national, Area: area}
		n, form := p.Read(text)
		if none := form == call.FormNone || form == call.FormInvalid; none != n.IsZero() {
			t.Fatalf("Read(%q) = %q %s", text, n, form)
		}
		if (form == call.FormNone) != (text == "") {
			t.Fatalf("Read(%q) has the form %s", text, form)
		}
		if n.IsZero() {
			return
		}
		// A number written out in full reads as itself, whatever the plan.
		if again, err := call.ParseNumber(n.String()); err != nil || again != n {
			t.Fatalf("%q reads back as %q, %v", n, again, err)
		}
		if !n.IsLocal() {
			if again, form := p.Read(n.String()); again != n || form != call.FormPlus {
				t.Fatalf("%q reads as %q %s", n, again, form)
			}
		}
	})
}

func TestPlanReadDoesNotAllocate(t *testing.T) {
	p := shanghai(call.FormatAny)
	for _, text := range []string{"+8613800138000", "02161234567", "61234567", "96110", "alice", "700123456789012"} {
		if n := testing.AllocsPerRun(100, func() { p.Read(text) }); n != 0 {
			t.Errorf("Read(%q) allocates %v times", text, n)
		}
	}
}

func BenchmarkPlanRead(b *testing.B) {
	p := shanghai(call.FormatAny)
	b.ReportAllocs()
	for b.Loop() {
		p.Read("02161234567")
	}
}
