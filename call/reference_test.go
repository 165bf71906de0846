package call_test

import (
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestReference(t *testing.T) {
	for random, want := range map[uint64]string{
		0:          "000000000000",
		1:          "000000000018",
		7992739871: "079927398713",
	} {
		if got := call.Reference(random); got != want {
			t.Errorf("Reference(%d) = %s, want %s", random, got, want)
		}
	}
	for _, text := range []string{"", "00000000000", "0000000000000", "00000000001x", "000000000019", "-00000000018"} {
		if call.ValidReference(text) {
			t.Errorf("%q passes for a reference", text)
		}
	}
}

// What people do wrong with a number that is read to them is noticed: one digit changed, or two
// neighbours exchanged (but for 0 and 9, which Luhn cannot tell).
func TestReferenceNoticesMistakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reference := call.Reference(rapid.Uint64().Draw(t, "random"))
		if !call.ValidReference(reference) {
			t.Fatalf("%s is refused", reference)
		}
		i := rapid.IntRange(0, call.ReferenceDigits-1).Draw(t, "i")
		wrong := []byte(reference)
		wrong[i] = '0' + (wrong[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if call.ValidReference(string(wrong)) {
			t.Fatalf("%s passes for %s", wrong, reference)
		}
		if i == 0 || reference[i] == reference[i-1] || int(reference[i])+int(reference[i-1]) == '0'+'9' && (reference[i] == '0' || reference[i] == '9') {
			return
		}
		wrong = []byte(reference)
		wrong[i], wrong[i-1] = wrong[i-1], wrong[i]
		if call.ValidReference(string(wrong)) {
			t.Fatalf("%s passes for %s", wrong, reference)
		}
	})
}
