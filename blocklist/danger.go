package blocklist

import (
	"errors"
	"fmt"
	"strings"

	"ringfence/call"
)

// minRangeDigits is the least number of digits of a range that is accepted without force: +86* is a
// country, +8610* is still every line of a city.
const minRangeDigits = 4

// protected are the short codes whose callers must get through: emergency services, and in China
// the anti-fraud centre, which does call citizens, and the city hotline.
var protected = []string{"000", "110", "112", "119", "120", "122", "911", "995", "999", "12110", "12345", "96110"}

// areaCodes2 are the two-digit area codes of China; all others have three digits, from 310 up.
var areaCodes2 = []string{"10", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29"}

// antiFraud is the number of the anti-fraud centres, behind every area code.
const antiFraud = "96110"

// ErrDanger is wrapped by every error of Danger.
var ErrDanger = errors.New("refused without --force")

// Danger says why an entry, though valid, could take the site's telephones down or switch
// screening off; nil when it could not. The error wraps ErrDanger.
func (e *Entry) Danger() error {
	p := e.Pattern
	if p.Range && p.Number.Len() < minRangeDigits && e.List != call.ListWatch {
		effect := "refuse"
		if e.List == call.ListAllow {
			effect = "leave unscreened"
		}
		return fmt.Errorf("%w: %s has only %d digits and would %s every caller of a whole country or region (write at least %d digits)",
			ErrDanger, p, p.Number.Len(), effect, minRangeDigits)
	}
	if e.List != call.ListBlock {
		return nil
	}
	if number := coversProtected(p); number != "" {
		return fmt.Errorf("%w: blocking %s would refuse %s, an emergency or official number whose calls must get through (a number that only pretends to be one is a matter for the rules, which know the trunk it came over)",
			ErrDanger, p, number)
	}
	return nil
}

// coversProtected returns a protected number that p covers, as a caller's number may show it: the
// code alone, with +86, or for the anti-fraud centre with an area code before it. "" is none.
func coversProtected(p call.Pattern) string {
	for _, code := range protected {
		for _, text := range []string{code, "+86" + code} {
			if n, err := call.ParseNumber(text); err == nil && p.Covers(n) {
				return text
			}
		}
	}
	national, is := strings.CutPrefix(p.String(), "+86")
	if !is {
		return ""
	}
	digits, wild := strings.CutSuffix(national, "*")
	for _, area := range areaCodes2 {
		if covers(digits, wild, area+antiFraud) {
			return "+86" + area + antiFraud
		}
	}
	if digits == "" || digits[0] < '3' {
		return ""
	}
	area := (digits + "10")[:3] // any area code that begins as the range does
	if covers(digits, wild, area+antiFraud) {
		return "+86" + area + antiFraud
	}
	return ""
}

// covers reports whether digits, as a number or as the beginning of one, stand for number.
func covers(digits string, wild bool, number string) bool {
	return digits == number || wild && strings.HasPrefix(number, digits)
}
