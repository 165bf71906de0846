package media

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// bench drives legs without a network, a clock or time.
type bench struct {
	engine  *Engine
	network *deadNetwork
	legs    []*Leg
	scratch scratch
}

// deadNetwork delivers nothing, and keeps what is sent if it is told to.
type deadNetwork struct {
	keep bool
	kept [][]byte
}

func (n *deadNetwork) open(netip.AddrPort, *Leg, bool) (socket, error) { return n, nil }
func (n *deadNetwork) close() error                                    { return nil }

func (n *deadNetwork) send(b []byte, _ netip.AddrPort) error {
	if n.keep {
		n.kept = append(n.kept, bytes.Clone(b))
	}
	return nil
}

// newBench opens legs, of which each is agreed on with its own far address.
func newBench(t testing.TB, legs int) *bench {
	t.Helper()
	ports, err := newPorts(1000, 1000+uint16(2*legs), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{network: &deadNetwork{keep: true}}
	b.engine = &Engine{options: Options{Local4: ours}, ports: ports, clock: newClock(), network: b.network, legs: make(map[*Leg]struct{})}
	for range legs {
		l, err := b.engine.Open(far.Addr(), func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		l.Agree(stream(far, PCMA))
		b.legs = append(b.legs, l)
	}
	return b
}

func (b *bench) receive(l *Leg, data []byte) {
	n := copy(b.scratch.in[:], data)
	l.receive(&b.scratch, n, far, false)
}

func (b *bench) receiveRTCP(l *Leg, data []byte) {
	n := copy(b.scratch.in[:], data)
	l.receive(&b.scratch, n, far, true)
}

// frame gives a leg its turn.
func (b *bench) frame(l *Leg) {
	l.turn(&l.frames, ticks(b.engine.clock.now()), &b.scratch)
}

// sent returns what was sent since it was called last.
func (b *bench) sent() [][]byte {
	kept := b.network.kept
	b.network.kept = nil
	return kept
}

// A second of everything that a call does costs no allocation.
func TestNothingIsAllocated(t *testing.T) {
	b := newBench(t, 6)
	b.network.keep = false
	plays, relays, transcodes, mixes, talks, presses := b.legs[0], b.legs[1], b.legs[2], b.legs[3], b.legs[4], b.legs[5]
	plays.Play([]*Prompt{ramp(100 * time.Millisecond)}, 0)
	relays.Hear(talks)
	transcodes.Agree(stream(far, PCMU))
	transcodes.Hear(talks)
	mixes.Hear(talks, presses)
	talks.AwaitSpeech()
	said := packet(t, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
	pressed := packet(t, rtp.Header{PayloadType: keysPayload, SSRC: 1}, []byte{1, 0x8a, 1, 0})
	count := func(data []byte) {
		data[3]++
		data[7] += 160
	}
	if n := testing.AllocsPerRun(200, func() {
		b.frame(plays)
		b.frame(mixes)
		count(said)
		count(pressed)
		b.receive(talks, said)
		b.receive(presses, pressed)
		b.receive(talks, said[:5])
		relays.caring(1, &b.scratch)
		relays.reports.next = 0
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	bench := newBench(b, 1)
	bench.network.keep = false
	bench.legs[0].Play([]*Prompt{ramp(time.Second)}, 0)
	b.ReportAllocs()
	for b.Loop() {
		bench.frame(bench.legs[0])
	}
}

// One round of the clock for 1,000 legs that play, without the system's part.
func BenchmarkClockOf1000Legs(b *testing.B) {
	bench := newBench(b, 1000)
	bench.network.keep = false
	for _, l := range bench.legs {
		l.Play([]*Prompt{ramp(time.Second)}, 0)
	}
	c := bench.engine.clock
	b.ReportAllocs()
	for b.Loop() {
		for range DefaultPacketTime / tick {
			due, _ := c.wheel.next()
			c.start = time.Now().Add(-time.Duration(due) * tick)
			c.give(due)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/leg")
}

func BenchmarkRelay(b *testing.B) {
	for _, c := range []struct {
		name   string
		codec  Codec
		others int
	}{{"same", PCMA, 1}, {"transcoded", PCMU, 1}, {"mixed", PCMA, 2}} {
		b.Run(c.name, func(b *testing.B) {
			bench := newBench(b, 3)
			bench.network.keep = false
			bench.legs[1].Agree(stream(far, c.codec))
			others := []*Leg{bench.legs[0], bench.legs[2]}
			bench.legs[1].Hear(others[:c.others]...)
			data := packet(b, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
			sequence, timestamp := uint16(0), uint32(0)
			b.ReportAllocs()
			for b.Loop() {
				sequence, timestamp = sequence+1, timestamp+160
				data[2], data[3] = byte(sequence>>8), byte(sequence)
				data[4], data[5], data[6], data[7] = byte(timestamp>>24), byte(timestamp>>16), byte(timestamp>>8), byte(timestamp)
				bench.receive(bench.legs[0], data)
			}
		})
	}
}
