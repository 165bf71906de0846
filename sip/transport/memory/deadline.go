package memory

import (
	"sync"
	"time"
)

// deadline wakes the waiters of a condition when its time has come.
type deadline struct {
	mu     *sync.Mutex
	wake   *sync.Cond // on mu
	timer  *time.Timer
	passed bool
	set    int // times the deadline was set: a timer of an earlier one is stale
}

func (d *deadline) init(mu *sync.Mutex, wake *sync.Cond) { d.mu, d.wake = mu, wake }

// at sets the deadline; the zero time is none. d.mu is held.
func (d *deadline) at(t time.Time) {
	d.clear()
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.passed = true
		d.wake.Broadcast()
		return
	}
	set := d.set
	d.timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.set == set {
			d.passed = true
			d.wake.Broadcast()
		}
	})
}

// clear forgets the deadline. d.mu is held.
func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.set++
	d.passed = false
}
