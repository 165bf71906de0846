package blocklist

import (
	"math/bits"
	"sync/atomic"
	"time"

	"ringfence/call"
)

// index is a whole list in memory.
type index struct {
	exact, ranges growing
	lengths       [2]atomic.Uint32           // bit k: there are ranges of k digits; of global, and of local numbers
	counts        [2][call.MaxDigits + 1]int // how many such ranges; the writer's
	lists         [call.ListWatch + 1]int    // entries on each list; the writer's
	sum           uint64                     // of all entries, whatever their order; the writer's
}

func newIndex(entries int) *index {
	x := &index{}
	x.exact.current.Store(newTable(entries))
	x.ranges.current.Store(newTable(0))
	return x
}

// kind is the place of a number in lengths and counts.
func kind(n call.Number) int {
	if n.IsLocal() {
		return 1
	}
	return 0
}

func (x *index) lookup(n call.Number, at time.Time) (found call.Listings) {
	if n.IsZero() {
		return found
	}
	now := at.Unix()
	var best winners
	x.exact.current.Load().collect(call.Pattern{Number: n}, now, &best)
	if lengths := x.lengths[kind(n)].Load(); lengths != 0 {
		ranges := x.ranges.current.Load()
		lengths &= 1<<(n.Len()+1) - 1
		for lengths != 0 {
			k := bits.Len32(lengths) - 1
			lengths &^= 1 << k
			n = n.Prefix(k)
			ranges.collect(call.Pattern{Number: n, Range: true}, now, &best)
		}
	}
	for list, to := range [...]*call.Listing{&found.Allow, &found.Block, &found.Watch} {
		if b := &best[list]; b.value != 0 {
			*to = unpackListing(b.pattern, b.value)
		}
	}
	return found
}

// put adds a listing or exchanges the one with its identity.
func (x *index) put(p call.Pattern, value uint64) {
	tab := &x.exact
	if p.Range {
		tab = &x.ranges
	}
	x.count(p, tab.put(uint64(p.Number), value), -1)
	x.count(p, value, +1)
}

func (x *index) remove(k Key) {
	tab := &x.exact
	if k.Pattern.Range {
		tab = &x.ranges
	}
	x.count(k.Pattern, tab.remove(uint64(k.Pattern.Number), packKey(k)), -1)
}

// count adds a listing to, or takes it from, all that is counted; 0 is no listing.
func (x *index) count(p call.Pattern, value uint64, by int) {
	if value == 0 {
		return
	}
	x.lists[listOf(value)] += by
	x.sum += uint64(by) * digest(p, value)
	if !p.Range {
		return
	}
	k, l := kind(p.Number), p.Number.Len()
	x.counts[k][l] += by
	if x.counts[k][l] == 0 {
		x.lengths[k].And(^(uint32(1) << l))
	} else {
		x.lengths[k].Or(1 << l)
	}
}

// digest is the part of an entry in the sum over a list. It must be the same on every node.
func digest(p call.Pattern, value uint64) uint64 {
	number := uint64(p.Number)
	if p.Range {
		number = ^number
	}
	return mix(mix(number) + value*0x9e3779b97f4a7c15)
}

// size is the number of entries.
func (x *index) size() int { return x.exact.current.Load().live + x.ranges.current.Load().live }

// bytes is the memory that the tables take.
func (x *index) bytes() int {
	return 16 * (len(x.exact.current.Load().slots) + len(x.ranges.current.Load().slots))
}

// winners holds the best listing found so far on each list; a zero value is none.
type winners [call.ListWatch + 1]struct {
	pattern call.Pattern
	value   uint64
}

// collect lets the listings of p that count compete. It must be called with longer patterns first,
// and of two as long, with the exact number first.
func (t *table) collect(p call.Pattern, now int64, best *winners) {
	for i := t.start(uint64(p.Number)); ; i = t.next(i) {
		s := &t.slots[i]
		switch s.number.Load() {
		case 0:
			return
		case uint64(p.Number):
			v := s.value.Load()
			if !countsAt(v, now) {
				continue
			}
			b := &best[listOf(v)]
			if b.value == 0 || b.pattern.Number == p.Number && sourceOf(v) < sourceOf(b.value) {
				b.pattern, b.value = p, v
			}
		}
	}
}
