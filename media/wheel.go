package media

import (
	"math/bits"
	"time"
)

// tick is the grain of the clock. The packet times agreed on are multiples of it, and legs are spread
// over the ticks of a packet time, so that they are not all due at once.
const tick = 2 * time.Millisecond

// wheelTicks is how far ahead a turn can be planned, and a power of two: just over a second.
const wheelTicks = 512

// turn is a planned call of a leg, one of frame and care. It is linked into the wheel.
type turn struct {
	leg  *Leg
	care bool // the leg's care is due, not its frame
	due  int64
	next *turn
}

// wheel keeps turns by the tick at which they are due. Those of one tick stay in the order in which
// they were added, so that each leg keeps its place in every round.
type wheel struct {
	slots    [wheelTicks]struct{ first, last *turn }
	occupied [wheelTicks / 64]uint64 // a bit for each slot
	position int64                   // the first tick whose turns were not taken
}

// skip moves an empty wheel on to the tick now.
func (w *wheel) skip(now int64) {
	if _, ok := w.next(); !ok {
		w.position = max(w.position, now)
	}
}

// add plans t for a tick: for the first that is left if that is past, for the last if it is too far.
func (w *wheel) add(t *turn, due int64) {
	t.due = min(max(due, w.position), w.position+wheelTicks-1)
	t.next = nil
	i := t.due % wheelTicks
	slot := &w.slots[i]
	if slot.first == nil {
		slot.first = t
		w.occupied[i/64] |= 1 << (i % 64)
	} else {
		slot.last.next = t
	}
	slot.last = t
}

// next is the first tick that has turns; ok is false when none has.
func (w *wheel) next() (due int64, ok bool) {
	start := w.position % wheelTicks
	for n := int64(0); n <= wheelTicks/64; n++ {
		word := (start/64 + n) % (wheelTicks / 64)
		set := w.occupied[word]
		switch n {
		case 0: // from start on
			set &= ^uint64(0) << (start % 64)
		case wheelTicks / 64: // what is before start comes last
			set &= 1<<(start%64) - 1
		}
		if set != 0 {
			slot := word*64 + int64(bits.TrailingZeros64(set))
			return w.position + (slot-start+wheelTicks)%wheelTicks, true
		}
	}
	return 0, false
}

// take removes the turns of a tick, which is not before position, and moves on behind it.
func (w *wheel) take(due int64) *turn {
	i := due % wheelTicks
	first := w.slots[i].first
	w.slots[i].first, w.slots[i].last = nil, nil
	w.occupied[i/64] &^= 1 << (i % 64)
	w.position = due + 1
	return first
}
