package media

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// Every packet leaves exactly when it is due, with what is due, at every packet time.
func TestPlay(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		for packetTime := MinPacketTime; packetTime <= MaxPacketTime; packetTime += 10 * time.Millisecond {
			t.Run(codec.String()+" "+packetTime.String(), func(t *testing.T) {
				onWire(t, Options{}, func(s *site) {
					p := s.call(far, codec)
					agreed := stream(far, codec)
					agreed.PacketTime = packetTime
					p.leg.Agree(agreed)
					prompts := []*Prompt{ramp(130 * time.Millisecond), ramp(0), ramp(55 * time.Millisecond)}
					id := p.leg.Play(prompts, 2)
					packets := p.after(time.Second)
					for i, q := range packets {
						if i > 0 && q.at.Sub(packets[i-1].at) != packetTime {
							t.Fatalf("packet %d came %v after the one before", i, q.at.Sub(packets[i-1].at))
						}
						if q.Marker != (i == 0) || q.PayloadType != uint8(codec) || q.from != p.leg.Local() {
							t.Fatalf("packet %d from %s: %s", i, q.from, q)
						}
					}
					samples := int(packetTime * SampleRate / time.Second)
					checkRow(t, packets, uint32(samples))
					round := slices.Concat(prompts[0].codes(codec), prompts[2].codes(codec))
					heard := payloads(packets)
					if !bytes.HasPrefix(heard, slices.Concat(round, round)) {
						t.Error("the prompts are not what was heard")
					}
					if rest := heard[2*len(round):]; len(bytes.Trim(rest, string([]byte{codec.Silence()}))) > 0 {
						t.Error("no silence follows")
					}
					want := Event{Kind: EventPlayed, Playback: id, Heard: 370 * time.Millisecond, Complete: true}
					if events := p.told(); len(events) != 1 || events[0] != want {
						t.Errorf("told %+v, want %+v", events, want)
					}
				})
			})
		}
	}
}

func TestPlayIsCutOff(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		wait := func() { p.after(500 * time.Millisecond) }
		first := p.leg.Play([]*Prompt{ramp(10 * time.Second)}, 1)
		wait()
		second := p.leg.Play([]*Prompt{ramp(100 * time.Millisecond)}, 0) // again and again
		wait()
		p.leg.Stop()
		p.leg.Stop()
		third := p.leg.Play([]*Prompt{ramp(10 * time.Second)}, 1)
		wait()
		p.leg.Close()
		p.leg.Close()
		fourth := p.leg.Play([]*Prompt{ramp(time.Second)}, 1)
		events := p.told()
		if len(events) != 4 {
			t.Fatalf("told %+v", events)
		}
		for i, id := range []uint64{first, second, third, fourth} {
			e := events[i]
			want := 500 * time.Millisecond
			if i == 3 {
				want = 0
			}
			if e.Kind != EventPlayed || e.Playback != id || e.Complete || (e.Heard-want).Abs() > DefaultPacketTime {
				t.Errorf("event %d is %+v", i, e)
			}
		}
	})
}

// What has no sound is over at once, however often it is to be played.
func TestPlayNothing(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		for _, prompts := range [][]*Prompt{nil, {ramp(0)}} {
			for _, times := range []int{-1, 0, 1, 5} {
				p.leg.Play(prompts, times)
				p.after(40 * time.Millisecond)
				if events := p.told(); len(events) != 1 || !events[0].Complete || events[0].Heard != 0 {
					t.Errorf("%d prompts, %d times: told %+v", len(prompts), times, events)
				}
			}
		}
		p.leg.Agree(Stream{Remote: far, Codec: Other, Encoding: "opus/48000/2", Direction: SendRecv, PayloadType: 96, ReceiveType: 96})
		p.leg.Play([]*Prompt{ramp(time.Second)}, 1)
		p.after(40 * time.Millisecond)
		if events := p.told(); len(events) != 1 || events[0].Complete || events[0].Heard != 0 {
			t.Errorf("without G.711: told %+v", events)
		}
	})
}

// On hold nothing is sent and the prompt waits; the time of the hold passes in the timestamps.
func TestPlayWaitsOnHold(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMU)
		prompt := ramp(time.Second)
		p.leg.Play([]*Prompt{prompt}, 1)
		before := p.after(300 * time.Millisecond)
		held := stream(far, PCMU)
		held.Direction = RecvOnly
		p.leg.Agree(held)
		if packets := p.after(time.Second); len(packets) > 0 {
			t.Fatalf("%d packets on hold", len(packets))
		}
		p.leg.Agree(stream(far, PCMU))
		after := p.after(2 * time.Second)
		if !bytes.HasPrefix(payloads(append(slices.Clone(before), after...)), prompt.codes(PCMU)) {
			t.Error("the prompt did not go on where it was")
		}
		last, next := before[len(before)-1], after[0]
		gap := uint32(next.at.Sub(last.at) * SampleRate / time.Second)
		if next.SequenceNumber != last.SequenceNumber+1 || next.Timestamp != last.Timestamp+gap || !next.Marker || gap%160 != 0 {
			t.Errorf("before the hold %s, after it %s", last, next)
		}
	})
}

// A leg that hears nothing is sent silence, and before offer and answer nothing at all.
func TestSilence(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.phone(far)
		var err error
		if p.leg, err = s.engine.Open(far.Addr(), p.handle); err != nil {
			t.Fatal(err)
		}
		if packets := p.after(time.Second); len(packets) > 0 {
			t.Errorf("%d packets before anything was agreed", len(packets))
		}
		p.leg.Agree(stream(far, PCMA))
		packets := p.after(time.Second)
		if len(packets) != 50 {
			t.Errorf("%d packets in a second", len(packets))
		}
		checkRow(t, packets, 160)
		if heard := payloads(packets); len(bytes.Trim(heard, string([]byte{PCMA.Silence()}))) > 0 {
			t.Error("it is not silence")
		}
	})
}

// Legs are spread over the packet time, and each keeps its grid through everything.
func TestGrid(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		var phones []*phone
		for i := range 20 {
			addr := far
			p := s.call(addrOf(addr, i), PCMA)
			phones = append(phones, p)
		}
		moments := map[time.Duration]int{}
		for i, p := range phones {
			start := p.after(100 * time.Millisecond)[0].at
			moments[time.Duration(start.UnixNano())%DefaultPacketTime]++
			p.leg.Play([]*Prompt{ramp(31 * time.Millisecond)}, 1)
			p.leg.Stop()
			for _, q := range p.after(333 * time.Millisecond) {
				if q.at.Sub(start)%DefaultPacketTime != 0 {
					t.Fatalf("phone %d left its grid by %v", i, q.at.Sub(start)%DefaultPacketTime)
				}
			}
		}
		if len(moments) < 5 {
			t.Errorf("20 legs are due at %d moments", len(moments))
		}
	})
}
