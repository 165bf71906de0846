package media

import (
	"net/netip"
	"strings"
	"time"
)

// Bounds on the time of sound in one packet. What a peer asks for outside them is moved inside.
const (
	MinPacketTime     = 10 * time.Millisecond
	MaxPacketTime     = 60 * time.Millisecond
	DefaultPacketTime = 20 * time.Millisecond // RFC 3551 §4.2
)

// Stream is the audio that an offer and its answer came to, as seen from here. It is comparable.
type Stream struct {
	Remote     netip.AddrPort // where the other side listens; the address is unspecified in a hold as RFC 2543 wrote it
	RTCP       netip.AddrPort // where it listens for RTCP (RFC 3605); zero: at the port above Remote's
	Codec      Codec
	Encoding   string        // as a=rtpmap names it, "PCMA/8000" or "opus/48000/2"
	Direction  Direction     // ours
	PacketTime time.Duration // of what we send, within the bounds above; 0: DefaultPacketTime

	// The RTP payload types of what we send, and of what we are sent. They differ only when an answer
	// numbers a format otherwise than its offer did (RFC 3264 §5.1).
	PayloadType, ReceiveType uint8
	// The same of telephone events (RFC 4733), 0 when there are none: that number is always PCMU's.
	KeysType, ReceiveKeysType uint8
	KeysClock                 int // of the events' timestamps, in hertz
}

// Joins reports whether what comes by s can be sent by other: both are G.711, of whichever law, or
// both have one encoding, which is then passed on as it is.
func (s Stream) Joins(other Stream) bool {
	if s.Codec == Other || other.Codec == Other {
		return s.Codec == other.Codec && strings.EqualFold(s.Encoding, other.Encoding)
	}
	return true
}

// remote is where a section's writer listens for RTP, and for RTCP if it says so.
func (s *section) remote() (rtp, rtcp netip.AddrPort) {
	rtp = netip.AddrPortFrom(s.addr, s.port)
	if s.rtcpPort != 0 {
		rtcp = netip.AddrPortFrom(s.rtcpAddr, s.rtcpPort)
		if !s.rtcpAddr.IsValid() {
			rtcp = netip.AddrPortFrom(s.addr, s.rtcpPort)
		}
	}
	return rtp, rtcp
}

// wants is the direction of a section, in which the unspecified address is a hold (RFC 3264 §8.4).
func (s *section) wants() Direction {
	if s.addr.IsUnspecified() {
		return s.direction &^ RecvOnly
	}
	return s.direction
}

// asks is the packet time that a section's writer asks for.
func (s *section) asks() time.Duration {
	packetTime := s.packetTime
	if packetTime == 0 {
		packetTime = DefaultPacketTime
	}
	if s.maxPacket > 0 {
		packetTime = min(packetTime, s.maxPacket)
	}
	return packetTime
}

// choose is the format that a section's writer prefers among those that the other side offered, and
// what it is there; nil when there is none.
func (s *section) choose(offered []format) (theirs, ours *format) {
	for i := range s.formats {
		if ours := match(&s.formats[i], offered); ours != nil && ours.isCodec() {
			return &s.formats[i], ours
		}
	}
	return nil, nil
}

// stream is a section with the format that its writer wants to receive and the one that we do, without
// keys. The direction is all that the writer leaves us.
func (s *section) stream(theirs, ours *format) Stream {
	rtp, rtcp := s.remote()
	return Stream{
		Remote: rtp, RTCP: rtcp, PacketTime: s.asks(), Direction: s.wants().Reverse(),
		Codec: ours.codec(), Encoding: ours.encoding, PayloadType: theirs.payloadType, ReceiveType: ours.payloadType,
	}
}

// setKeys sets the telephone events: those that the other side wants to receive, and those that we do.
func (s *Stream) setKeys(theirs, ours *format) {
	s.KeysType, s.ReceiveKeysType = theirs.payloadType, ours.payloadType
	_, s.KeysClock = ours.name()
}
