package screening

import (
	"fmt"
	"strings"

	"ringfence/call"
)

// Step tells what one check had to say about a call.
type Step struct {
	Check   string  `json:"check"` // the name of the check, or of the rule
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why"`
}

// Outcome says how a check ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"  // it had nothing to object to
	Decided Outcome = "decided" // the verdict is its opinion
	Failed  Outcome = "failed"  // it could not give an opinion
)

// Explain gives the verdict that Decide gives, and what each check that was asked had to say.
func Explain(f *call.Facts, r *Rules, lists call.Lists) (call.Verdict, []Step) {
	var steps []Step
	v := decide(f, r, lists, &steps)
	return v, steps
}

// miss is why a check gave no opinion, small enough to be returned for every check of every call;
// text spells it out. The zero miss is that of a check that decided.
type miss struct {
	kind   missKind
	detail uint8 // missExcept: the exception; missWriting: the writing
}

type missKind uint8

const (
	missNone missKind = iota
	missFailed
	missEmergency
	missReport
	missOutbound
	missListed
	missAnonymous
	missTreatment
	missExcept
	missClass
	missTrunk
	missFormat
	missForm
	missVideo
	missAlien
	missDisplay
	missOther
	missCaller
	missTable
	missWriting
)

// note adds a step, where an explanation is wanted.
func (q *question) note(c *check, m miss) {
	if q.steps == nil {
		return
	}
	step := Step{Check: c.name, Outcome: Passed, Why: q.text(c, m)}
	switch m.kind {
	case missNone:
		step.Outcome = Decided
	case missFailed:
		step.Outcome = Failed
	}
	*q.steps = append(*q.steps, step)
}

// text says in words why check c ended as it did.
func (q *question) text(c *check, m miss) string {
	f := q.facts
	switch m.kind {
	case missNone:
		return q.decided(c)
	case missFailed:
		return q.verdict.Failures[len(q.verdict.Failures)-1].Error
	case missEmergency:
		return "neither end is an emergency service"
	case missReport:
		return "nobody of the site dials the reporting code"
	case missOutbound:
		return "the trunk is not internal"
	case missListed:
		return "no entry covers the caller"
	case missAnonymous:
		return "the caller is not withheld"
	case missTreatment:
		return fmt.Sprintf("it has no treatment for %s trunks", f.Class)
	case missExcept:
		return "its exception holds: " + c.rule.source.Except[m.detail].String()
	}
	why := q.missed(m)
	if n := len(c.rule.source.When); n > 1 {
		return fmt.Sprintf("none of its %d conditions holds; of the last, %s", n, why)
	}
	return why
}

// decided says what made check c decide.
func (q *question) decided(c *check) string {
	switch {
	case c.rule != nil:
		for i := range c.rule.when {
			if c.rule.when[i].holds(q).kind == missNone {
				return c.rule.source.When[i].String()
			}
		}
	case !q.verdict.Match.IsZero():
		return fmt.Sprintf("listed as %s by %s", q.verdict.Match.Pattern, q.verdict.Match.Source)
	}
	return string(q.verdict.Reason)
}

// missed says which part of a condition did not hold.
func (q *question) missed(m miss) string {
	f := q.facts
	switch m.kind {
	case missClass:
		return fmt.Sprintf("the trunk class is %s", f.Class)
	case missTrunk:
		return fmt.Sprintf("the trunk is %q", f.Trunk)
	case missFormat:
		return fmt.Sprintf("the trunk's number format is %s", f.Format)
	case missForm:
		return fmt.Sprintf("the number was written in the %s form", f.Caller.Form)
	case missVideo:
		return fmt.Sprintf("video offered is %t", f.Media.Video)
	case missAlien:
		return fmt.Sprintf("characters that no number has is %t", q.caller.alien)
	case missDisplay:
		return "the display name has none of the words"
	case missOther:
		return fmt.Sprintf("another number in the display name is %t", q.showsOther())
	case missCaller:
		return "the number has another pattern"
	case missTable:
		return "the number is not in the table"
	default:
		return fmt.Sprintf("the code was written in the %s form", Writing(m.detail))
	}
}

// String describes the condition in one line.
func (c Condition) String() string {
	var parts []string
	add := func(name string, values []string) {
		if len(values) > 0 {
			parts = append(parts, name+" "+strings.Join(values, " or "))
		}
	}
	add("class", words(c.Class))
	add("trunk", c.Trunk)
	add("format", words(c.Format))
	add("form", words(c.Form))
	add("caller", c.Caller)
	if c.Table != "" {
		add("table", []string{c.Table})
	}
	add("written", words(c.Written))
	add("display", c.Display)
	if c.Other != nil {
		parts = append(parts, fmt.Sprintf("display number %t", *c.Other))
	}
	if c.Video != nil {
		parts = append(parts, fmt.Sprintf("video %t", *c.Video))
	}
	if c.Alien != nil {
		parts = append(parts, fmt.Sprintf("alien %t", *c.Alien))
	}
	return strings.Join(parts, "; ")
}

func words[E fmt.Stringer](values []E) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}
