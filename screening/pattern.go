package screening

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ringfence/call"
)

// pattern is a dial pattern on a whole number, without alternatives: for each place the set of
// digits that may stand there.
type pattern struct {
	places [call.MaxDigits]digitSet
	length uint8
	open   bool // more digits may follow
	global bool
}

// digitSet has bit d set when the digit d is in it.
type digitSet uint16

const anyDigit digitSet = 1<<10 - 1

// maxAlternatives bounds the patterns that one text with alternatives stands for.
const maxAlternatives = 256

// matches reports whether the digits are those of p. The caller has compared the kinds.
func (p *pattern) matches(digits []byte) bool {
	if len(digits) < int(p.length) || !p.open && len(digits) != int(p.length) {
		return false
	}
	for i, set := range p.places[:p.length] {
		if set&(1<<(digits[i]-'0')) == 0 {
			return false
		}
	}
	return true
}

// patternSet is patterns of one kind, with what tells at a glance that none of them matches.
type patternSet struct {
	patterns []pattern
	first    [call.MaxDigits + 1]digitSet // by length: what a number that matches can begin with
}

func (s *patternSet) add(p pattern) {
	s.patterns = append(s.patterns, p)
	last := int(p.length)
	if p.open {
		last = call.MaxDigits
	}
	first := p.places[0]
	if p.length == 0 {
		first = anyDigit
	}
	for length := int(p.length); length <= last; length++ {
		s.first[length] |= first
	}
}

// matches reports whether one of the patterns matches the digits.
func (s *patternSet) matches(digits []byte) bool {
	n := len(digits)
	if n == 0 || n > call.MaxDigits || s.first[n]&(1<<(digits[0]-'0')) == 0 {
		return false
	}
	for i := range s.patterns {
		if s.patterns[i].matches(digits) {
			return true
		}
	}
	return false
}

// number returns the one number that p stands for, if it is one.
func (p *pattern) number() (call.Number, bool) {
	var digits [call.MaxDigits]byte
	for i, set := range p.places[:p.length] {
		d := slices.Index(singles[:], set)
		if d < 0 {
			return 0, false
		}
		digits[i] = byte('0' + d)
	}
	if p.open || !p.global {
		return 0, false
	}
	return call.Global(string(digits[:p.length]))
}

// singles are the sets of one digit, by digit.
var singles = func() (sets [10]digitSet) {
	for d := range sets {
		sets[d] = 1 << d
	}
	return sets
}()

// parsePattern reads a dial pattern on a whole number:
//
//	+86 1[3-9]xxxxxxxxx   a leading + for a global number; spaces and hyphens are passed over
//	x  [2-9]  [13-5]      any digit, one of some digits
//	(10|2x|)              one of several, which may be empty
//	95*                   any digits, or none, may follow; only at the end
//
// It returns the patterns without alternatives that the text stands for.
func parsePattern(text string) ([]pattern, error) {
	rest, global := strings.CutPrefix(strings.TrimSpace(text), "+")
	made := []pattern{{global: global}}
	for rest != "" {
		var err error
		if made, rest, err = extend(made, rest); err != nil {
			return nil, fmt.Errorf("%q is no number pattern: %w", text, err)
		}
	}
	if made[0].length == 0 && !made[0].open {
		return nil, fmt.Errorf("%q is no number pattern: it has no digits", text)
	}
	return made, nil
}

// extend reads the next element of a pattern and adds it to each of the patterns made so far.
func extend(made []pattern, text string) (longer []pattern, rest string, err error) {
	switch c := text[0]; {
	case c == ' ' || c == '-':
		return made, text[1:], nil
	case c == '*' && strings.TrimSpace(text[1:]) == "":
		for i := range made {
			made[i].open = true
		}
		return made, "", nil
	case c == '*':
		return nil, "", errors.New(`"*" may stand at the end only`)
	case c == '(':
		inside, after, closed := strings.Cut(text[1:], ")")
		if !closed || strings.ContainsAny(inside, "(*") {
			return nil, "", errors.New(`alternatives are written (10|2x), without "(" or "*" inside`)
		}
		longer, err = alternatives(made, strings.Split(inside, "|"))
		return longer, after, err
	default:
		set, after, err := place(text)
		if err != nil {
			return nil, "", err
		}
		for i := range made {
			if made[i].length == call.MaxDigits {
				return nil, "", fmt.Errorf("it has more than %d digits", call.MaxDigits)
			}
			made[i].places[made[i].length] = set
			made[i].length++
		}
		return made, after, nil
	}
}

// alternatives continues each pattern with each of the texts.
func alternatives(made []pattern, texts []string) ([]pattern, error) {
	var all []pattern
	for _, text := range texts {
		branch := slices.Clone(made)
		for rest := text; rest != ""; {
			var err error
			if branch, rest, err = extend(branch, rest); err != nil {
				return nil, err
			}
		}
		for _, p := range branch {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
		if len(all) > maxAlternatives {
			return nil, fmt.Errorf("its alternatives make more than %d patterns", maxAlternatives)
		}
	}
	return all, nil
}

// place reads one place of a pattern: a digit, x, or a set in brackets.
func place(text string) (digitSet, string, error) {
	switch c := text[0]; {
	case c >= '0' && c <= '9':
		return singles[c-'0'], text[1:], nil
	case c == 'x':
		return anyDigit, text[1:], nil
	case c == '[':
		inside, after, closed := strings.Cut(text[1:], "]")
		set, err := digitsIn(inside)
		if !closed {
			err = errors.New(`"[" is not closed`)
		}
		return set, after, err
	default:
		return 0, "", fmt.Errorf("%q may not stand in it (digits, x, [2-9], (10|2x), and * at the end)", []rune(text)[0])
	}
}

// digitsIn reads what stands in brackets: digits and spans of digits, such as 13-5.
func digitsIn(text string) (set digitSet, err error) {
	for i := 0; i < len(text); i++ {
		low, high := text[i], text[i]
		if i+2 < len(text) && text[i+1] == '-' {
			high = text[i+2]
			i += 2
		}
		if low < '0' || high > '9' || low > high {
			return 0, fmt.Errorf("[%s] is no set of digits (write [2-9] or [13-5])", text)
		}
		for d := low; d <= high; d++ {
			set |= singles[d-'0']
		}
	}
	if set == 0 {
		return 0, errors.New("[] is no set of digits (write [2-9] or [13-5])")
	}
	return set, nil
}
