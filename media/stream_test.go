package media

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtp"
)

var (
	far      = netip.MustParseAddrPort("192.0.2.1:4000")
	farNAT   = netip.MustParseAddrPort("198.51.100.1:62000")
	stranger = netip.MustParseAddrPort("203.0.113.9:1")
)

// packet is an RTP packet of the other side.
func packet(t testing.TB, seq uint16, payloadType uint8, payload []byte) []byte {
	t.Helper()
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadType, SequenceNumber: seq, SSRC: 1}, Payload: payload}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frames takes n frames from s.
func frames(t *testing.T, s *stream, n int) (packets []rtp.Packet, to netip.AddrPort) {
	t.Helper()
	for range n {
		data, dst, ok := s.frame()
		if !ok {
			t.Fatal("nothing sent")
		}
		var p rtp.Packet
		if err := p.Unmarshal(bytes.Clone(data)); err != nil {
			t.Fatal(err)
		}
		packets, to = append(packets, p), dst
	}
	return packets, to
}

func TestStreamIsContinuous(t *testing.T) {
	s := newStream(Tone)
	s.header.SequenceNumber, s.header.Timestamp = 65530, 1<<32-800 // both wrap during the test
	s.agree(Stream{far, PCMA, SendRecv})
	packets, to := frames(t, s, 60)
	if to != far {
		t.Errorf("sent to %s, want %s", to, far)
	}
	for i, p := range packets {
		if p.SequenceNumber != packets[0].SequenceNumber+uint16(i) || p.Timestamp != packets[0].Timestamp+uint32(i*frameSamples) {
			t.Fatalf("packet %d has sequence %d and timestamp %d", i, p.SequenceNumber, p.Timestamp)
		}
		if p.SSRC != packets[0].SSRC || p.Marker != (i == 0) || p.PayloadType != uint8(PCMA) || len(p.Payload) != frameSamples {
			t.Fatalf("packet %d is %s", i, p)
		}
		for j, code := range p.Payload {
			if want := PCMA.Encode(tone(i*frameSamples + j)); code != want {
				t.Fatalf("packet %d, sample %d is %#x, want %#x", i, j, code, want)
			}
		}
	}
}

// On hold nothing is sent; afterwards the sequence goes on and the time of the hold has passed.
func TestStreamHold(t *testing.T) {
	s := newStream(Tone)
	s.agree(Stream{far, PCMU, SendRecv})
	before, _ := frames(t, s, 1)
	s.agree(Stream{far, PCMU, RecvOnly})
	for range 10 {
		if _, _, ok := s.frame(); ok {
			t.Fatal("sent while on hold")
		}
	}
	s.agree(Stream{far, PCMU, SendRecv})
	after, _ := frames(t, s, 1)
	if after[0].SequenceNumber != before[0].SequenceNumber+1 || after[0].Timestamp != before[0].Timestamp+11*frameSamples || !after[0].Marker {
		t.Errorf("before the hold %s, after it %s", before[0], after[0])
	}
}

// What is heard after the tone comes back unchanged, to where it came from.
func TestStreamEcho(t *testing.T) {
	s := newStream(ToneAndEcho)
	s.agree(Stream{far, PCMA, SendRecv})
	frames(t, s, toneSamples/frameSamples)
	var sent, back []byte
	for i := range 10 {
		payload := bytes.Repeat([]byte{byte(i + 1)}, frameSamples)
		sent = append(sent, payload...)
		if !s.receive(packet(t, uint16(i), 8, payload), farNAT) {
			t.Fatalf("packet %d was not taken", i)
		}
	}
	packets, to := frames(t, s, 11)
	for _, p := range packets {
		back = append(back, p.Payload...)
	}
	want := append(sent, bytes.Repeat([]byte{PCMA.Silence()}, frameSamples)...)
	if !bytes.Equal(back, want) || to != farNAT {
		t.Errorf("to %s came back %x", to, back)
	}
}

func TestStreamIgnores(t *testing.T) {
	s := newStream(Mute)
	if s.receive(packet(t, 1, 8, nil), far) {
		t.Error("took a packet before anything was agreed")
	}
	s.agree(Stream{far, PCMA, SendRecv})
	for name, data := range map[string][]byte{
		"other codec": packet(t, 1, 0, nil),
		"garbage":     []byte("not RTP"),
		"version 0":   append([]byte{0, 8}, make([]byte, 20)...),
		"empty":       nil,
	} {
		if s.receive(data, stranger) {
			t.Errorf("took %s", name)
		}
	}
	if !s.receive(packet(t, 65535, 8, nil), far) || !s.receive(packet(t, 0, 8, nil), far) {
		t.Error("refused the stream across the wrap of its sequence")
	}
	if s.receive(packet(t, 0, 8, nil), far) || s.receive(packet(t, 65534, 8, nil), far) {
		t.Error("took a duplicate or an older packet")
	}
	if s.receive(packet(t, 1, 8, nil), stranger) {
		t.Error("took a stranger's packet")
	}
	s.agree(Stream{stranger, PCMA, SendRecv})
	if !s.receive(packet(t, 1, 8, nil), stranger) {
		t.Error("refused the other side after it moved")
	}
	s.agree(Stream{stranger, PCMA, SendOnly})
	if s.receive(packet(t, 2, 8, nil), stranger) {
		t.Error("took a packet of a stream that only we send")
	}
}

func TestHeardIsBounded(t *testing.T) {
	s := newStream(ToneAndEcho)
	s.agree(Stream{far, PCMU, SendRecv})
	s.position = toneSamples
	for i := range 100 {
		s.receive(packet(t, uint16(i), 0, bytes.Repeat([]byte{byte(i)}, 480)), far)
	}
	if len(s.heard) != heardMax || s.heard[heardMax-1] != 99 {
		t.Errorf("%d codes kept, the last %d", len(s.heard), s.heard[heardMax-1])
	}
	s.hear(make([]byte, 3*heardMax))
	if len(s.heard) != heardMax {
		t.Errorf("%d codes kept of one long packet", len(s.heard))
	}
	s.agree(Stream{far, PCMA, SendRecv})
	if len(s.heard) != 0 {
		t.Error("codes of the other law are sent back")
	}
}

func TestFrameAllocates(t *testing.T) {
	s := newStream(ToneAndEcho)
	s.agree(Stream{far, PCMU, SendRecv})
	in := packet(t, 1, 0, make([]byte, frameSamples))
	if n := testing.AllocsPerRun(200, func() { s.frame(); s.started = false; s.receive(in, far) }); n > 0 {
		t.Errorf("%v allocations for a frame each way", n)
	}
}

// Whatever arrives, what is kept is bounded and the next frame is a whole one.
func FuzzReceive(f *testing.F) {
	f.Add(packet(f, 1, 0, make([]byte, 160)))
	f.Add([]byte{0xb0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff})
	f.Add([]byte{0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStream(ToneAndEcho)
		s.position = toneSamples
		s.agree(Stream{far, PCMU, SendRecv})
		s.receive(data, far)
		s.receive(data, stranger)
		if out, _, ok := s.frame(); !ok || len(out) != packetSize || len(s.heard) > heardMax {
			t.Errorf("%d codes kept, %d bytes sent", len(s.heard), len(out))
		}
	})
}
