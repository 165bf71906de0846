package blocklist

import (
	"math/bits"
	"sync/atomic"
)

// table is a hash table of packed listings, with open addressing: 16 bytes a slot, and no pointer
// in it. One goroutine writes; any number may read meanwhile. The number of a slot is set once and
// never changes, and a listing is exchanged in one store, so that a reader never sees a mixture.
type table struct {
	slots []slot
	used  int // slots with a number, live or not; the writer's
	live  int // the writer's
}

type slot struct{ number, value atomic.Uint64 }

// A table is filled to three quarters at most: a miss then reads about 8 slots in a row, two cache
// lines. It grows, and drops dead slots, to half full.
const (
	fillNum, fillDen = 3, 4
	minSlots         = 16
)

func newTable(entries int) *table {
	return &table{slots: make([]slot, max(minSlots, 2*entries))}
}

// mix spreads the bits of a number over a word (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// start is the slot where the search for a number begins.
func (t *table) start(number uint64) int {
	high, _ := bits.Mul64(mix(number), uint64(len(t.slots)))
	return int(high)
}

func (t *table) next(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// find returns the slot of the listing with this number and identity, or the free slot where it
// belongs.
func (t *table) find(number, value uint64) *slot {
	for i := t.start(number); ; i = t.next(i) {
		s := &t.slots[i]
		switch s.number.Load() {
		case 0:
			return s
		case number:
			if (s.value.Load()^value)&identity == 0 {
				return s
			}
		}
	}
}

// growing is a table that is exchanged for a larger one when it is full.
type growing struct{ current atomic.Pointer[table] }

// put sets a listing and returns the one it replaced, 0 for none.
func (g *growing) put(number, value uint64) (old uint64) {
	t := g.current.Load()
	s := t.find(number, value)
	if s.number.Load() == 0 {
		if (t.used+1)*fillDen > len(t.slots)*fillNum {
			t = t.grown()
			g.current.Store(t)
			s = t.find(number, value)
		}
		t.used++
	} else {
		old = s.value.Load()
	}
	if old&live == 0 {
		old = 0
		t.live++
	}
	s.value.Store(value) // before the number: a reader that sees the number sees the listing
	s.number.Store(number)
	return old
}

// remove takes out the listing of this number with the identity of value, and returns it, 0 for none.
func (g *growing) remove(number, value uint64) (old uint64) {
	t := g.current.Load()
	s := t.find(number, value)
	if s.number.Load() == 0 {
		return 0
	}
	old = s.value.Load()
	if old&live == 0 {
		return 0
	}
	t.live--
	s.value.Store(old &^ live)
	return old
}

// grown returns a table with the live listings of t and room for as many again.
func (t *table) grown() *table {
	g := newTable(t.live + minSlots/2)
	t.each(func(number, value uint64) {
		s := g.find(number, value)
		s.value.Store(value)
		s.number.Store(number)
	})
	g.used, g.live = t.live, t.live
	return g
}

// each visits the live listings in no order.
func (t *table) each(visit func(number, value uint64)) {
	for i := range t.slots {
		if v := t.slots[i].value.Load(); v&live != 0 {
			visit(t.slots[i].number.Load(), v)
		}
	}
}
