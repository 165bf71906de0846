package screening

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ringfence/call"
)

// Bounds on what is read of a display name, and on the words that are looked for in it.
const (
	maxDisplay = 256 // bytes of the name
	maxWords   = 64  // of one condition
	minDigits  = 5   // that make a number of what stands in a name
)

// fold appends a display name to dst as it reads: letters and digits alone, in lower case, with the forms that
// look like others made the same. So 公 安, Ｐｏｌｉｃｅ and Pоlice with a Cyrillic о are what they seem to be.
func fold(dst []byte, name string) []byte {
	for name = name[:min(len(name), maxDisplay)]; name != ""; {
		r, size := utf8.DecodeRuneInString(name)
		char := name[:size]
		name = name[size:]
		switch {
		case r == utf8.RuneError: // no UTF-8
			continue
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= firstHan && r <= lastHan: // nearly all: as it is
			dst = append(dst, char...)
			continue
		case r < utf8.RuneSelf:
			dst = appendFolded(dst, r)
			continue
		}
		// Compatibility forms (NFKC): full width, circled, ligatures.
		plain := norm.NFKC.PropertiesString(char).Decomposition()
		if plain == nil {
			dst = appendFolded(dst, r)
		}
		for len(plain) > 0 {
			part, n := utf8.DecodeRune(plain)
			dst = appendFolded(dst, part)
			plain = plain[n:]
		}
	}
	return dst
}

// The block of the Chinese characters, which have neither cases nor compatibility forms.
const firstHan, lastHan = 0x4e00, 0x9fff

func appendFolded(dst []byte, r rune) []byte {
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return dst // blanks, signs, what is not seen
	}
	r = unicode.ToLower(r)
	if twin, ok := twins[r]; ok {
		r = twin
	}
	return utf8.AppendRune(dst, r)
}

// twins are letters of other alphabets that read like Latin ones.
var twins = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'һ': 'h', 'і': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o',
	'р': 'p', 'ѕ': 's', 'т': 't', 'у': 'y', 'х': 'x', 'ѵ': 'v', 'ԝ': 'w',
	'α': 'a', 'ε': 'e', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ı': 'i', 'ɑ': 'a', 'ɡ': 'g',
}

// shown are the display names that a telephone may show, folded: that of the screened identity, and that of
// From where it is another party.
type shown struct {
	folded [2][]byte
	read   bool
}

// displayed returns the names of a call, which are folded once for all conditions.
func (q *question) displayed() *[2][]byte {
	n := &q.shown
	if !n.read {
		n.read = true
		f := q.facts
		n.folded[0] = fold(n.folded[0][:0], f.Caller.Display)
		n.folded[1] = n.folded[1][:0]
		if f.Identity != call.IdentityFrom {
			n.folded[1] = fold(n.folded[1], f.From.Display)
		}
	}
	return &n.folded
}

// shows reports whether a name that is shown has one of the words in it.
func (q *question) shows(words [][]byte) bool {
	for _, name := range q.displayed() {
		for _, word := range words {
			if bytes.Contains(name, word) {
				return true
			}
		}
	}
	return false
}

// showsOther reports whether a name that is shown has a number in it that is not the caller's: the caller's does
// not end with it, nor it with the caller's.
func (q *question) showsOther() bool {
	for _, name := range q.displayed() {
		for len(name) > 0 {
			start := bytes.IndexAny(name, "0123456789")
			if start < 0 {
				break
			}
			name = name[start:]
			end := 0
			for end < len(name) && name[end] >= '0' && name[end] <= '9' {
				end++
			}
			number := bytes.TrimLeft(name[:end], "0")
			if len(number) >= minDigits && !bytes.HasSuffix(q.digits, number) && (len(q.digits) == 0 || !bytes.HasSuffix(number, q.digits)) {
				return true
			}
			name = name[end:]
		}
	}
	return false
}
