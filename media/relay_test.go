package media

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// bridge connects two phones.
func bridge(a, b *phone) {
	a.leg.Hear(b.leg)
	b.leg.Hear(a.leg)
}

// What a party hears is one stream from prompt to relay and back, though the other's packets are
// numbered in another way.
func TestRelayGoesOnFromPrompt(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b := s.call(far, PCMA), s.call(farther, PCMA)
		b.leg.Play([]*Prompt{ramp(300 * time.Millisecond)}, 1)
		packets := b.after(310 * time.Millisecond)
		bridge(a, b)
		talk := a.talker()
		var said []byte
		for i := range 20 {
			payload := bytes.Repeat([]byte{byte(i)}, 160)
			said = append(said, payload...)
			talk.say(8, payload)
			packets = append(packets, b.after(20*time.Millisecond)...)
		}
		b.leg.Play([]*Prompt{ramp(60 * time.Millisecond)}, 1)
		talk.say(8, bytes.Repeat([]byte{99}, 160)) // not heard: the prompt plays
		talk.say(8, bytes.Repeat([]byte{99}, 160))
		packets = append(packets, b.after(70*time.Millisecond)...)
		talk.say(8, said[:160])
		packets = append(packets, b.after(0)...)

		if heard := payloads(packets); !bytes.Contains(heard, said) || bytes.Contains(heard, []byte{99, 99, 99}) {
			t.Error("what was said is not what was heard")
		}
		for i, p := range packets[1:] {
			before := packets[i]
			step := p.Timestamp - before.Timestamp
			elapsed := uint32(p.at.Sub(before.at) * SampleRate / time.Second)
			if p.SequenceNumber != before.SequenceNumber+1 || p.SSRC != before.SSRC || step < 160 || step > max(elapsed, 160)+1 {
				t.Fatalf("packet %d: %d and %d after %d and %d, %v later", i+1, p.SequenceNumber, p.Timestamp,
					before.SequenceNumber, before.Timestamp, p.at.Sub(before.at))
			}
		}
		marked := slices.DeleteFunc(packets, func(p sound) bool { return !p.Marker })
		if len(marked) != 4 {
			t.Errorf("%d packets have the marker, want the first of prompt, relay, prompt and relay", len(marked))
		}
	})
}

// Loss and order are passed on; what comes twice is not.
func TestRelayKeepsGaps(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b := s.call(far, PCMU), s.call(farther, PCMU)
		bridge(a, b)
		b.after(50 * time.Millisecond)
		for _, i := range []uint16{0, 1, 4, 3, 3, 4, 5, 200, 199, 6} {
			a.send(packet(t, rtp.Header{PayloadType: 0, SequenceNumber: 65534 + i, Timestamp: 1<<32 - 200 + uint32(i)*160, SSRC: 1}, []byte{byte(i)}))
		}
		packets := b.after(0)
		var order []byte
		for _, p := range packets {
			order = append(order, p.Payload...)
			i := uint16(p.Payload[0])
			if p.SequenceNumber != packets[0].SequenceNumber+i || p.Timestamp != packets[0].Timestamp+uint32(i)*160 {
				t.Errorf("packet %d is %d, %d", i, p.SequenceNumber, p.Timestamp)
			}
		}
		if want := []byte{0, 1, 4, 3, 5, 200, 199}; !bytes.Equal(order, want) { // 6 is too late to be known
			t.Errorf("heard %d, want %d", order, want)
		}
		if q := a.leg.Quality(); q.Received != 7 || q.Duplicate != 3 || q.Lost != 201-7 {
			t.Errorf("%+v", q)
		}
	})
}

// A source that numbers anew, as after a transfer at its end, goes on in the same stream.
func TestRelayOfNewNumbers(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b := s.call(far, PCMA), s.call(farther, PCMA)
		bridge(a, b)
		b.after(50 * time.Millisecond)
		talk := a.talker()
		var packets []sound
		for i := range 9 {
			if i%3 == 2 {
				talk.ssrc, talk.sequence, talk.timestamp = talk.ssrc+uint32(i%2), talk.sequence+20000, talk.timestamp*7
			}
			talk.say(8, bytes.Repeat([]byte{byte(i)}, 160))
			packets = append(packets, b.after(20*time.Millisecond)...)
		}
		checkRow(t, packets, 160)
		if len(packets) != 9 {
			t.Errorf("%d packets", len(packets))
		}
	})
}

func TestRelayTranscodes(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b := s.call(far, PCMA), s.call(farther, PCMU)
		bridge(a, b)
		b.after(50 * time.Millisecond)
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		padded := rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: 8, SSRC: 1, CSRC: []uint32{5}, Padding: true, PaddingSize: 4,
			Extension: true, ExtensionProfile: rtp.ExtensionProfileOneByte,
		}, Payload: all}
		if err := padded.SetExtension(1, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		data, err := padded.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		a.send(data)
		b.talker().say(0, all)
		for _, c := range []struct {
			to       *phone
			from, as Codec
		}{{b, PCMA, PCMU}, {a, PCMU, PCMA}} {
			heard := c.to.after(0)
			p := heard[len(heard)-1]
			if p.PayloadType != uint8(c.as) || len(p.Payload) != 256 {
				t.Fatalf("heard %s", p)
			}
			for i, code := range p.Payload {
				// The other law has no code for each sample: the nearest is as good.
				got, want := int(c.as.Decode(code)), int(c.from.Decode(byte(i)))
				if diff := max(got-want, want-got); diff > 16+max(want, -want)/16 {
					t.Errorf("%s %#x, %d, became %d", c.from, i, want, got)
				}
			}
		}
	})
}

// Payload types are those of each side; formats other than G.711 go through as they are, and legs that
// have none in common do not hear each other.
func TestRelayOfFormats(t *testing.T) {
	opus := Stream{Codec: Other, Encoding: "opus/48000/2", Direction: SendRecv}
	for _, c := range []struct {
		name string
		a, b func(Stream) Stream
		want int // payload type heard; -1: nothing
	}{
		{"dynamic numbers of G.711", func(s Stream) Stream { s.ReceiveType = 97; return s }, func(s Stream) Stream { s.PayloadType = 98; return s }, 98},
		{
			"opus", func(s Stream) Stream { opus.Remote = s.Remote; opus.ReceiveType = 97; return opus },
			func(s Stream) Stream { opus.Remote = s.Remote; opus.PayloadType = 111; return opus }, 111,
		},
		{"opus to G.711", func(s Stream) Stream { opus.Remote = s.Remote; opus.ReceiveType = 97; return opus }, func(s Stream) Stream { return s }, -1},
		{"to hold", func(s Stream) Stream { s.ReceiveType = 97; return s }, func(s Stream) Stream { s.Direction = RecvOnly; return s }, -1},
		{"from hold", func(s Stream) Stream { s.ReceiveType, s.Direction = 97, SendOnly; return s }, func(s Stream) Stream { return s }, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			onWire(t, Options{}, func(s *site) {
				a, b := s.call(far, PCMA), s.call(farther, PCMA)
				a.leg.Agree(c.a(stream(far, PCMA)))
				b.leg.Agree(c.b(stream(farther, PCMA)))
				bridge(a, b)
				b.after(50 * time.Millisecond)
				a.talker().say(97, []byte("payload"))
				heard := b.after(20 * time.Millisecond)
				if c.want < 0 {
					if len(heard) > 0 {
						t.Errorf("heard %v", heard)
					}
				} else if len(heard) != 1 || int(heard[0].PayloadType) != c.want || string(heard[0].Payload) != "payload" {
					t.Errorf("heard %v", heard)
				}
			})
		})
	}
}

// A leg that hears itself is an echo.
func TestEcho(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a := s.call(far, PCMA)
		a.leg.Hear(a.leg)
		a.after(50 * time.Millisecond)
		talk := a.talker()
		for i := range 5 {
			talk.say(8, bytes.Repeat([]byte{byte(i)}, 160))
		}
		packets := a.after(0)
		checkRow(t, packets, 160)
		if len(packets) != 5 {
			t.Errorf("%d packets came back", len(packets))
		}
	})
}

// A closed leg is not heard, and hears nobody; its port is free after the rest.
func TestRelayEnds(t *testing.T) {
	onWire(t, Options{First: 20000, Last: 20003, Rest: time.Minute}, func(s *site) {
		a, b := s.call(far, PCMA), s.call(farther, PCMA)
		bridge(a, b)
		talkA, talkB := a.talker(), b.talker()
		a.leg.Close()
		a.after(0)
		b.after(0)
		talkA.say(8, []byte("to a closed leg"))
		talkB.say(8, []byte("for a closed leg"))
		if len(a.after(time.Second))+len(b.after(0)) > 0 {
			t.Error("something was heard")
		}
		bridge(a, b)
		if n := s.engine.Free(); n != 0 {
			t.Errorf("%d ports free while they rest", n)
		}
		a.after(time.Minute)
		if n := s.engine.Free(); n != 1 {
			t.Errorf("%d ports free, want that of the closed leg", n)
		}
		if c := s.engine.Counts(); c.Legs != 1 {
			t.Errorf("%d legs", c.Legs)
		}
	})
}

// The party is known by its negotiated address until it sends, and by where it sends from afterwards.
func TestLatch(t *testing.T) {
	nat := netip.AddrPortFrom(far.Addr(), 62000)
	for _, c := range []struct {
		name    string
		options Options
		from    []netip.AddrPort
		want    []bool // whether each is taken
	}{
		{"negotiated", Options{}, []netip.AddrPort{far, far, nat, stranger}, []bool{true, true, false, false}},
		{"another port", Options{}, []netip.AddrPort{nat, nat, farther, nat}, []bool{true, true, false, true}},
		{"late from where it was before", Options{}, []netip.AddrPort{nat, far, nat}, []bool{true, true, false}},
		{"stranger", Options{}, []netip.AddrPort{stranger, far}, []bool{false, true}},
		{"translated", Options{NAT: time.Second}, []netip.AddrPort{stranger, nat, stranger}, []bool{true, false, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onWire(t, c.options, func(s *site) {
				p := s.call(far, PCMA)
				conns := map[netip.AddrPort]interface{ send([]byte) }{}
				talk := p.talker()
				for i, from := range c.from {
					before := p.leg.Quality().Received
					data := packet(t, rtp.Header{PayloadType: 8, SequenceNumber: uint16(i), SSRC: 1}, []byte{1})
					if from == far {
						talk.send(data)
					} else {
						if conns[from] == nil {
							conns[from] = s.visitor(from, p.leg)
						}
						conns[from].send(data)
					}
					if taken := p.leg.Quality().Received > before; taken != c.want[i] {
						t.Errorf("packet %d from %s taken: %v", i, from, taken)
					}
				}
			})
		})
	}
}

// visitor sends to a leg from an address.
func (s *site) visitor(from netip.AddrPort, leg *Leg) *phone {
	return &phone{t: s.t, rtp: s.listen(from), leg: leg}
}

// The answers go to where the party sends from; an agreement on another address makes it anew, and one
// on the same does not.
func TestLatchIsMadeAnew(t *testing.T) {
	onWire(t, Options{NAT: time.Second}, func(s *site) {
		p := s.call(far, PCMA)
		moved := s.phone(farther)
		moved.leg = p.leg
		data := packet(t, rtp.Header{PayloadType: 8, SSRC: 1}, []byte{1})
		p.send(data)
		p.leg.Agree(stream(far, PCMU))
		moved.send(data)
		p.after(100 * time.Millisecond)
		if n := len(moved.after(100 * time.Millisecond)); n > 0 {
			t.Errorf("%d packets to a stranger", n)
		}
		p.leg.Agree(stream(farther, PCMA))
		moved.send(data)
		p.after(0)
		if moved, before := moved.after(time.Second), p.after(0); len(moved) != 50 || len(before) > 0 {
			t.Errorf("%d packets to the new address, %d to the old", len(moved), len(before))
		}
		if n := p.leg.Quality().Received; n != 2 {
			t.Errorf("%d packets taken, want one from each place", n)
		}
		time.Sleep(time.Second) // the totals are those of the last second
		if n := s.engine.Counts().Foreign; n != 1 {
			t.Errorf("%d packets of strangers", n)
		}
	})
}

func TestNATEnds(t *testing.T) {
	onWire(t, Options{NAT: time.Second}, func(s *site) {
		p := s.call(far, PCMA)
		visitor := s.visitor(stranger, p.leg)
		time.Sleep(2 * time.Second)
		visitor.send(packet(t, rtp.Header{PayloadType: 8, SSRC: 1}, []byte{1}))
		if n := p.leg.Quality().Received; n != 0 {
			t.Error("a stranger was taken for the party long after the agreement")
		}
	})
}

func TestMalformed(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		for name, data := range map[string][]byte{
			"empty":            {},
			"garbage":          []byte("GET / HTTP/1.1\r\n\r\n"),
			"not agreed on":    packet(t, rtp.Header{PayloadType: 3, SSRC: 1}, []byte{1}),
			"another version":  append([]byte{0x40, 8}, make([]byte, 20)...),
			"header breaks":    {0x80, 8, 0},
			"too many sources": {0x8f, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			"padding too long": append([]byte{0xa0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 0xff),
			"too long":         packet(t, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, maxDatagram)),
		} {
			p.send(data)
			if n := p.leg.Quality().Received; n != 0 {
				t.Fatalf("%s: taken", name)
			}
		}
		p.after(2 * time.Second)
		if n := s.engine.Counts().Malformed; n != 8 {
			t.Errorf("%d malformed packets counted", n)
		}
	})
}

// Silence of a party is told, and again while it lasts.
func TestSilent(t *testing.T) {
	onWire(t, Options{Silence: 10 * time.Second}, func(s *site) {
		p := s.call(far, PCMA)
		check := func(what string, want int) {
			t.Helper()
			if events := p.told(); len(events) != want || want > 0 && events[0].Kind != EventSilent {
				t.Errorf("%s: told %+v", what, events)
			}
		}
		p.after(9 * time.Second)
		check("before the time", 0)
		p.after(6 * time.Second)
		check("after it", 1)
		p.after(10 * time.Second)
		check("after it has lasted as long again", 1)
		talk := p.talker()
		for range 30 {
			talk.say(8, []byte{1})
			p.after(time.Second)
		}
		check("while it speaks", 0)
		p.after(15 * time.Second)
		check("silent again", 1)
		held := stream(far, PCMA)
		held.Direction = SendOnly
		talk.say(8, []byte{1})
		p.leg.Agree(held)
		p.after(time.Minute)
		check("on hold", 0)
		p.leg.Agree(stream(far, PCMA))
		p.after(5 * time.Second)
		check("after hold", 0)
		p.after(10 * time.Second)
		check("long after hold", 1)
	})
}

// Whoever sends RTCP, or comfort noise (RFC 3389) that nobody agreed on, is there although she says nothing: she
// has muted her telephone, or a machine records.
func TestMuteIsNotSilent(t *testing.T) {
	for name, alive := range map[string]func(p *phone, talk *talker){
		"RTCP": func(p *phone, talk *talker) {
			report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: talk.ssrc}})
			if err != nil {
				p.t.Fatal(err)
			}
			p.sendTo(p.rtcp, report, netip.AddrPortFrom(p.leg.Local().Addr(), p.leg.Local().Port()+1))
		},
		"comfort noise": func(_ *phone, talk *talker) { talk.say(13, []byte{60}) },
	} {
		onWire(t, Options{Silence: 10 * time.Second}, func(s *site) {
			p := s.call(far, PCMA)
			talk := p.talker()
			for range 6 {
				p.after(5 * time.Second)
				alive(p, talk)
			}
			if events := p.told(); len(events) > 0 {
				t.Errorf("%s: told %+v", name, events)
			}
			p.after(11 * time.Second)
			if events := p.told(); len(events) != 1 {
				t.Errorf("%s has ended: told %+v", name, events)
			}
		})
	}
}
