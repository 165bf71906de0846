package callscript

import (
	"fmt"
	"time"
)

// settle lets everything happen that can happen now.
func (r *run) settle() {
	if r.options.Settle != nil {
		r.options.Settle()
	}
}

// patience is how long an "at once" may take: no time at all where time is virtual.
func (r *run) patience() time.Duration {
	if r.options.Settle != nil {
		return 0
	}
	return 2 * time.Second
}

// tolerance is how much later than said something may happen: the wheel of the timers turns in
// steps of 10 ms.
func (r *run) tolerance() time.Duration {
	if r.options.Settle != nil {
		return 25 * time.Millisecond
	}
	return 300 * time.Millisecond
}

// next takes the next message that a participant receives before the deadline.
func (r *run) next(p *party, deadline time.Time) *arrival {
	for {
		r.settle()
		r.mu.Lock()
		if len(p.waiting) > 0 {
			a := p.waiting[0]
			p.waiting = p.waiting[1:]
			r.mu.Unlock()
			return &a
		}
		r.mu.Unlock()
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-r.arrived:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// unexpected says which messages nobody expected.
func (r *run) unexpected() error {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.order {
		if w := r.parties[name].waiting; len(w) > 0 {
			return fmt.Errorf("%s received what nothing expected:\n%s", name, indent(string(w[0].raw)))
		}
	}
	return nil
}
