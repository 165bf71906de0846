package screening

import (
	"slices"

	"ringfence/call"
)

// rule is a Rule made ready to be asked.
type rule struct {
	source       Rule
	when, except []condition
	treatments   byClass // nil where the rule is not asked
}

// byClass holds a treatment for every class of trunks.
type byClass [call.ClassInternal + 1]call.Treatment

// condition is a Condition made ready to be asked. A zero field does not limit.
type condition struct {
	classes, formats, forms, writings mask
	trunks                            []string
	callers, globalCallers            patternSet
	table                             *table
	video, alien, otherNumber         *bool
	display                           [][]byte // words, folded
}

// mask has bit v set when the enum value v is one of those wanted; 0 wants every value.
type mask uint16

func maskOf[E ~uint8](values []E) (m mask) {
	for _, v := range values {
		m |= 1 << v
	}
	return m
}

func (m mask) lacks(v uint8) bool { return m != 0 && m&(1<<v) == 0 }

// ask is the check of one rule: its opinion when it fires, and otherwise why it did not.
func (r *rule) ask(q *question) miss {
	treatment := r.treatments[q.facts.Class]
	if treatment == nil {
		return miss{kind: missTreatment}
	}
	why := miss{kind: missTreatment}
	for i := range r.when {
		if why = r.when[i].holds(q); why.kind == missNone {
			break
		}
	}
	if why.kind != missNone {
		return why
	}
	for i := range r.except {
		if r.except[i].holds(q).kind == missNone {
			return miss{missExcept, uint8(i)}
		}
	}
	q.verdict.Treatment = treatment
	q.verdict.Rule = r.source.Name
	q.verdict.Reason = r.source.Reason
	q.verdict.Category = r.source.Category
	q.verdict.Score = r.source.Score
	return miss{}
}

// holds reports whether the condition holds, by missing nothing. The cheap parts are asked first.
func (c *condition) holds(q *question) miss {
	f := q.facts
	switch {
	case c.classes.lacks(uint8(f.Class)):
		return miss{kind: missClass}
	case c.formats.lacks(uint8(f.Format)):
		return miss{kind: missFormat}
	case c.forms.lacks(uint8(f.Caller.Form)):
		return miss{kind: missForm}
	case c.video != nil && *c.video != f.Media.Video:
		return miss{kind: missVideo}
	case c.alien != nil && *c.alien != q.caller.alien:
		return miss{kind: missAlien}
	case len(c.display) > 0 && !q.shows(c.display):
		return miss{kind: missDisplay}
	case c.otherNumber != nil && *c.otherNumber != q.showsOther():
		return miss{kind: missOther}
	case len(c.trunks) > 0 && !slices.Contains(c.trunks, f.Trunk):
		return miss{kind: missTrunk}
	case c.limitsCaller() && !c.callerMatches(q):
		return miss{kind: missCaller}
	case c.table == nil:
		return miss{}
	}
	writing, ok := c.table.holds(q)
	switch {
	case !ok:
		return miss{kind: missTable}
	case c.writings.lacks(uint8(writing)):
		return miss{missWriting, uint8(writing)}
	default:
		return miss{}
	}
}

func (c *condition) limitsCaller() bool {
	return len(c.callers.patterns) > 0 || len(c.globalCallers.patterns) > 0
}

func (c *condition) callerMatches(q *question) bool {
	number := q.facts.Caller.Number
	switch {
	case number.IsZero():
		return false
	case number.IsLocal():
		return c.callers.matches(q.digits)
	default:
		return c.globalCallers.matches(q.digits)
	}
}
