//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

const rate = 8000 // samples a second

// sine is a tone at half of the full scale.
func sine(hertz float64, long time.Duration) []int16 {
	tone := make([]int16, int(long.Seconds()*rate))
	for i := range tone {
		tone[i] = int16(16000 * math.Sin(2*math.Pi*hertz*float64(i)/rate))
	}
	return tone
}

// wav is a WAV file of one channel of 16-bit samples.
func wav(sound []int16) []byte {
	var b bytes.Buffer
	size := uint32(2 * len(sound))
	b.WriteString("RIFF")
	for _, field := range []any{
		36 + size, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16),
		[]byte("data"), size, sound,
	} {
		if err := binary.Write(&b, binary.LittleEndian, field); err != nil {
			panic(err) // a buffer takes everything
		}
	}
	return b.Bytes()
}

// samples reads a WAV file of one channel of 16-bit samples at our rate. A recording that was cut off
// has no length in its header: then the rest of the file is sound.
func samples(t *testing.T, file []byte) []int16 {
	t.Helper()
	at := bytes.Index(file, []byte("data"))
	if at < 36 || !bytes.HasPrefix(file, []byte("RIFF")) {
		t.Fatalf("no WAV file of %d bytes", len(file))
	}
	if channels, hertz := binary.LittleEndian.Uint16(file[22:]), binary.LittleEndian.Uint32(file[24:]); channels != 1 || hertz != rate {
		t.Fatalf("recorded with %d channels at %d Hz", channels, hertz)
	}
	data := file[at+8:]
	sound := make([]int16, len(data)/2)
	for i := range sound {
		sound[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return sound
}

// toneShare is how much of the energy of a sound is in one frequency, from 0 to 1 (Goertzel).
func toneShare(sound []int16, hertz float64) float64 {
	coefficient := 2 * math.Cos(2*math.Pi*hertz/rate)
	var s1, s2, energy float64
	for _, sample := range sound {
		x := float64(sample)
		s1, s2 = x+coefficient*s1-s2, s1
		energy += x * x
	}
	if energy == 0 {
		return 0
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return power / (energy * float64(len(sound)) / 2)
}

func TestToneShare(t *testing.T) {
	tone := sine(697, time.Second)
	if in, out := toneShare(tone, 697), toneShare(tone, 1336); in < 0.99 || out > 0.01 {
		t.Errorf("%.3f of a tone is in it, %.3f in another", in, out)
	}
	if got := samples(t, wav(tone)); len(got) != len(tone) || got[1000] != tone[1000] {
		t.Error("a WAV file does not read as it was written")
	}
	if share := toneShare(make([]int16, rate), 697); share != 0 {
		t.Errorf("%.3f of silence is a tone", share)
	}
}
