package media

import (
	"net/netip"

	"github.com/pion/rtp"
)

// arrival is a packet that a leg took, as those who hear the leg see it.
type arrival struct {
	leg      *Leg
	stream   Stream
	packet   *rtp.Packet
	data     []byte // all of it
	at       instant
	run      int   // of the leg
	sequence int64 // in the run
	keys     bool  // it is a telephone event, of a key whose first packet came at
	began    instant
}

// isRTCP tells RTCP from RTP on one port (RFC 5761 §4).
func isRTCP(data []byte) bool { return len(data) > 1 && data[1] >= 192 && data[1] <= 223 }

// isRTP reports whether data can be an RTP packet.
func isRTP(data []byte) bool {
	return len(data) >= headerLength && len(data) <= maxDatagram && data[0]>>6 == rtpVersion
}

// receive takes n bytes that came into s.in, at the RTCP port if control is true. They are anybody's.
func (l *Leg) receive(s *scratch, n int, from netip.AddrPort, control bool) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	data := s.in[:n]
	a := arrival{leg: l, packet: &s.packet, data: data, at: l.engine.clock.now()}
	l.mu.Lock()
	if control || isRTCP(data) {
		l.takeReports(data, from, a.at)
		l.mu.Unlock()
		return
	}
	event, told, taken := l.take(&a, from)
	l.mu.Unlock()
	if told {
		l.handle(event)
	}
	if taken {
		for _, other := range *l.hears.Load() {
			other.hear(&a, s)
		}
	}
}

// take judges a packet, and completes a with what others need to know of it.
func (l *Leg) take(a *arrival, from netip.AddrPort) (event Event, told, taken bool) {
	if l.closed || !l.agreed.Direction.Receives() {
		return Event{}, false, false
	}
	if !l.in.admits(from, a.at, l.engine.options.NAT) {
		l.counts.foreign++
		return Event{}, false, false
	}
	p := a.packet
	l.in.heard = a.at // whatever it is: comfort noise (RFC 3389) that was not agreed on says that the party is there
	if !isRTP(a.data) || p.Unmarshal(a.data) != nil || !l.expects(p.PayloadType) {
		l.counts.malformed++
		return Event{}, false, false
	}
	l.in.source = from
	var ok bool
	if a.sequence, ok = l.in.take(&p.Header); !ok {
		l.counts.duplicate++
		return Event{}, false, false
	}
	l.counts.received++
	a.stream, a.run = l.agreed, l.in.runs
	if p.PayloadType != l.agreed.ReceiveType {
		key, pressed := l.in.keys.read(p.Payload, p.Timestamp, a.at)
		a.keys, a.began = true, l.in.keys.began
		return Event{Kind: EventKey, Key: key}, pressed, true
	}
	l.in.run.jitter.take(p.Timestamp, a.at, l.out.rate)
	if l.speech != nil && l.agreed.Codec != Other && l.speech.begins(p.Payload, l.agreed.Codec) {
		l.speech = nil
		return Event{Kind: EventSpoke}, true, true
	}
	return Event{}, false, true
}

// expects reports whether a payload type was agreed on.
func (l *Leg) expects(payloadType uint8) bool {
	return payloadType == l.agreed.ReceiveType || l.agreed.ReceiveKeysType != 0 && payloadType == l.agreed.ReceiveKeysType
}
