package screening

import "ringfence/call"

// Official reports whether a caller gives a number of an emergency service, or one of a table that a
// pack calls official, written as networks write it. A report of such a caller is most likely about
// somebody who only uses the number, and must not list its owner.
func (r *Rules) Official(caller *call.Party) bool {
	q := question{facts: &call.Facts{Caller: *caller}}
	q.digits = caller.Number.AppendDigits(q.buffer[:0])
	q.caller.read(caller)
	if properIn(r.called, &q.caller) || properIn(r.callers, &q.caller) {
		return true
	}
	for _, t := range r.official {
		switch writing, holds := t.holds(&q); writing {
		case WritingNone, WritingBare, WritingArea, WritingCountry:
			if holds {
				return true
			}
		}
	}
	return false
}
