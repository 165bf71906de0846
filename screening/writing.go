package screening

import (
	"fmt"
	"strings"

	"ringfence/call"
)

// Writing says how a service code was written: what stood before it.
type Writing uint8

// The writings, the most proper first. A text that can be read in two ways counts as the more
// proper one: 095512345 is the city hotline 12345 of area 955, not a bank's code after a stray 0.
const (
	WritingNone    Writing = iota // not a code
	WritingBare                   // 96110
	WritingArea                   // 021 96110
	WritingCountry                // +86 96110, 0086 21 96110, +86 021 96110
	WritingLoose                  // 86 96110, 21 96110: the sign or the national prefix left out
	WritingOdd                    // +96110, 000110, +0110, 0 95588, 001 95588: a prefix that none has
)

var writingNames = [...]string{"none", "bare", "area", "country", "loose", "odd"}

// String is the word used in rule files.
func (w Writing) String() string {
	if int(w) < len(writingNames) {
		return writingNames[w]
	}
	return "unknown"
}

// MarshalText writes the word for w.
func (w Writing) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads the word of a writing of a code, and lists the words there are in its error.
func (w *Writing) UnmarshalText(text []byte) error {
	for i, name := range writingNames {
		if name == string(text) && Writing(i) != WritingNone {
			*w = Writing(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a way of writing a code (one of %s)", text, strings.Join(writingNames[1:], ", "))
}

// maxWritten is the longest text that can be a service code with all that may stand before it.
const maxWritten = 24

// written is the user part of a party as it was written, down to its digits.
type written struct {
	buffer [maxWritten]byte
	length int  // of the digits; 0 when the text is no number or too long to be a code
	plus   bool // the text began with one
	e164   bool // the trunk delivers digits that stand for a number with a plus
	local  bool // as many digits as a subscriber number without area code has
	alien  bool // a character that no telephone number has
}

func (w *written) digits() []byte { return w.buffer[:w.length] }

// read takes the party apart. Parameters and visual separators are passed over, as call.Plan does.
func (w *written) read(p *call.Party) {
	*w = written{local: p.Form == call.FormSubscriber}
	text := p.Text
	if w.plus = text != "" && text[0] == '+'; w.plus {
		text = text[1:]
	}
	w.e164 = !w.plus && p.Form == call.FormPlus
	fits := true
scan:
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if fits = fits && w.length < maxWritten; fits {
				w.buffer[w.length] = c
				w.length++
			}
		case c == '-' || c == '.' || c == '(' || c == ')':
		case c == ';':
			break scan
		case c == '+' || c == '*' || c == '#':
			fits = false
		default:
			fits, w.alien = false, true
		}
	}
	if !fits {
		w.length = 0
	}
}

// dialling is how numbers are written in the country of a pack.
type dialling struct {
	country, international, national string
	areas                            []pattern
}

// read returns the most proper way to read a text as one of the codes. looseToo says that digits
// that could be a local subscriber number may be read as a code written loosely.
func (d *dialling) read(w *written, codes *patternSet, looseToo bool) Writing {
	text := w.digits()
	if len(text) == 0 || len(codes.patterns) == 0 {
		return WritingNone
	}
	if !w.plus {
		if (!w.e164 || len(text) <= maxBareAbroad) && codes.matches(text) {
			return WritingBare
		}
		if rest, ok := cut(text, d.national); ok && d.national != "" && d.afterArea(rest, codes) {
			return WritingArea
		}
	}
	abroad, signed := text, w.plus
	if rest, ok := cut(text, d.international); ok && !w.plus && d.international != "" {
		abroad, signed = rest, true
	}
	rest, ok := cut(abroad, d.country)
	inCountry := ok && d.country != "" && d.withinCountry(rest, codes)
	switch {
	case inCountry && (signed || w.e164):
		return WritingCountry
	case !signed && !w.e164 && (!w.local || looseToo) && (inCountry || d.afterArea(text, codes)):
		return WritingLoose
	case d.odd(abroad, signed, codes):
		return WritingOdd
	default:
		return WritingNone
	}
}

// withinCountry reports whether text is a code, or an area code and a code, with or without the
// national prefix.
func (d *dialling) withinCountry(text []byte, codes *patternSet) bool {
	if codes.matches(text) || d.afterArea(text, codes) {
		return true
	}
	rest, ok := cut(text, d.national)
	return ok && d.national != "" && (codes.matches(rest) || d.afterArea(rest, codes))
}

// afterArea reports whether text is an area code and a code.
func (d *dialling) afterArea(text []byte, codes *patternSet) bool {
	for i := range d.areas {
		area := &d.areas[i]
		if n := int(area.length); n < len(text) && area.matches(text[:n]) && codes.matches(text[n:]) {
			return true
		}
	}
	return false
}

// maxBareAbroad is the longest code that is told from a number abroad when it follows a plus at
// once: +95 and +96x are countries too, and the shortest numbers of Myanmar have 8 digits in all.
const maxBareAbroad = 7

// odd reports whether text, which follows a plus or the international prefix when signed is set, is
// a code after nothing, after zeros, after +1 (a number of North America has ten digits more), or
// after zeros and the country code.
func (d *dialling) odd(text []byte, signed bool, codes *patternSet) bool {
	rest := text
	for len(rest) > 0 && rest[0] == '0' {
		rest = rest[1:]
	}
	zeros := len(text) - len(rest)
	if zeros == 0 && !signed {
		return false
	}
	if (zeros > 0 || len(rest) <= maxBareAbroad) && codes.matches(rest) {
		return true
	}
	if after, ok := cut(rest, "1"); ok && signed && codes.matches(after) {
		return true
	}
	after, ok := cut(rest, d.country)
	return ok && d.country != "" && zeros > 0 && d.withinCountry(after, codes)
}

// cut returns what follows prefix in text, when something does.
func cut(text []byte, prefix string) (rest []byte, ok bool) {
	if len(text) <= len(prefix) || string(text[:len(prefix)]) != prefix {
		return nil, false
	}
	return text[len(prefix):], true
}
