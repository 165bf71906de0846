package sip

import (
	"cmp"
	"maps"
	"sync"

	"ringfence/call"
	"ringfence/sip/proxy"
)

// Tally counts finished call attempts, and passes their records on.
type Tally struct {
	next  proxy.Recorder
	mu    sync.Mutex
	calls map[Kind]uint64
	ended map[Treated]uint64
	final [7]uint64 // by class of the final status
}

// Treated is what calls on the agent path are counted by.
type Treated struct {
	Treatment string
	Choice    call.Choice
}

// Kind is what attempts are counted by. The reason is that of the verdict or, when the gateway could
// not carry it out, the cause.
type Kind struct {
	Trunk     string
	Treatment string
	Reason    call.Reason
}

// NewTally returns a Tally before another recorder.
func NewTally(next proxy.Recorder) *Tally {
	return &Tally{next: next, calls: map[Kind]uint64{}, ended: map[Treated]uint64{}}
}

// Append implements proxy.Recorder.
func (t *Tally) Append(r *call.Record) {
	kind := Kind{r.Facts.Trunk, r.Verdict.Treatment.Name(), cmp.Or(r.Outcome.Cause, r.Verdict.Reason)}
	t.mu.Lock()
	t.calls[kind]++
	if r.Treated != nil {
		t.ended[Treated{kind.Treatment, r.Treated.Choice}]++
	}
	if class := r.Outcome.Status / 100; class < len(t.final) {
		t.final[class]++
	}
	t.mu.Unlock()
	t.next.Append(r)
}

// Calls returns the number of attempts of each kind since the start.
func (t *Tally) Calls() map[Kind]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.calls)
}

// Treated returns the number of treated calls by what came of them, since the start.
func (t *Tally) Treated() map[Treated]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.ended)
}

// Final returns the number of attempts by the class of their final status: index 2 for 2xx, and so
// on; 0 counts those that had none.
func (t *Tally) Final() [7]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.final
}
