package treatment

import "testing"

func TestAttended(t *testing.T) {
	for target, want := range map[string]bool{
		"sip:a@example.org":                             false,
		`"Replaces" <sip:Replaces=x@example.org>;a=b?c`: false,
		"<sip:a@example.org?Subject=Replaces>":          false,
		"<sip:a@example.org>;x=?Replaces=1":             false,
		"<sip:a@example.org?Replaces=1%3Bto-tag%3D2>":   true,
		"<sip:a@example.org?Subject=x&replaces=1>":      true,
		"sip:a@example.org?%52eplaces=1":                true,
		"<sip:a@example.org?%zz=1>":                     true, // nobody knows what that is
	} {
		if got := attended(target); got != want {
			t.Errorf("attended(%s) = %t", target, got)
		}
	}
}
