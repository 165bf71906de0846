//go:build linux

package main

import (
	"math"
	"time"
)

// Every timer of one kind runs for the same time, so a queue keeps them in order.
const (
	timerInvite = iota // the caller waits for a final response
	timerBye           // the caller waits for the response to its BYE
	timerAnswer        // the callee waits for the ACK
	timerRing
	timerHold
	timerKinds
)

// firstWait is T1 of RFC 3261 §17: a request waits so long before it is sent again, and twice as long
// after that.
const firstWait = 500 * time.Millisecond

// giveUp is how many half seconds a request waits before its call has failed.
const giveUp = 8

// again are the half seconds at which it is sent again.
func again(halves int8) bool { return halves == 1 || halves == 3 || halves == 7 }

type timer struct {
	call  int
	since time.Duration
}

// queue holds the timers of one kind, the earliest first.
type queue struct {
	timers []timer
	head   int
}

func (q *queue) reset() { q.timers, q.head = q.timers[:0], 0 }

func (q *queue) push(call int, now time.Duration) {
	if q.head > 4096 && q.head > len(q.timers)/2 {
		q.timers = q.timers[:copy(q.timers, q.timers[q.head:])]
		q.head = 0
	}
	q.timers = append(q.timers, timer{call, now})
}

// fire handles the timers that are due and returns when the next is.
func (g *generator) fire() time.Duration {
	lengths := [timerKinds]time.Duration{firstWait, firstWait, firstWait, g.load.ring, g.load.hold}
	next := time.Duration(math.MaxInt64)
	for kind := range g.timers {
		q := &g.timers[kind]
		for n := 0; q.head < len(q.timers); n++ {
			t := q.timers[q.head]
			if due := t.since + lengths[kind]; due > g.now() || n == burst {
				next = min(next, due)
				break
			}
			q.head++
			g.expired(kind, t.call)
		}
	}
	return next
}

func (g *generator) expired(kind, i int) {
	c := &g.calls[i]
	if c.phase == ended {
		return
	}
	switch kind {
	case timerInvite:
		if c.phase < answered {
			g.callerWaits(kind, i, c)
		}
	case timerBye:
		g.callerWaits(kind, i, c)
	case timerAnswer:
		g.calleeWaits(i, c)
	case timerRing:
		c.sentAt = g.now()
		g.callee.send(c.answer)
		g.timers[timerAnswer].push(i, c.sentAt)
	case timerHold:
		c.phase, c.attempts = leaving, 0
		g.bye(i, c)
		g.timers[timerBye].push(i, g.now())
	}
}

// callerWaits sends the INVITE or BYE of a call again, or gives the call up.
func (g *generator) callerWaits(kind, i int, c *placed) {
	if c.attempts++; c.attempts >= giveUp {
		what := map[phase]string{inviting: "no response to INVITE", proceeding: "no answer", leaving: "no response to BYE"}
		g.end(c, what[c.phase])
		return
	}
	if again(c.attempts) && c.phase != proceeding {
		g.result.retransmissions++
		if c.phase == leaving {
			g.bye(i, c)
		} else {
			g.caller.send(g.phones.invite(g.base + uint32(i)))
		}
	}
	g.timers[kind].push(i, g.now())
}

// calleeWaits sends the 200 again until its ACK is there.
func (g *generator) calleeWaits(i int, c *placed) {
	if c.acked {
		return
	}
	if c.repeats++; c.repeats >= giveUp {
		g.end(c, "no ACK")
		return
	}
	if again(c.repeats) && c.phase < answered {
		g.result.retransmissions++
		g.callee.send(c.answer)
	} else if again(c.repeats) {
		// The caller has its 200: what is missing is the ACK, which is sent again for it.
		g.result.retransmissions++
		g.stored.read(c.answer)
		g.caller.send(g.phones.inDialog("ACK", "a", g.base+uint32(i), &g.stored))
	}
	g.timers[timerAnswer].push(i, g.now())
}
