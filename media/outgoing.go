package media

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	headerLength = 12 // of an RTP packet without extensions (RFC 3550 §5.1), bytes
	rtpVersion   = 2
)

// outgoing is the one RTP stream that a leg is sent, whatever its packets come from.
type outgoing struct {
	ssrc     uint32
	sequence uint16 // of the next packet
	rate     uint32 // of the timestamps, in hertz
	base     uint32 // timestamp of the engine's beginning
	latest   uint32 // highest timestamp sent
	length   uint32 // how much of the time after latest is taken
	began    bool   // something was sent
	talking  bool   // the last packet was a frame, and the next one is due right after it
	frames   uint32 // sent

	packets, octets uint32 // for RTCP; octets are of payloads
}

func newOutgoing() outgoing {
	return outgoing{ssrc: rand.Uint32(), sequence: uint16(rand.Uint32()), rate: SampleRate, base: rand.Uint32()}
}

// timestamp is what the stream's clock shows at a time. It goes on while nothing is sent.
func (o *outgoing) timestamp(at instant) uint32 {
	return o.base + uint32(uint64(at)/uint64(time.Second)*uint64(o.rate)+uint64(at)%uint64(time.Second)*uint64(o.rate)/uint64(time.Second))
}

// retime changes the rate of the clock, which shows the same time as before.
func (o *outgoing) retime(now instant, rate uint32) {
	if o.rate == rate {
		return
	}
	before := o.timestamp(now)
	o.rate = rate
	o.base += before - o.timestamp(now)
}

// stamp is the timestamp for a packet at a time, moved behind what was sent: another clock, which the
// relay followed, may have been faster than ours.
func (o *outgoing) stamp(at instant) uint32 {
	stamp, earliest := o.timestamp(at), o.latest+o.length
	if o.began && int32(stamp-earliest) < 0 {
		o.base += earliest - stamp
		stamp = earliest
	}
	return stamp
}

// frame returns a packet of the engine's own in b; its payload is to be filled.
func (o *outgoing) frame(b []byte, at instant, payloadType uint8, samples int) []byte {
	b = b[:headerLength+samples]
	b[0] = rtpVersion << 6
	b[1] = payloadType
	if !o.talking {
		b[1] |= 0x80 // RFC 3551 §4.1: the first packet after a gap
	}
	stamp := o.stamp(at)
	o.write(b, o.sequence, stamp)
	o.sequence++
	o.frames++
	o.latest, o.length, o.began, o.talking = stamp, uint32(samples), true, true
	return b
}

// write sets what each packet of the stream has of its own.
func (o *outgoing) write(b []byte, sequence uint16, stamp uint32) {
	binary.BigEndian.PutUint16(b[2:], sequence)
	binary.BigEndian.PutUint32(b[4:], stamp)
	binary.BigEndian.PutUint32(b[8:], o.ssrc)
}

// relayed notes that a packet of another stream was numbered into this one.
func (o *outgoing) relayed(sequence uint16, stamp, length uint32) {
	if ahead := int16(sequence - o.sequence); !o.began || ahead >= 0 {
		o.sequence = sequence + 1
	}
	if !o.began || int32(stamp-o.latest) >= 0 {
		o.latest, o.length = stamp, length
	}
	o.began, o.talking = true, false
}

// sent counts a packet for RTCP.
func (o *outgoing) sent(octets int) {
	o.packets++
	o.octets += uint32(octets)
}

// clockRate is the rate of a stream's timestamps.
func clockRate(s Stream) uint32 {
	if s.Codec == Other {
		parts := strings.SplitN(s.Encoding, "/", 3)
		if len(parts) > 1 {
			if rate, err := strconv.ParseUint(parts[1], 10, 32); err == nil && rate > 0 {
				return uint32(rate)
			}
		}
	}
	return SampleRate
}
