package report

import (
	"strconv"
	"sync"
	"time"

	"ringfence/call"
)

// remembered is how long a call can be reported by the feature code.
const remembered = 24 * time.Hour

// The memory of last callers: sets of slots, where a number called has its place in one set. A full
// set forgets its oldest. 131,072 slots take 4 MiB and hold no pointers.
const (
	lastBits = 14
	lastSets = 1 << lastBits
	lastWays = 8
)

// lastCallers remembers the last call that reached each number. Its memory is fixed, so that noting
// a call allocates nothing.
type lastCallers struct {
	mu   sync.Mutex
	sets [][lastWays]lastCall
}

// lastCall is the last call to a number. It holds what finds the call in the log, and enough to
// report it while the log is away.
type lastCall struct {
	called    call.Number // zero: the slot is free
	caller    call.Number // zero: anonymous
	reference uint64      // the digits of the reference
	at        int64       // when its INVITE arrived, Unix time in nanoseconds
}

func newLastCallers() *lastCallers { return &lastCallers{sets: make([][lastWays]lastCall, lastSets)} }

// note remembers r, if it reached the person called.
func (l *lastCallers) note(r *call.Record) {
	called := r.Facts.Called.Number
	if called.IsZero() || !reached(r) {
		return
	}
	reference, err := strconv.ParseUint(r.Reference, 10, 64)
	if err != nil {
		return
	}
	c := lastCall{called, r.Facts.Caller.Number, reference, r.Facts.Time.UnixNano()}
	l.mu.Lock()
	defer l.mu.Unlock()
	set := l.set(called)
	oldest := &set[0]
	for i := range set {
		s := &set[i]
		if s.called == called {
			if s.at <= c.at { // records come when calls end, which is not the order they began in
				*s = c
			}
			return
		}
		if s.at < oldest.at {
			oldest = s
		}
	}
	*oldest = c
}

// find returns the last call to a number, if one is remembered and not too old at an instant.
func (l *lastCallers) find(called call.Number, at time.Time) (lastCall, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.set(called) {
		if s.called == called && !called.IsZero() {
			return s, at.Sub(s.time()) < remembered
		}
	}
	return lastCall{}, false
}

func (l *lastCallers) set(called call.Number) *[lastWays]lastCall {
	const multiplier = 0x9e3779b97f4a7c15 // 2^64 / golden ratio: neighbouring numbers go far apart
	return &l.sets[uint64(called)*multiplier>>(64-lastBits)]
}

func (c *lastCall) time() time.Time { return time.Unix(0, c.at).UTC() }

// ref is the reference as records have it.
func (c *lastCall) ref() string {
	digits := strconv.FormatUint(c.reference, 10)
	for len(digits) < call.ReferenceDigits {
		digits = "0" + digits
	}
	return digits
}

// record is what is known of the call without the log.
func (c *lastCall) record() *call.Record {
	r := &call.Record{Reference: c.ref()}
	r.Facts.Time = c.time()
	r.Facts.Caller = call.Party{Number: c.caller, Text: c.caller.String()}
	r.Facts.Called = call.Party{Number: c.called, Text: c.called.String()}
	return r
}

// reached reports whether the person called noticed this call, and so can mean it by "my last call":
// her telephone rang, or it left her a message. What the gateway refused she knows nothing of.
func reached(r *call.Record) bool {
	if r.Facts.Class == call.ClassInternal {
		return false
	}
	rang := r.Outcome.Attempts > 0 && r.Outcome.By != call.EndedByGateway
	answered := r.Outcome.Status/100 == 2
	switch t := r.Verdict.Treatment.(type) {
	case call.Refuse:
		return false
	case call.Divert:
		return answered
	case call.Announce:
		return t.Refuse == nil && (rang || answered)
	case call.Challenge:
		failed := r.Treated != nil && r.Treated.Choice == call.ChoiceFailed
		return answered || rang && !failed
	case call.Warn:
		warned := r.Treated != nil && r.Treated.Heard > 0 // she answered, whatever the caller was told then
		return rang || answered || warned
	default:
		return rang || answered
	}
}
