package call

import (
	"errors"
	"fmt"
	"strings"
)

// MaxDigits is the longest digit string a Number can hold. E.164 allows 15; a Chinese privacy
// number (700 and 12 digits) with its country code before it has 17.
const MaxDigits = 17

// Number is a telephone number packed into one word: its kind, its length, and its digits as a
// decimal integer. Two numbers are the same exactly if the words are equal, so a Number serves as
// a map key. The zero value means "no number": an anonymous caller, or a text that is none.
//
// A Number is either global (E.164: country code first) or local (a short code such as 96110, or
// a subscriber number whose area is not known).
type Number uint64

const (
	valueBits        = 57 // 10^17 < 2^57
	valueMask Number = 1<<valueBits - 1
	lenMask   Number = 31 // five bits above the value
	localFlag Number = 1 << 63
)

// ErrNumber is wrapped by every error that says a text is not a telephone number.
var ErrNumber = errors.New("not a telephone number")

// Global returns the E.164 number with these digits, country code first and without the plus.
// ok is false unless there are 1 to MaxDigits characters, all of them digits.
func Global(digits string) (n Number, ok bool) { return pack(digits, 0) }

// Local returns the number that is dialled as these digits within a site or country.
// ok is false unless there are 1 to MaxDigits characters, all of them digits.
func Local(digits string) (n Number, ok bool) { return pack(digits, localFlag) }

// ParseNumber reads the form that String writes: "+" and digits for a global number, digits alone
// for a local one. It is the form of lists, records and command lines; the forms trunks use are
// read by Plan.Read. The error wraps ErrNumber.
func ParseNumber(text string) (Number, error) {
	if text == "" {
		return 0, fmt.Errorf("%w: it is empty", ErrNumber)
	}
	digits, plus := strings.CutPrefix(text, "+")
	n, ok := pack(digits, localFlag)
	if plus {
		n, ok = pack(digits, 0)
	}
	if !ok {
		return 0, fmt.Errorf("%w: %q (write +COUNTRY… or a short code, digits only, at most %d of them)", ErrNumber, text, MaxDigits)
	}
	return n, nil
}

func pack(digits string, flag Number) (Number, bool) {
	if len(digits) == 0 || len(digits) > MaxDigits {
		return 0, false
	}
	var v Number
	for i := 0; i < len(digits); i++ {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + Number(d)
	}
	return flag | Number(len(digits))<<valueBits | v, true
}

// IsLocal reports whether n is a short code or subscriber number rather than a global number.
func (n Number) IsLocal() bool { return n&localFlag != 0 }

// IsZero reports whether n is no number at all.
func (n Number) IsZero() bool { return n == 0 }

// Len is the number of digits, 0 for no number.
func (n Number) Len() int { return int(n >> valueBits & lenMask) }

// Prefix returns the number made of the first k digits of n, of the same kind. It is n itself when
// n has no more than k digits, and no number when k is not positive.
func (n Number) Prefix(k int) Number {
	if k <= 0 {
		return 0
	}
	v, l := n&valueMask, n.Len()
	if l <= k {
		return n
	}
	for ; l > k; l-- {
		v /= 10
	}
	return n&localFlag | Number(k)<<valueBits | v
}

// HasPrefix reports whether n is of the same kind as p and begins with p's digits. Every number
// begins with no number.
func (n Number) HasPrefix(p Number) bool {
	return p == 0 || n.Len() >= p.Len() && n.Prefix(p.Len()) == p
}

// AppendDigits appends the digits of n, without a plus, to dst.
func (n Number) AppendDigits(dst []byte) []byte {
	l := n.Len()
	start := len(dst)
	for range l {
		dst = append(dst, '0')
	}
	for v, i := n&valueMask, start+l-1; i >= start; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// Digits returns the digits of n without a plus.
func (n Number) Digits() string { return string(n.AppendDigits(make([]byte, 0, MaxDigits))) }

// String writes n as ParseNumber reads it; no number is the empty string.
func (n Number) String() string {
	if n == 0 {
		return ""
	}
	b := make([]byte, 0, MaxDigits+1)
	if !n.IsLocal() {
		b = append(b, '+')
	}
	return string(n.AppendDigits(b))
}

// Masked writes n for a log line: the middle digits of a subscriber's number are starred, a short
// code of up to 6 digits, which names no person, is shown whole, and no number is "anonymous".
func (n Number) Masked() string {
	l := n.Len()
	if l == 0 {
		return "anonymous"
	}
	b := []byte(n.String())
	if n.IsLocal() && l <= 6 {
		return string(b)
	}
	tail := min(2, l/4)
	head := len(b) - tail - min(l-tail-1, max(4, l/2))
	for i := head; i < len(b)-tail; i++ {
		b[i] = '*'
	}
	return string(b)
}

// MarshalText writes n as String does.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what MarshalText wrote; the empty text is no number. The error wraps ErrNumber.
func (n *Number) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*n = 0
		return nil
	}
	v, err := ParseNumber(string(text))
	if err == nil {
		*n = v
	}
	return err
}
