package call

// ReferenceDigits is the length of a redress reference.
const ReferenceDigits = 12

// Reference makes a redress reference of a random word: 11 digits and a check digit (Luhn), so
// that a reference read over the telephone and mistyped is noticed. The word must be unpredictable,
// or a stranger could guess the references of other people's calls.
func Reference(random uint64) string {
	var b [ReferenceDigits]byte
	for i := ReferenceDigits - 2; i >= 0; i-- {
		b[i] = byte('0' + random%10)
		random /= 10
	}
	b[ReferenceDigits-1] = luhn(b[:ReferenceDigits-1])
	return string(b[:])
}

// ValidReference reports whether text has the form of a reference and its check digit is right.
func ValidReference(text string) bool {
	if len(text) != ReferenceDigits {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	last := ReferenceDigits - 1
	return luhn([]byte(text[:last])) == text[last]
}

// luhn is the check digit of ISO/IEC 7812-1 for digits.
func luhn(digits []byte) byte {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (len(digits)-i)%2 == 1 { // every second digit, from the right, counts twice
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
