package media

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"ringfence/sip/transport/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ours     = netip.MustParseAddr("192.0.2.1")
	far      = netip.MustParseAddrPort("192.0.2.10:4000")
	farther  = netip.MustParseAddrPort("192.0.2.20:4000")
	stranger = netip.MustParseAddrPort("203.0.113.9:6666")
)

const keysPayload = 101

// site is an engine on a wire in memory.
type site struct {
	t      *testing.T
	wire   *memory.Wire
	engine *Engine
}

// onWire runs a test in virtual time.
func onWire(t *testing.T, options Options, test func(*site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wire := memory.New()
		options.Local4, options.Listen = ours, wire.ListenPacket
		if options.First == 0 {
			options.First, options.Last = 20000, 20099
		}
		engine, err := NewEngine(options)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(&site{t, wire, engine})
	})
}

// phone is the party of a leg: it keeps what the leg sends.
type phone struct {
	t         *testing.T
	rtp, rtcp net.PacketConn
	leg       *Leg

	mu      sync.Mutex
	packets []sound
	control [][]byte
	events  []Event
}

// sound is a packet that arrived.
type sound struct {
	rtp.Packet
	at   time.Time
	from netip.AddrPort
}

// call opens a leg for a phone at an address, and agrees on a stream of both directions.
func (s *site) call(addr netip.AddrPort, codec Codec) *phone {
	s.t.Helper()
	p := s.phone(addr)
	var err error
	if p.leg, err = s.engine.Open(addr.Addr(), p.handle); err != nil {
		s.t.Fatal(err)
	}
	p.leg.Agree(stream(addr, codec))
	return p
}

// stream is of both directions.
func stream(remote netip.AddrPort, codec Codec) Stream {
	return Stream{
		Remote: remote, Codec: codec, Encoding: codec.String() + "/8000", Direction: SendRecv,
		PayloadType: uint8(codec), ReceiveType: uint8(codec), KeysType: keysPayload, ReceiveKeysType: keysPayload, KeysClock: SampleRate,
	}
}

func (s *site) phone(addr netip.AddrPort) *phone {
	s.t.Helper()
	p := &phone{t: s.t}
	p.rtp, p.rtcp = s.listen(addr), s.listen(netip.AddrPortFrom(addr.Addr(), addr.Port()+1))
	go p.read(p.rtp, func(b []byte, from netip.AddrPort) {
		packet := sound{at: time.Now(), from: from}
		if err := packet.Unmarshal(bytes.Clone(b)); err != nil {
			p.t.Error(err)
		}
		p.packets = append(p.packets, packet)
	})
	go p.read(p.rtcp, func(b []byte, _ netip.AddrPort) { p.control = append(p.control, bytes.Clone(b)) })
	return p
}

// listen opens a socket on the wire for as long as the test runs.
func (s *site) listen(addr netip.AddrPort) net.PacketConn {
	s.t.Helper()
	conn, err := s.wire.ListenPacket(addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

func (p *phone) read(conn net.PacketConn, keep func([]byte, netip.AddrPort)) {
	for b := make([]byte, 2*maxDatagram); ; {
		n, from, err := readFrom(conn, b)
		if err != nil {
			return
		}
		p.mu.Lock()
		keep(b[:n], from)
		p.mu.Unlock()
	}
}

func (p *phone) handle(event Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, event)
}

// after lets time pass, and returns what came meanwhile.
func (p *phone) after(d time.Duration) []sound {
	time.Sleep(d)
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	packets := p.packets
	p.packets = nil
	return packets
}

// told returns the events since it was called last.
func (p *phone) told() []Event {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.events
	p.events = nil
	return events
}

// talker numbers the packets of a phone.
type talker struct {
	*phone
	ssrc      uint32
	sequence  uint16
	timestamp uint32
}

func (p *phone) talker() *talker {
	return &talker{phone: p, ssrc: 7, sequence: 65530, timestamp: 1<<32 - 400}
}

// say sends a packet of sound and counts on.
func (k *talker) say(payloadType uint8, payload []byte) {
	k.send(packet(k.t, rtp.Header{PayloadType: payloadType, SequenceNumber: k.sequence, Timestamp: k.timestamp, SSRC: k.ssrc}, payload))
	k.sequence++
	k.timestamp += uint32(len(payload))
}

// press sends packets of one key: four while it is down and three of its end.
func (k *talker) press(event byte) {
	for i := range 7 {
		duration, flags := uint16(160*min(i+1, 5)), byte(10)
		if i >= 4 {
			flags |= 0x80
		}
		k.send(packet(k.t, rtp.Header{PayloadType: keysPayload, SequenceNumber: k.sequence, Timestamp: k.timestamp, SSRC: k.ssrc, Marker: i == 0},
			[]byte{event, flags, byte(duration >> 8), byte(duration)}))
		k.sequence++
	}
	k.timestamp += 1600
}

// send sends a datagram to the leg's RTP port.
func (p *phone) send(b []byte) { p.sendTo(p.rtp, b, p.leg.Local()) }

func (p *phone) sendTo(conn net.PacketConn, b []byte, to netip.AddrPort) {
	p.t.Helper()
	if _, err := conn.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
		p.t.Error(err)
	}
	synctest.Wait()
}

// packet is an RTP packet as bytes.
func packet(t testing.TB, header rtp.Header, payload []byte) []byte {
	t.Helper()
	header.Version = rtpVersion
	p := rtp.Packet{Header: header, Payload: payload}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ramp is a prompt in which each sample differs from those around it.
func ramp(d time.Duration) *Prompt {
	samples := make([]int16, d*SampleRate/time.Second)
	for i := range samples {
		samples[i] = int16(i*37%20000 - 10000)
	}
	return NewPrompt("ramp", "", samples)
}

// checkRow fails unless the packets are of one stream: sequence numbers without a gap, and timestamps
// that go by samples.
func checkRow(t *testing.T, packets []sound, samples uint32) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		before, p := packets[i-1], packets[i]
		if p.SSRC != before.SSRC || p.SequenceNumber != before.SequenceNumber+1 || p.Timestamp != before.Timestamp+samples {
			t.Fatalf("packet %d is %d, %d of %#x after %d, %d of %#x", i, p.SequenceNumber, p.Timestamp, p.SSRC,
				before.SequenceNumber, before.Timestamp, before.SSRC)
		}
	}
}

func payloads(packets []sound) (all []byte) {
	for _, p := range packets {
		all = append(all, p.Payload...)
	}
	return all
}

// addrOf is the i-th address of a row of phones.
func addrOf(addr netip.AddrPort, i int) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr(), addr.Port()+uint16(2*i))
}
