package media

import (
	"sync"
	"time"
)

// instant is a time since the engine began.
type instant time.Duration

// clock is the one goroutine that sends what is due, for all legs. Each leg's packets fall due on a
// fixed grid; a late one does not shift those after it. Where nothing is planned it sleeps.
type clock struct {
	start time.Time
	wake  chan struct{} // something was planned before what it sleeps for
	done  chan struct{} // closed to end it
	ended chan struct{} // closed when it has ended

	mu      sync.Mutex
	wheel   wheel
	sleeps  bool  // until the tick
	until   int64 // below; never, if it is negative
	scratch scratch
}

func newClock() *clock {
	return &clock{
		start: time.Now(), wake: make(chan struct{}, 1),
		done: make(chan struct{}), ended: make(chan struct{}),
	}
}

func (c *clock) now() instant { return instant(time.Since(c.start)) }

// time is when a tick is due.
func (c *clock) time(due int64) time.Time { return c.start.Add(time.Duration(due) * tick) }

// ticks is the number of the tick at or after t.
func ticks(t instant) int64 { return (int64(t) + int64(tick) - 1) / int64(tick) }

// plan adds a turn.
func (c *clock) plan(t *turn, due int64) {
	c.mu.Lock()
	c.wheel.skip(int64(c.now()) / int64(tick))
	c.wheel.add(t, due)
	early := c.sleeps && (c.until < 0 || t.due < c.until)
	c.mu.Unlock()
	if early {
		select {
		case c.wake <- struct{}{}:
		default: // it is told already
		}
	}
}

// run gives the turns until close.
func (c *clock) run() {
	defer close(c.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, ok := c.sleepUntil()
		if !ok {
			select {
			case <-c.wake:
				continue
			case <-c.done:
				return
			}
		}
		if wait := time.Until(c.time(due)); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-c.wake:
				continue
			case <-c.done:
				return
			}
		}
		select {
		case <-c.done:
			return
		default:
			c.give(due)
		}
	}
}

// sleepUntil is the tick that has the next turns; ok is false when none is planned.
func (c *clock) sleepUntil() (due int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	due, ok = c.wheel.next()
	c.sleeps, c.until = true, due
	if !ok {
		c.until = -1
	}
	return due, ok
}

// give gives the turns of a tick, and plans the next ones of those who want another.
func (c *clock) give(due int64) {
	c.mu.Lock()
	t := c.wheel.take(due)
	c.sleeps = false
	c.mu.Unlock()
	var again, last *turn
	for t != nil {
		next := t.next
		if t.due = t.leg.turn(t, due, &c.scratch); t.due > 0 {
			t.next = nil
			if again == nil {
				again = t
			} else {
				last.next = t
			}
			last = t
		}
		t = next
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for again != nil {
		next := again.next
		c.wheel.add(again, again.due)
		again = next
	}
}

// close ends the clock and waits until it has ended.
func (c *clock) close() {
	close(c.done)
	<-c.ended
}
