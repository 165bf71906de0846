package media

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// wave is a tone of a frequency and a peak, in codes of a law.
func wave(codec Codec, frequency, peak float64, samples int) []byte {
	codes := make([]byte, samples)
	for i := range codes {
		codes[i] = codec.Encode(int16(peak * math.Sin(2*math.Pi*frequency*float64(i)/SampleRate)))
	}
	return codes
}

// level is how much of a frequency there is in samples, as its peak.
func level(samples []int16, frequency float64) float64 {
	var re, im float64
	for i, s := range samples {
		sin, cos := math.Sincos(2 * math.Pi * frequency * float64(i) / SampleRate)
		re, im = re+float64(s)*cos, im+float64(s)*sin
	}
	return 2 * math.Hypot(re, im) / float64(len(samples))
}

func linear(packets []sound, codec Codec) (samples []int16) {
	for _, code := range payloads(packets) {
		samples = append(samples, codec.Decode(code))
	}
	return samples
}

// In a conference of three everybody hears the two others, and not herself.
func TestConference(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b, c := s.call(far, PCMA), s.call(farther, PCMU), s.call(stranger, PCMA)
		phones := []*phone{a, b, c}
		codecs := []Codec{PCMA, PCMU, PCMA}
		frequencies := []float64{400, 700, 1100}
		a.leg.Hear(b.leg, c.leg)
		b.leg.Hear(a.leg, c.leg)
		c.leg.Hear(a.leg, b.leg)
		var talkers []*talker
		var waves [][]byte
		for i, p := range phones {
			talkers = append(talkers, p.talker())
			waves = append(waves, wave(codecs[i], frequencies[i], 4000, 2*SampleRate))
		}
		for at := 0; at < 2*SampleRate; at += 160 {
			for i, k := range talkers {
				if i > 0 || at%1600 != 480 { // one in ten packets of the first is lost
					k.say(uint8(codecs[i]), waves[i][at:at+160])
				} else {
					k.sequence++
					k.timestamp += 160
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		for i, p := range phones {
			packets := p.after(0)
			checkRow(t, packets[1:], 160)
			samples := linear(packets[20:80], codecs[i])
			for j, frequency := range frequencies {
				got := level(samples, frequency)
				if i == j && got > 200 || i != j && (got < 3300 || got > 4200) {
					t.Errorf("phone %d hears %.0f of phone %d", i, got, j)
				}
			}
		}
	})
}

// What is too loud together is cut off, not turned over.
func TestMixSaturates(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b, c := s.call(far, PCMA), s.call(farther, PCMA), s.call(stranger, PCMA)
		a.leg.Hear(b.leg, c.leg)
		loud := make([]byte, 160)
		for i := range loud {
			loud[i] = PCMA.Encode(math.MaxInt16 - 1000)
		}
		talkB, talkC := b.talker(), c.talker()
		for range 10 {
			talkB.say(8, loud)
			talkC.say(8, loud)
			time.Sleep(20 * time.Millisecond)
		}
		samples := linear(a.after(0), PCMA)
		if least, most := slices.Min(samples), slices.Max(samples); least < 0 || most < 32000 {
			t.Errorf("heard %d to %d", least, most)
		}
	})
}

// From two to one and back: the relay and the mix are one stream.
func TestMixToRelay(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		a, b, c := s.call(far, PCMA), s.call(farther, PCMA), s.call(stranger, PCMA)
		talk := b.talker()
		var packets []sound
		for round := range 4 {
			if round%2 == 0 {
				a.leg.Hear(b.leg, c.leg)
			} else {
				a.leg.Hear(b.leg)
			}
			for range 25 {
				talk.say(8, wave(PCMA, 500, 4000, 160))
				packets = append(packets, a.after(20*time.Millisecond)...)
			}
		}
		for i := 1; i < len(packets); i++ {
			if packets[i].SequenceNumber != packets[i-1].SequenceNumber+1 || int32(packets[i].Timestamp-packets[i-1].Timestamp) <= 0 {
				t.Fatalf("packet %d is %d, %d after %d, %d", i, packets[i].SequenceNumber, packets[i].Timestamp,
					packets[i-1].SequenceNumber, packets[i-1].Timestamp)
			}
		}
		if n := len(packets); n < 98 || n > 102 {
			t.Errorf("%d packets in 2 s", n)
		}
	})
}

// However timestamps leap, a queue gives as many samples as are asked for and takes new sound up again.
func TestQueueRecovers(t *testing.T) {
	q := new(queue)
	sum := make([]int32, 160)
	put := func(timestamp uint32, run, n int) {
		codes := make([]byte, n)
		for i := range codes {
			codes[i] = PCMA.Encode(8000)
		}
		q.put(&rtp.Packet{Header: rtp.Header{Timestamp: timestamp}, Payload: codes}, run, PCMA)
	}
	heard := func() bool {
		clear(sum)
		q.mixInto(sum)
		return slices.Max(sum) > 0
	}
	timestamp := uint32(1<<32 - 800)
	for _, leap := range []uint32{0, 1 << 31, 100, 5000, 1 << 30} {
		timestamp += leap
		found := false
		for range 20 {
			put(timestamp, 1, 160)
			timestamp += 160
			found = heard() || found
		}
		if !found {
			t.Errorf("nothing is heard after a leap by %d", leap)
		}
	}
	put(timestamp, 2, 10_000) // longer than the queue
	for range 100 {
		heard()
	}
	if heard() {
		t.Error("something is heard of a source that has ended")
	}
}

func TestSpeech(t *testing.T) {
	quiet, voice := wave(PCMU, 300, 60, 160), wave(PCMU, 300, 3000, 160)
	noise := wave(PCMU, 1000, 1200, 160)
	for _, c := range []struct {
		name    string
		packets [][]byte
		want    bool
	}{
		{"silence", [][]byte{quiet, quiet, quiet, quiet, quiet, quiet, quiet, quiet}, false},
		{"voice", [][]byte{quiet, voice, voice, voice, voice}, true},
		{"voice with a pause", [][]byte{voice, voice, quiet, voice, voice, voice}, true},
		{"clicks", [][]byte{voice, quiet, quiet, voice, quiet, quiet, voice, quiet, quiet, voice, quiet, quiet, voice}, false},
		{"nothing", [][]byte{{}, {}, {}, {}, {}}, false},
	} {
		var s speech
		got := false
		for _, p := range c.packets {
			got = s.begins(p, PCMU) || got
		}
		if got != c.want {
			t.Errorf("%s: speech %v", c.name, got)
		}
	}
	s := speech{noise: 16 * 500} // a loud room
	for range 50 {
		if s.begins(noise, PCMU) {
			t.Fatal("the noise of the room is taken for speech")
		}
	}
}

// Speech is told once each time that it was awaited.
func TestAwaitSpeech(t *testing.T) {
	onWire(t, Options{}, func(s *site) {
		p := s.call(far, PCMA)
		talk := p.talker()
		speak := func() int {
			for range 10 {
				talk.say(8, wave(PCMA, 300, 5000, 160))
			}
			return len(p.told())
		}
		if n := speak(); n != 0 {
			t.Errorf("told %d times unasked", n)
		}
		for range 2 {
			p.leg.AwaitSpeech()
			if n := speak() + speak(); n != 1 {
				t.Errorf("told %d times", n)
			}
		}
	})
}
