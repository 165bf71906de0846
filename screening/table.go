package screening

import "ringfence/call"

// table is a set of numbers: global numbers and patterns on the normalised number, service codes on
// what was written.
type table struct {
	dialling *dialling // of the pack that the table is from
	numbers  map[call.Number]struct{}
	global   patternSet
	codes    patternSet
}

// add reads one entry of a table.
func (t *table) add(entry string) error {
	patterns, err := parsePattern(entry)
	for _, p := range patterns {
		if n, ok := p.number(); ok {
			t.numbers[n] = struct{}{}
		} else if p.global {
			t.global.add(p)
		} else {
			t.codes.add(p)
		}
	}
	return err
}

// holds reports whether the caller is in the table, and how its code was written when it is there
// as one. A number that is there as it is, and not as a code, has no writing.
func (t *table) holds(q *question) (Writing, bool) {
	number := q.facts.Caller.Number
	if _, ok := t.numbers[number]; ok {
		return WritingNone, true
	}
	if !number.IsZero() && !number.IsLocal() && t.global.matches(q.digits) {
		return WritingNone, true
	}
	// Where a call from abroad names seven or eight digits, they are no neighbour's number.
	w := t.dialling.read(&q.caller, &t.codes, q.facts.Class == call.ClassInternational)
	return w, w != WritingNone
}
