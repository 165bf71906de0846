package media

import (
	"fmt"
	"math"
	"testing"
)

// sine is a quarter of a second of a tone of half the full scale.
func sine(rate int, hertz float64) Recording {
	r := Recording{Rate: rate, Samples: make([]float32, rate/4)}
	for i := range r.Samples {
		r.Samples[i] = float32(0.5 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
	}
	return r
}

// decibels is the level of a sound against that of sine, of the middle of it: at its ends it begins
// and stops, which is another sound.
func decibels(sound []float64) float64 {
	sum := 0.0
	middle := sound[len(sound)/4 : len(sound)*3/4]
	for _, sample := range middle {
		sum += sample * sample
	}
	return 10*math.Log10(sum/float64(len(middle))/(0.5*0.5/2)) + 1e-9
}

func floats(sound []int16) []float64 {
	out := make([]float64, len(sound))
	for i, sample := range sound {
		out[i] = float64(sample) / (1 << 15)
	}
	return out
}

var rates = []int{4000, 4001, 8001, 11025, 12345, 16000, 44100, 48000, 192000}

// Tones of the band stay what they are: their level, and that there is nothing beside them.
func TestResampleKeepsTones(t *testing.T) {
	for _, rate := range rates {
		for _, share := range []float64{0.01, 0.1, 0.25, 0.375, 0.425} { // of the lower rate: 80 to 3400 Hz of 8000
			hertz := math.Round(share * float64(min(rate, SampleRate)))
			t.Run(fmt.Sprintf("%v of %d", hertz, rate), func(t *testing.T) {
				got := floats(Resample(sine(rate, hertz), SampleRate))
				if len(got) < SampleRate/4-1 || len(got) > SampleRate/4+1 {
					t.Fatalf("a quarter of a second became %d samples", len(got))
				}
				rest := make([]float64, len(got))
				for i := range got {
					rest[i] = got[i] - 0.5*math.Sin(2*math.Pi*hertz*float64(i)/SampleRate)
				}
				if level, noise := decibels(got), decibels(rest); math.Abs(level) > 0.1 || noise > -40 {
					t.Errorf("level %.2f dB, and %.1f dB beside it", level, noise)
				}
			})
		}
	}
}

// Tones that 8000 samples a second cannot carry are gone, and not back as other tones.
func TestResampleRejectsAliases(t *testing.T) {
	for _, rate := range rates {
		for _, hertz := range []float64{4000, 4100, 4600, 5000, 7000, 8000, 9000, 12000, 20000, 47000, 90000} {
			if hertz > 0.49*float64(rate) {
				continue
			}
			t.Run(fmt.Sprintf("%v of %d", hertz, rate), func(t *testing.T) {
				if level := decibels(floats(Resample(sine(rate, hertz), SampleRate))); level > -75 {
					t.Errorf("it is still there, at %.1f dB", level)
				}
			})
		}
	}
}

// The same rate changes nothing, and what is too loud is cut.
func TestResampleNothing(t *testing.T) {
	got := Resample(Recording{SampleRate, []float32{-1, 0, 0.25, 1}}, SampleRate)
	for i, want := range []int16{math.MinInt16, 0, 8192, math.MaxInt16} {
		if got[i] != want {
			t.Errorf("sample %d is %d, want %d", i, got[i], want)
		}
	}
	if got := Resample(Recording{Rate: 48000}, SampleRate); len(got) != 0 {
		t.Errorf("nothing became %d samples", len(got))
	}
}

func BenchmarkResample(b *testing.B) {
	r := sine(44100, 1000)
	for b.Loop() {
		Resample(r, SampleRate)
	}
}
