package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// incoming is the RTP stream that a leg receives: where it comes from, in which order, and how it fares.
type incoming struct {
	negotiated netip.AddrPort // where the party said that it is
	source     netip.AddrPort // where it sends from, once heard (symmetric RTP, RFC 4961)
	control    netip.AddrPort // the same of RTCP
	awaited    instant        // since when the source is awaited
	heard      instant        // when the last packet came, RTCP as well, or that none comes was told

	run  run
	runs int // how often the numbering began anew
	keys keyReader

	received, duplicate, expected uint64 // of the runs before this one
}

// run is a row of packets with one numbering. Sequence numbers are counted through their turns of 16 bits.
type run struct {
	started   bool
	ssrc      uint32
	first     int64
	highest   int64
	window    uint64 // bit i: highest-i came
	received  uint64 // without duplicates
	duplicate uint64 // or too late to be told from one
	jitter    jitter
}

// expected is how many packets the run had up to the highest.
func (r *run) expected() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.highest - r.first + 1)
}

// await forgets where the party sent from, if it has moved. A hold as RFC 2543 wrote it says nothing of
// where it is.
func (in *incoming) await(negotiated netip.AddrPort, now instant) {
	if negotiated == in.negotiated || negotiated.Addr().IsUnspecified() {
		return
	}
	in.negotiated, in.source, in.control, in.awaited = negotiated, netip.AddrPort{}, netip.AddrPort{}, now
	in.end()
}

// end ends the run: the next packet begins another.
func (in *incoming) end() {
	in.received += in.run.received
	in.duplicate += in.run.duplicate
	in.expected += in.run.expected()
	in.run = run{}
	in.keys.started = false
}

// lost is the number of packets that never came (RFC 3550 §A.3).
func (in *incoming) lost() uint64 {
	expected, received := in.expected+in.run.expected(), in.received+in.run.received
	return expected - min(received, expected)
}

// destination is where what we send goes.
func (in *incoming) destination() netip.AddrPort {
	if in.source.IsValid() {
		return in.source
	}
	return in.negotiated
}

// admits reports whether a packet from an address can be the party's. Before its first one it is known
// by the negotiated address, from whatever port; after it, nobody else's is taken. Only what comes from
// just where the party said it is always is: what it sent from elsewhere, before it moved, may have come
// in between.
func (in *incoming) admits(from netip.AddrPort, now instant, nat time.Duration) bool {
	switch {
	case from == in.source, from == in.negotiated:
		return true
	case in.source.IsValid():
		return false
	}
	return from.Addr() == in.negotiated.Addr() || now-in.awaited < instant(nat)
}

// maxDropout is the largest step of sequence numbers that is taken for loss, not for another numbering
// (RFC 3550 §A.1), and windowSize how far back a late packet is told from a duplicate.
const (
	maxDropout = 3000
	windowSize = 64
)

// take places a packet in the order of its run, or begins another. ok is false for a packet that came
// before, or too late to know.
func (in *incoming) take(h *rtp.Header) (sequence int64, ok bool) {
	if in.run.started {
		step := int16(h.SequenceNumber - uint16(in.run.highest))
		if h.SSRC == in.run.ssrc && step <= maxDropout && step >= -maxDropout {
			sequence = in.run.highest + int64(step)
			return sequence, in.run.take(sequence)
		}
		in.end()
	}
	in.runs++
	sequence = int64(h.SequenceNumber)
	in.run = run{started: true, ssrc: h.SSRC, first: sequence, highest: sequence, window: 1, received: 1}
	return sequence, true
}

// take notes a packet; false for one that was noted before.
func (r *run) take(sequence int64) bool {
	switch behind := r.highest - sequence; {
	case behind < 0:
		r.window = r.window<<min(-behind, windowSize) | 1
		r.highest = sequence
	case behind >= windowSize || r.window>>behind&1 != 0:
		r.duplicate++
		return false
	default:
		r.window |= 1 << behind
		r.first = min(r.first, sequence)
	}
	r.received++
	return true
}
