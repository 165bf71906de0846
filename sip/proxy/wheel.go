package proxy

import "math/bits"

// The timers of all transactions stand on one wheel (a hashed timing wheel with a bitmap), so that
// arming and stopping one costs a few pointer writes and no timer, goroutine or allocation.
const (
	tickMillis = 10 // T1 is 500 ms (RFC 3261 §17.1.1.1): 2 % is fine enough
	wheelSlots = 4096
)

// timer is a place on the wheel; it is part of what it times.
type timer struct {
	next, prev *timer
	tick       int64 // when it is due; meaningful while linked
	kind       timerKind
	handle     handle // of the transaction, or index of the target
}

type timerKind uint8

const (
	timerServer timerKind = iota
	timerClient
	timerTarget
)

func (t *timer) linked() bool { return t.next != nil }

type wheel struct {
	slots [wheelSlots]timer // list heads
	used  [wheelSlots / 64]uint64
	tick  int64 // all timers due up to and including this tick have fired
	count int
	due   timer // head of the list of timers being fired

	earliest int64 // tick of the earliest timer armed since it was last set
}

// arm sets t to fire at the given time in milliseconds, never before the next tick.
func (w *wheel) arm(t *timer, atMillis int64) {
	w.stop(t)
	t.tick = max((atMillis+tickMillis-1)/tickMillis, w.tick+1)
	w.earliest = min(w.earliest, t.tick)
	slot := t.tick % wheelSlots
	head := &w.slots[slot]
	if head.next == nil {
		head.next, head.prev = head, head
	}
	t.prev, t.next = head.prev, head
	head.prev.next, head.prev = t, t
	w.used[slot/64] |= 1 << (slot % 64)
	w.count++
}

// stop takes t off the wheel; a timer that is not on it is left alone.
func (w *wheel) stop(t *timer) {
	if !t.linked() {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	if t.next == t.prev && t.next == &w.slots[t.tick%wheelSlots] {
		slot := t.tick % wheelSlots
		w.used[slot/64] &^= 1 << (slot % 64)
	}
	t.next, t.prev = nil, nil
	w.count--
}

// advance fires every timer that is due at the given time, each taken off the wheel first. fire may
// arm and stop any timer.
func (w *wheel) advance(nowMillis int64, fire func(*timer)) {
	now := nowMillis / tickMillis
	if w.count == 0 {
		w.tick = max(w.tick, now)
		return
	}
	for w.tick < now {
		w.tick = min(w.nextUsed(w.tick+1), now)
		w.takeDue()
		for w.due.next != &w.due {
			t := w.due.next
			w.stop(t)
			fire(t)
		}
	}
}

// takeDue moves the timers of the current slot that are due in this turn of the wheel to the due
// list, from which fire may still stop them.
func (w *wheel) takeDue() {
	w.due.next, w.due.prev = &w.due, &w.due
	head := &w.slots[w.tick%wheelSlots]
	if head.next == nil {
		return
	}
	for t := head.next; t != head; {
		next := t.next
		if t.tick <= w.tick {
			w.stop(t)
			w.count++ // it is still linked, only elsewhere
			t.prev, t.next = w.due.prev, &w.due
			w.due.prev.next, w.due.prev = t, t
		}
		t = next
	}
}

// next is the time in milliseconds of the first slot that holds a timer, which is not later than
// the first timer due; ok is false when there is none.
func (w *wheel) next() (atMillis int64, ok bool) {
	if w.count == 0 {
		return 0, false
	}
	return w.nextUsed(w.tick+1) * tickMillis, true
}

// nextUsed is the first tick from the given one whose slot holds a timer, or one whole turn later.
func (w *wheel) nextUsed(tick int64) int64 {
	slot := tick % wheelSlots
	word := slot / 64
	masked := w.used[word] & (^uint64(0) << (slot % 64))
	for i := int64(0); i <= int64(len(w.used)); i++ {
		if masked != 0 {
			at := word*64 + int64(bits.TrailingZeros64(masked))
			return tick + (at-slot+wheelSlots)%wheelSlots
		}
		word = (word + 1) % int64(len(w.used))
		masked = w.used[word]
	}
	return tick + wheelSlots - 1
}
