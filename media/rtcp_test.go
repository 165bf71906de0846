package media

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// reportsOf reads what a phone was sent by RTCP, with another implementation.
func reportsOf(t *testing.T, p *phone) (packets []rtcp.Packet) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.control {
		compound, err := rtcp.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := rtcp.CompoundPacket(compound).Validate(); err != nil {
			t.Errorf("%x: %v", b, err)
		}
		packets = append(packets, compound...)
	}
	p.control = nil
	return packets
}

func TestReports(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		talk := p.talker()
		for i := range 1000 { // 20 s, one in ten is lost, one in two 10 ms late
			if i%10 != 5 {
				talk.say(8, make([]byte, 160))
			} else {
				talk.sequence, talk.timestamp = talk.sequence+1, talk.timestamp+160
			}
			time.Sleep(20*time.Millisecond + time.Duration(10-20*(i%2))*time.Millisecond)
		}
		sent := p.after(0)
		reports := 0
		for _, packet := range reportsOf(t, p) {
			r, ok := packet.(*rtcp.SenderReport)
			if !ok {
				continue
			}
			reports++
			wall := time.Unix(int64(r.NTPTime>>32)-2_208_988_800, int64(r.NTPTime&0xffffffff*1e9>>32))
			var media uint32 // what the stream's timestamp was then
			for _, q := range sent {
				if !q.at.After(wall) {
					media = q.Timestamp + uint32(wall.Sub(q.at)*SampleRate/time.Second)
				}
			}
			if diff := int32(r.RTPTime - media); diff < -8 || diff > 8 || r.SSRC != sent[0].SSRC {
				t.Errorf("at %v the timestamp is said to be %d off", wall, diff)
			}
			if r.PacketCount == 0 || r.OctetCount != 160*r.PacketCount || len(r.Reports) != 1 {
				t.Fatalf("%v", r)
			}
			block := r.Reports[0]
			if block.SSRC != talk.ssrc || block.FractionLost < 20 || block.FractionLost > 32 || block.LastSequenceNumber>>16 > 1 {
				t.Errorf("%+v", block)
			}
			if block.Jitter < 70 || block.Jitter > 90 {
				t.Errorf("jitter %d, want 10 ms", block.Jitter)
			}
		}
		if reports < 2 || reports > 8 {
			t.Errorf("%d reports in 20 s", reports)
		}
		if q := p.leg.Quality(); q.Lost < 95 || q.Lost > 101 || q.Jitter < 8*time.Millisecond || q.Jitter > 11*time.Millisecond || q.Sent < 999 {
			t.Errorf("%+v", q)
		}
		p.leg.Close()
		p.after(0)
		packets := reportsOf(t, p)
		if bye, ok := packets[len(packets)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != sent[0].SSRC {
			t.Errorf("the last packet is %v", packets[len(packets)-1])
		}
	})
}

// Who only listens reports, too; and what the party reports is read: of our stream, and from the party.
func TestPartyReports(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		listening := stream(far, PCMA)
		listening.Direction = RecvOnly
		p.leg.Agree(listening)
		talk := p.talker()
		talk.say(8, make([]byte, 160))
		p.after(9 * time.Second)
		packets := reportsOf(t, p)
		if len(packets) == 0 {
			t.Fatal("no report")
		}
		report, ok := packets[0].(*rtcp.ReceiverReport)
		if !ok || len(report.Reports) != 1 {
			t.Fatalf("%v", packets[0])
		}
		p.leg.Agree(stream(far, PCMA))
		p.after(20 * time.Second)
		var last *rtcp.SenderReport
		for _, packet := range reportsOf(t, p) {
			if r, ok := packet.(*rtcp.SenderReport); ok {
				last = r
			}
		}
		block := rtcp.ReceptionReport{SSRC: report.SSRC, TotalLost: 7, Jitter: 160, LastSenderReport: uint32(last.NTPTime >> 16)}
		answer := func(block rtcp.ReceptionReport) []byte {
			b, err := rtcp.Marshal([]rtcp.Packet{
				&rtcp.SenderReport{SSRC: talk.ssrc, NTPTime: 5 << 32, Reports: []rtcp.ReceptionReport{{SSRC: 1}, block}},
				&rtcp.SourceDescription{}, &rtcp.Goodbye{Sources: []uint32{talk.ssrc}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		control := netip.AddrPortFrom(p.leg.Local().Addr(), p.leg.Local().Port()+1)
		send := func(from *phone, b []byte) { from.sendTo(from.rtcp, b, control) }
		stray := s.phone(stranger)
		send(stray, answer(rtcp.ReceptionReport{SSRC: report.SSRC, TotalLost: 1000}))
		send(p, answer(block))
		q := p.leg.Quality()
		since := time.Since(time.Unix(int64(last.NTPTime>>32)-2_208_988_800, 0))
		if q.PartyLost != 7 || q.PartyJitter != 20*time.Millisecond || q.RoundTrip < since-time.Second || q.RoundTrip > since {
			t.Errorf("%+v, want a round trip of about %v", q, since)
		}
		p.send(answer(rtcp.ReceptionReport{SSRC: report.SSRC, TotalLost: 1<<24 - 1})) // -1, on the RTP port of all places
		if q := p.leg.Quality(); q.PartyLost != 7 {
			t.Error("RTCP was taken from two places")
		}
		p.after(10 * time.Second)
		found := false
		for _, packet := range reportsOf(t, p) {
			if r, ok := packet.(*rtcp.SenderReport); ok {
				found = true
				if b := r.Reports[0]; b.LastSenderReport != 5<<16 || b.Delay == 0 || b.Delay > 10<<16 {
					t.Errorf("%+v", b)
				}
			}
		}
		if !found {
			t.Error("no report after the party's")
		}
	})
}

// Where both share a port, RTCP goes and comes by that of RTP (RFC 5761).
func TestSharedPort(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		shared := stream(far, PCMA)
		shared.RTCP = far
		p.leg.Agree(shared)
		p.leg.Hear(p.leg)
		report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: p.leg.out.ssrc, TotalLost: 3}}}})
		if err != nil {
			t.Fatal(err)
		}
		p.send(report)
		if n := p.leg.Quality().PartyLost; n != 3 {
			t.Errorf("%d lost", n)
		}
		p.talker().say(8, make([]byte, 160))
		for _, q := range p.after(9 * time.Second) {
			if q.PayloadType == senderReport&0x7f {
				return
			}
		}
		t.Error("no report by the RTP port")
	})
}

// Whatever comes by RTP, the leg goes on, with one whole packet in each frame.
func FuzzReceive(f *testing.F) {
	f.Add(packet(f, rtp.Header{PayloadType: 8, SequenceNumber: 1, SSRC: 1}, make([]byte, 160)), packet(f, rtp.Header{PayloadType: 8, SequenceNumber: 9000, SSRC: 1}, nil))
	f.Add(packet(f, rtp.Header{PayloadType: keysPayload, SSRC: 1}, []byte{1, 0x8a, 0, 1}), packet(f, rtp.Header{PayloadType: keysPayload, SSRC: 2}, []byte{1, 0x8a, 0}))
	f.Add([]byte{0xb0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}, []byte{0xa0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff})
	f.Add([]byte{}, []byte{0x80})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := newBench(t, 4)
		relayed, mixed, talks := b.legs[0], b.legs[1], b.legs[2]
		relayed.Hear(talks)
		mixed.Hear(talks, relayed)
		talks.AwaitSpeech()
		for _, data := range [][]byte{first, second, first} {
			b.receive(talks, data)
			for _, sent := range b.sent() {
				var p rtp.Packet
				if err := p.Unmarshal(sent); err != nil || p.SSRC != relayed.out.ssrc {
					t.Fatalf("%x was relayed as %x: %v", data, sent, err)
				}
			}
			b.frame(mixed)
			if sent := b.sent(); len(sent) != 1 || len(sent[0]) != headerLength+160 {
				t.Fatalf("%d packets in a frame", len(sent))
			}
		}
		if q := talks.Quality(); q.Received+q.Duplicate > 3 || q.Lost > maxDropout {
			t.Errorf("%+v", q)
		}
	})
}

// Whatever comes by RTCP, what is kept of it is in bounds, and the next report is a valid one.
func FuzzReports(f *testing.F) {
	for _, packets := range [][]rtcp.Packet{
		{&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 1, TotalLost: 1 << 23}}}, &rtcp.Goodbye{Sources: []uint32{1}}},
		{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{Jitter: 1 << 31, LastSenderReport: 1}}}, &rtcp.PictureLossIndication{}},
	} {
		b, err := rtcp.Marshal(packets)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(bytes.Repeat([]byte{0x80, senderReport, 0, 0}, 300))
	f.Add([]byte{0x9f, senderReport, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, 1)
		leg := b.legs[0]
		b.frame(leg)
		b.sent()
		if len(data) >= 8 { // about our stream, as often as not
			if i := 8 + int(data[7])%len(data); i+4 <= len(data) {
				binary.BigEndian.PutUint32(data[i:], leg.out.ssrc)
			}
		}
		b.receiveRTCP(leg, data)
		if q := leg.Quality(); q.PartyLost > 1<<23 || q.PartyJitter < 0 || q.RoundTrip < 0 {
			t.Errorf("%+v", q)
		}
		leg.report(b.engine.clock.now(), make([]byte, maxDatagram))
		for _, sent := range b.sent() {
			if _, err := rtcp.Unmarshal(sent); err != nil {
				t.Errorf("%x: %v", sent, err)
			}
		}
	})
}
