package screening

import (
	"fmt"
	"sync"

	"ringfence/call"
)

// question is one call being decided: what was asked, what has been found out, and the verdict so
// far.
type question struct {
	facts *call.Facts
	rules *Rules
	lists call.Lists

	digits         []byte // of the screened number
	buffer         [call.MaxDigits]byte
	caller, called written

	shown shown // display names, once a condition asks for them

	looked            bool // screened and claimed are filled in
	screened, claimed call.Listings

	verdict call.Verdict
	steps   *[]Step // where an explanation is wanted
}

// questions are reused: a check is called through its slot in a table, so what it is given would
// else be allocated for every call.
var questions = sync.Pool{New: func() any { return new(question) }}

// Decide gives the verdict on a call. It is a function of its arguments alone: the same facts,
// rules and lists give the same verdict at any time. Its Treatment is never nil.
//
// A check that fails is passed over and named in Failures: a fault of ours must not cost a call.
// Trunks that are configured to fail closed refuse the call instead, but never for a fault in the
// emergency check. lists may be nil when there are none. Decide may be called by any number of
// goroutines at a time.
func Decide(f *call.Facts, r *Rules, lists call.Lists) call.Verdict {
	return decide(f, r, lists, nil)
}

func decide(f *call.Facts, r *Rules, lists call.Lists, steps *[]Step) call.Verdict {
	if f == nil || r == nil {
		return call.Verdict{
			Treatment: call.Allow{}, Rule: checkClean, Reason: call.ReasonNotScreened,
			Failures: []call.Failure{{Check: checkClean, Error: "there are no facts or no rules to decide with"}},
		}
	}
	q, ok := questions.Get().(*question)
	if !ok {
		q = new(question)
	}
	*q = question{facts: f, rules: r, lists: lists, steps: steps, shown: shown{folded: q.shown.folded}} // keeps the memory
	q.decide()
	v := q.verdict
	q.facts, q.lists, q.steps = nil, nil, nil // the pool keeps nothing of the call alive
	questions.Put(q)
	return v
}

// decide asks the checks in order until one decides.
func (q *question) decide() {
	q.verdict.Rules = q.rules.version
	q.digits = q.facts.Caller.Number.AppendDigits(q.buffer[:0])
	q.caller.read(&q.facts.Caller)
	for next := 0; next < len(q.rules.checks); {
		next = q.askFrom(next)
	}
	if q.verdict.Treatment != nil {
		return
	}
	q.verdict.Treatment = call.Allow{}
	q.verdict.Rule = checkClean
	q.verdict.Reason = call.ReasonClean
	if len(q.verdict.Failures) > 0 { // nobody objected, but not everybody was asked
		q.verdict.Reason = call.ReasonNotScreened
	}
}

// askFrom is the one loop over the checks, from the i-th on. It returns where to go on: behind a
// check that failed, or behind the last when one decided.
func (q *question) askFrom(i int) (next int) {
	checks := q.rules.checks
	defer func() {
		if p := recover(); p != nil {
			next = q.failed(i, p)
		}
	}()
	for ; i < len(checks); i++ {
		missed := checks[i].ask(q)
		q.note(&checks[i], missed)
		if missed.kind == missNone {
			break
		}
	}
	return len(checks)
}

// failed notes that the i-th check panicked, with nothing left of half an opinion, and returns where
// to go on.
func (q *question) failed(i int, p any) (next int) {
	c := &q.rules.checks[i]
	q.verdict = call.Verdict{Rules: q.verdict.Rules, Lists: q.verdict.Lists, Failures: q.verdict.Failures}
	q.verdict.Failures = append(q.verdict.Failures, call.Failure{Check: c.name, Error: fmt.Sprint(p)})
	q.note(c, miss{kind: missFailed})
	if c.name == checkEmergency || !q.rules.failClosed[q.facts.Trunk] {
		return i + 1
	}
	q.verdict.Treatment = call.Refuse{Class: call.RefusalDeclined}
	q.verdict.Rule = c.name
	q.verdict.Reason = call.ReasonCheckFailed
	return len(q.rules.checks)
}

// lookUp reads the lists once for all checks: for the screened identity and, where it is another
// number, for the one in From. It notes in the verdict which lists those were.
func (q *question) lookUp() {
	if q.looked || q.lists == nil {
		return
	}
	f := q.facts
	q.verdict.Lists = q.lists.Version()
	if n := f.Caller.Number; !n.IsZero() {
		q.screened = q.lists.Lookup(n, f.Time)
	}
	if n := f.From.Number; !n.IsZero() && n != f.Caller.Number {
		q.claimed = q.lists.Lookup(n, f.Time)
	}
	q.looked = true
}
