package media

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// The RTCP packet types that are written and read (RFC 3550 §12.1).
const (
	senderReport   = 200
	receiverReport = 201
	description    = 202
	goodbye        = 203
)

const (
	reportEvery = instant(5 * time.Second) // on average (RFC 3550 §6.2)
	blockLength = 24                       // of one report block, bytes
	nameLength  = 16                       // of our CNAME: 96 random bits (RFC 7022 §4.2)
)

// reports is what RTCP keeps of a leg.
type reports struct {
	name    [nameLength]byte
	next    instant // when to send the next
	packets uint32  // sent, when the last was sent

	// The party's last sender report: the middle of its NTP time, and when it came.
	echo     uint32
	echoFrom instant

	// Of the run of incoming packets, when the last was sent.
	run                int
	expected, received uint64

	partyLost              uint64
	partyJitter, roundTrip time.Duration
}

func newReports() (r reports) {
	var name [nameLength / 4 * 3]byte
	binary.BigEndian.PutUint64(name[:], rand.Uint64())
	binary.BigEndian.PutUint32(name[8:], rand.Uint32())
	base64.StdEncoding.Encode(r.name[:], name[:])
	r.plan(0)
	return r
}

// plan sets the time of the next report, at random, so that those of many legs do not fall together.
func (r *reports) plan(now instant) {
	r.next = now + reportEvery/2 + instant(rand.Int64N(int64(reportEvery)))
}

// ntp is a time of the engine as RTCP writes it: seconds since 1900 in 32.32 bits.
func (c *clock) ntp(at instant) uint64 {
	const from1900 = 2_208_988_800 // seconds to 1970
	t := c.start.Add(time.Duration(at))
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// report sends the party a report of what it was sent and of what came from it.
func (l *Leg) report(now instant, b []byte) {
	l.reports.plan(now)
	l.sendRTCP(l.appendDescription(l.appendReport(b[:0], now)))
	l.reports.packets = l.out.packets
}

// sendBye ends the stream.
func (l *Leg) sendBye() {
	if !l.agreed.Remote.IsValid() || l.out.packets == 0 {
		return
	}
	var b [256]byte
	out := l.appendDescription(l.appendReport(b[:0], l.engine.clock.now()))
	out = append(out, rtpVersion<<6|1, goodbye, 0, 1)
	l.sendRTCP(binary.BigEndian.AppendUint32(out, l.out.ssrc))
}

// sendRTCP sends from the RTP port where the two share one (RFC 5761).
func (l *Leg) sendRTCP(b []byte) {
	to, from := l.agreed.RTCP, l.rtcp
	if l.agreed.RTCP == l.agreed.Remote {
		to, from = l.in.destination(), l.rtp
	} else if l.in.control.IsValid() {
		to = l.in.control
	}
	if err := from.send(b, to); err != nil {
		l.counts.sendErrors++
	}
}

// appendReport appends an SR, or an RR where nothing was sent since the last (RFC 3550 §6.4).
func (l *Leg) appendReport(b []byte, now instant) []byte {
	kind, words, blocks := byte(receiverReport), 1, byte(0)
	sending := l.out.packets != l.reports.packets
	if sending {
		kind, words = senderReport, 6
	}
	if l.in.run.started {
		words, blocks = words+blockLength/4, 1
	}
	b = append(b, rtpVersion<<6|blocks, kind, 0, byte(words))
	b = binary.BigEndian.AppendUint32(b, l.out.ssrc)
	if sending {
		b = binary.BigEndian.AppendUint64(b, l.engine.clock.ntp(now))
		b = binary.BigEndian.AppendUint32(b, l.out.timestamp(now))
		b = binary.BigEndian.AppendUint32(b, l.out.packets)
		b = binary.BigEndian.AppendUint32(b, l.out.octets)
	}
	if blocks > 0 {
		b = l.appendBlock(b, now)
	}
	return b
}

// appendBlock appends what came from the party (RFC 3550 §6.4.1).
func (l *Leg) appendBlock(b []byte, now instant) []byte {
	r, run := &l.reports, &l.in.run
	if r.run != l.in.runs {
		r.run, r.expected, r.received = l.in.runs, 0, 0
	}
	expected, received := run.expected()-r.expected, run.received-r.received
	fraction := uint64(0)
	if expected > received {
		fraction = (expected - received) << 8 / expected
	}
	r.expected, r.received = run.expected(), run.received
	lost := min(run.expected()-min(run.received, run.expected()), 1<<23-1)
	b = binary.BigEndian.AppendUint32(b, run.ssrc)
	b = binary.BigEndian.AppendUint32(b, uint32(min(fraction, 255))<<24|uint32(lost))
	b = binary.BigEndian.AppendUint32(b, uint32(run.highest))
	b = binary.BigEndian.AppendUint32(b, run.jitter.estimate())
	since := uint32(0)
	if r.echo != 0 {
		since = uint32(uint64(now-r.echoFrom) << 16 / uint64(time.Second))
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, r.echo), since)
}

// appendDescription appends our CNAME (RFC 3550 §6.5.1).
func (l *Leg) appendDescription(b []byte) []byte {
	const cname, words = 1, 1 + (2+nameLength+2)/4 // what follows the name ends the list and fills the word
	b = append(b, rtpVersion<<6|1, description, 0, words)
	b = binary.BigEndian.AppendUint32(b, l.out.ssrc)
	b = append(b, cname, nameLength)
	return append(append(b, l.reports.name[:]...), 0, 0)
}

// takeReports reads a compound packet (RFC 3550 §6.1) from anybody. What is not ours to read is passed
// over; what breaks off is dropped from there.
func (l *Leg) takeReports(data []byte, from netip.AddrPort, now instant) {
	if l.closed || !l.agreed.Remote.IsValid() || !l.admitsControl(from) {
		l.counts.foreign++
		return
	}
	for len(data) >= 8 {
		length := 4 + 4*int(binary.BigEndian.Uint16(data[2:]))
		if data[0]>>6 != rtpVersion || length > len(data) || length < 8 {
			l.counts.malformed++
			return
		}
		l.in.control, l.in.heard = from, now
		l.takeReport(data[:length], now)
		data = data[length:]
	}
}

// admitsControl reports whether RTCP from an address can be the party's: like its RTP, it comes from
// one source only once it has come.
func (l *Leg) admitsControl(from netip.AddrPort) bool {
	switch {
	case l.in.control.IsValid():
		return from == l.in.control
	case l.in.source.IsValid():
		return from.Addr() == l.in.source.Addr()
	}
	return from.Addr() == l.agreed.RTCP.Addr()
}

// takeReport reads one packet: an SR's times, and of an SR or RR what it says of our stream.
func (l *Leg) takeReport(packet []byte, now instant) {
	blocks, kind, ssrc := int(packet[0]&0x1f), packet[1], binary.BigEndian.Uint32(packet[4:])
	rest := packet[8:]
	switch kind {
	case senderReport:
		if len(rest) < 20 {
			return
		}
		if l.in.run.started && ssrc == l.in.run.ssrc {
			l.reports.echo, l.reports.echoFrom = uint32(binary.BigEndian.Uint64(rest)>>16), now
		}
		rest = rest[20:]
	case receiverReport:
	default:
		return
	}
	for ; blocks > 0 && len(rest) >= blockLength; blocks-- {
		if binary.BigEndian.Uint32(rest) == l.out.ssrc {
			l.takeBlock(rest[:blockLength], now)
		}
		rest = rest[blockLength:]
	}
}

// takeBlock reads how our stream fares at the party.
func (l *Leg) takeBlock(block []byte, now instant) {
	r := &l.reports
	lost := int32(binary.BigEndian.Uint32(block[4:])<<8) >> 8 // 24 bits, signed: duplicates count against it
	r.partyLost = uint64(max(lost, 0))
	r.partyJitter = fromSamples(binary.BigEndian.Uint32(block[12:]), l.out.rate)
	sent, held := binary.BigEndian.Uint32(block[16:]), binary.BigEndian.Uint32(block[20:])
	if sent == 0 {
		return // it has had no report of ours
	}
	if trip := int32(uint32(l.engine.clock.ntp(now)>>16) - sent - held); trip >= 0 {
		r.roundTrip = time.Duration(trip) * time.Second >> 16
	}
}
