package media

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// keyPacket is the payload of one packet of a key.
type keyPacket struct {
	timestamp uint32
	payload   []byte
	key       int // index of the press
}

// press appends the packets of a press that lasts for samples: an update each 20 ms, the end three times.
// A press too long for one event is told in segments (RFC 4733 §2.5.1.3).
func press(packets []keyPacket, key int, code byte, timestamp, samples uint32) []keyPacket {
	add := func(segment, duration uint32, flags byte) {
		payload := []byte{code, flags | 10, 0, 0}
		binary.BigEndian.PutUint16(payload[2:], uint16(duration))
		packets = append(packets, keyPacket{timestamp + segment, payload, key})
	}
	segment := uint32(0)
	for at := uint32(160); at < samples; at += 160 {
		if at-segment > 0xffff {
			add(segment, 0xffff, 0)
			segment += 0xffff
		}
		add(segment, at-segment, 0)
	}
	for range 3 {
		add(segment, samples-segment, 0x80)
	}
	return packets
}

// Whatever is lost, doubled or moved by a few places, each press of which something arrives is told
// once, in order.
func TestKeysSurviveTheNetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var sent []keyPacket
		var codes []byte
		timestamp := rapid.Uint32().Draw(rt, "timestamp")
		for i := range rapid.IntRange(1, 6).Draw(rt, "presses") {
			code := rapid.ByteRange(0, 15).Draw(rt, "code")
			samples := rapid.SampledFrom([]uint32{1, 320, 800, 5000, 70000, 200000}).Draw(rt, "samples")
			sent = press(sent, i, code, timestamp, samples)
			timestamp += samples + rapid.Uint32Range(400, 8000).Draw(rt, "pause")
			codes = append(codes, code)
		}
		// A press loses up to all of its ends and the updates beside; of a long one, whose segments
		// are to be recognised, no two in a row.
		var got []keyPacket
		lostBefore := false
		for i, p := range sent {
			if lost := rapid.IntRange(0, 3).Draw(rt, "lost") == 0 && !lostBefore; lost {
				lostBefore = true
				continue
			}
			lostBefore = false
			got = append(got, p)
			if rapid.IntRange(0, 4).Draw(rt, "doubled") == 0 {
				got = append(got, p)
			}
			if n := len(got); n > 1 && i > 0 && got[n-2].key == got[n-1].key && rapid.IntRange(0, 4).Draw(rt, "moved") == 0 {
				got[n-2], got[n-1] = got[n-1], got[n-2]
			}
		}
		var want, told []byte
		last := -1
		for _, p := range got {
			if p.key != last {
				want, last = append(want, keyNames[codes[p.key]]), p.key
			}
		}
		var k keyReader
		for _, p := range got {
			if key, ok := k.read(p.payload, p.timestamp, 0); ok {
				told = append(told, key)
			}
		}
		if !slices.Equal(told, want) {
			rt.Fatalf("told %q, want %q", told, want)
		}
	})
}

func TestKeyReader(t *testing.T) {
	type at struct {
		timestamp uint32
		payload   []byte
	}
	for _, c := range []struct {
		name    string
		packets []at
		want    string
	}{
		{"one", []at{{100, []byte{5, 10, 0, 160}}, {100, []byte{5, 10, 1, 64}}, {100, []byte{5, 0x8a, 1, 64}}, {100, []byte{5, 0x8a, 1, 64}}}, "5"},
		{"only its end", []at{{100, []byte{11, 0x8a, 1, 64}}}, "#"},
		{"only its last end", []at{{100, []byte{5, 10, 0, 160}}, {1000, []byte{6, 0x8a, 1, 64}}}, "56"},
		{"twice, all ends lost", []at{{100, []byte{9, 10, 0, 160}}, {1000, []byte{9, 10, 0, 160}}}, "99"},
		{"all sixteen", []at{
			{1, []byte{0, 0x8a, 1, 0}},
			{2, []byte{1, 0x8a, 1, 0}},
			{3, []byte{9, 0x8a, 1, 0}},
			{4, []byte{10, 0x8a, 1, 0}},
			{5, []byte{12, 0x8a, 1, 0}},
			{6, []byte{15, 0x8a, 1, 0}},
		}, "019*AD"},
		{"older than the last", []at{{1000, []byte{1, 0x8a, 1, 0}}, {100, []byte{2, 0x8a, 1, 0}}}, "1"},
		{"wrap", []at{{1<<32 - 100, []byte{1, 0x8a, 1, 0}}, {700, []byte{2, 0x8a, 1, 0}}}, "12"},
		{"long", []at{{100, []byte{7, 10, 0xff, 0xff}}, {100 + 0xffff, []byte{7, 10, 0, 160}}}, "7"},
		{"long, end of the segment lost", []at{{100, []byte{7, 10, 0xff, 0}}, {100 + 0xffff, []byte{7, 10, 0, 160}}}, "7"},
		{"another right behind", []at{{100, []byte{7, 10, 0xff, 0xff}}, {100 + 0xffff, []byte{8, 10, 0, 160}}}, "78"},
		{"again right behind", []at{{100, []byte{7, 0x8a, 1, 64}}, {100 + 320, []byte{7, 10, 0, 160}}}, "77"},
		{"no key", []at{{100, []byte{16, 10, 0, 160}}, {200, []byte{255, 10, 0, 160}}}, ""},
		{"too short", []at{{100, []byte{1, 10, 0}}, {200, nil}}, ""},
	} {
		var k keyReader
		told := ""
		for _, p := range c.packets {
			if key, ok := k.read(p.payload, p.timestamp, 0); ok {
				told += string(key)
			}
		}
		if told != c.want {
			t.Errorf("%s: told %q, want %q", c.name, told, c.want)
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	var k keyReader
	told := 0
	for i := range 10_000 {
		if _, ok := k.read([]byte{1, 0x8a, 0, 1}, uint32(i+1)*10, instant(i)*instant(time.Millisecond)); ok {
			told++
		}
	}
	if told != 10*maxKeyRate {
		t.Errorf("%d keys told of a flood of 10 s", told)
	}
}

// A key is told at its first packet, and passed on to the one who hears the party, with her payload
// type. One that began before she could hear is not, and that looks like no loss.
func TestKeysAreRelayed(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b := s.call(far, PCMA), s.call(farther, PCMA)
		other := stream(farther, PCMA)
		other.KeysType = 96
		b.leg.Agree(other)
		talk := a.talker()
		talk.press(1)
		if events := a.told(); len(events) != 1 || events[0] != (Event{Kind: EventKey, Key: '1'}) {
			t.Fatalf("told %+v", events)
		}
		first := rtp.Header{PayloadType: keysPayload, SequenceNumber: talk.sequence, Timestamp: talk.timestamp, SSRC: talk.ssrc}
		a.send(packet(t, first, []byte{2, 10, 0, 160}))
		b.after(50 * time.Millisecond)
		bridge(a, b) // as the key 2 says
		a.after(time.Second)
		talk.say(8, make([]byte, 160))
		talk.press(2)
		talk.say(8, make([]byte, 160))
		b.after(0)
		talk.timestamp += 1000
		talk.press(3)
		talk.say(8, make([]byte, 160))
		packets := b.after(0)
		var kinds []byte
		for i, p := range packets {
			kinds = append(kinds, p.PayloadType)
			if i > 0 && p.SequenceNumber != packets[i-1].SequenceNumber+1 {
				t.Errorf("packet %d has sequence number %d after %d", i, p.SequenceNumber, packets[i-1].SequenceNumber)
			}
		}
		if want := []byte{96, 96, 96, 96, 96, 96, 96, 8}; !slices.Equal(kinds, want) {
			t.Errorf("heard payload types %d, want %d", kinds, want)
		}
		if p := packets[0]; p.Payload[0] != 3 || !p.Marker || p.Timestamp+1600 != packets[7].Timestamp {
			t.Errorf("the key is %s, what follows %s", packets[0], packets[7])
		}
		other.KeysType = 0
		b.leg.Agree(other)
		talk.press(4)
		if packets := b.after(0); len(packets) > 0 {
			t.Error("keys for one who did not agree on any")
		}
	})
}
