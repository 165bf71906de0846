//go:build linux

package main

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// stream is what came from one port of a contestant. Where packets carry the time at which they were
// sent to it, it is taken for the schedule; else the RTP timestamps are.
type stream struct {
	first, last uint16 // sequence numbers
	count       int
	offsets     []int64 // from schedule to arrival, ns, but for a constant
}

// listener sorts what arrives by port.
type listener struct {
	streams [1 << 16]*stream
	relayed bool // packets carry the time at which they were sent
	counts  bool // the time that counts has begun
}

func (l *listener) take(a arrival) {
	if !l.counts || len(a.data) < headerLength+packetBytes || a.data[1]&0x7f != payloadType {
		return
	}
	s := l.streams[a.port]
	sequence := binary.BigEndian.Uint16(a.data[2:])
	if s == nil {
		s = &stream{first: sequence}
		l.streams[a.port] = s
	}
	schedule := int64(binary.BigEndian.Uint32(a.data[4:])) * int64(time.Second) / sampleRate
	if l.relayed {
		schedule = int64(binary.BigEndian.Uint64(a.data[headerLength:]))
	}
	s.last = sequence
	s.count++
	s.offsets = append(s.offsets, a.at-schedule)
}

// heard is what the streams of a scene came to.
type heard struct {
	streams, packets, lost int
	off                    []float64 // off schedule, ms, in order
	delay                  []float64 // from the sender through the contestant, ms, in order; relayed only
}

func (l *listener) sum() (h heard) {
	for _, s := range l.streams {
		if s == nil {
			continue
		}
		h.streams++
		h.packets += s.count
		h.lost += max(int(s.last-s.first)+1-s.count, 0)
		sorted := slices.Sorted(slices.Values(s.offsets))
		middle := sorted[len(sorted)/2]
		for _, offset := range s.offsets {
			h.off = append(h.off, math.Abs(float64(offset-middle))/1e6)
			if l.relayed {
				h.delay = append(h.delay, float64(offset)/1e6)
			}
		}
	}
	slices.Sort(h.off)
	slices.Sort(h.delay)
	return h
}

func (h *heard) add(other heard) {
	h.streams, h.packets, h.lost = h.streams+other.streams, h.packets+other.packets, h.lost+other.lost
	h.off, h.delay = append(h.off, other.off...), append(h.delay, other.delay...)
	slices.Sort(h.off)
	slices.Sort(h.delay)
}

// quantile is of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(int(float64(len(sorted))*q), len(sorted)-1)]
}
