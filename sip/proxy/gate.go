package proxy

import (
	"net/netip"

	"github.com/dchest/siphash"
)

// gate bounds what one source may send, before anything of it is read. It is a fixed number of token
// buckets: memory does not grow with the number of sources, real or made up. Two sources may meet
// in one bucket; the hash has a secret key, so that nobody can arrange it.
type gate struct {
	buckets [gateBuckets]bucket
}

const gateBuckets = 1024

type bucket struct {
	tokens float64
	filled int64 // milliseconds
}

// admit takes a token of the source's bucket. rate is tokens a second, and the most that a bucket
// holds; 0 admits everything.
func (g *gate) admit(source netip.Addr, key *[2]uint64, rate int, now int64) bool {
	if rate <= 0 {
		return true
	}
	addr := source.As16()
	b := &g.buckets[siphash.Hash(key[0], key[1], addr[:])%gateBuckets]
	if b.filled == 0 {
		b.tokens = float64(rate)
	} else {
		b.tokens = min(float64(rate), b.tokens+float64(now-b.filled)*float64(rate)/1000)
	}
	b.filled = max(now, 1)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// backlog notices that messages come faster than they are handled: batches that are full, one after
// the other, mean that more is waiting in the socket. While it lasts, new calls are refused before
// anything is spent on them, so that what is left of the machine finishes the calls it has (RFC
// 6357 §4: shedding early keeps the goodput).
type backlog struct {
	batches int   // full ones in a row
	since   int64 // milliseconds, when the first of them came
}

// A process that was held up for a moment finds full batches too, but not for long: it takes both.
const (
	fullBatch      = 64  // messages the transport hands over at the most
	backlogBatches = 128 // full batches: more than the socket's buffer holds after a pause
	backlogTime    = 250 // milliseconds: half of T1, before peers send again what waits here
)

// note is told the size of each batch.
func (b *backlog) note(messages int, now int64) {
	if messages < fullBatch {
		b.batches = 0
		return
	}
	if b.batches++; b.batches == 1 {
		b.since = now
	}
}

// overloaded reports whether the backlog has lasted too long.
func (b *backlog) overloaded(now int64) bool {
	return b.batches >= backlogBatches && now-b.since >= backlogTime
}
