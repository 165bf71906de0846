//go:build e2e

package e2e_test

import (
	"math"
	"math/cmplx"
	"slices"
	"testing"
	"time"
)

const (
	window = rate / 2  // of a comparison, samples
	slack  = rate / 20 // that a window may lie beside the place of the whole: a jitter buffer shifts sound
)

// correlation is how much of a sound is in a recording, from 0 to 1, and where it begins. The place is
// that of the whole sound, found by normalised cross-correlation. The sound is then compared window by
// window, each at its best place nearby, so that a packet that a jitter buffer left out or put in costs
// no more than its own window.
func correlation(recording, sound []int16) (score float64, at int) {
	if len(sound) == 0 || len(recording) < len(sound) {
		return 0, 0
	}
	at = bestPlace(recording, sound)
	var product, wanted, found float64
	for begin := 0; begin < len(sound); begin += window {
		part := sound[begin:min(begin+window, len(sound))]
		best, energy := 0.0, 0.0
		for lag := max(0, at+begin-slack); lag <= min(at+begin+slack, len(recording)-len(part)); lag++ {
			p, e := products(recording[lag:], part)
			if energy == 0 || e > 0 && p/math.Sqrt(e) > best/math.Sqrt(energy) {
				best, energy = p, e
			}
		}
		_, own := products(part, part)
		product, wanted, found = product+best, wanted+own, found+energy
	}
	if wanted == 0 || found == 0 {
		return 0, at
	}
	return product / math.Sqrt(wanted*found), at
}

// products are the sum of the products of the samples of two sounds, over the length of the second,
// and the energy of the first.
func products(a, b []int16) (product, energy float64) {
	for i, sample := range b {
		x := float64(a[i])
		product += x * float64(sample)
		energy += x * x
	}
	return product, energy
}

// bestPlace is where a sound fits best into a recording that is at least as long.
func bestPlace(recording, sound []int16) int {
	size := 1
	for size < len(recording)+len(sound) {
		size *= 2
	}
	a, b := make([]complex128, size), make([]complex128, size)
	for i, sample := range recording {
		a[i] = complex(float64(sample), 0)
	}
	for i, sample := range sound {
		b[i] = complex(float64(sample), 0)
	}
	fourier(a)
	fourier(b)
	for i := range a { // the transform of a product, conjugated so that transforming again turns it back
		a[i] = cmplx.Conj(a[i]) * b[i]
	}
	fourier(a)
	_, energy := products(recording, sound)
	_, least := products(sound, sound)
	least *= float64(size) * 1e-4 // so that silence, which fits as badly, is not a fit by rounding
	best, at := 0.0, 0
	for lag := 0; lag+len(sound) <= len(recording); lag++ {
		if fit := real(a[lag]) / math.Sqrt(energy*float64(size)+least); fit > best {
			best, at = fit, lag
		}
		if lag+len(sound) < len(recording) {
			out, in := float64(recording[lag]), float64(recording[lag+len(sound)])
			energy += in*in - out*out
		}
	}
	return at
}

// fourier is the discrete Fourier transform in place, of a power of two of values.
func fourier(v []complex128) {
	for i, j := 1, 0; i < len(v); i++ { // the values in the order of their reversed bits
		bit := len(v) >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			v[i], v[j] = v[j], v[i]
		}
	}
	for half := 1; half < len(v); half *= 2 {
		turn := cmplx.Rect(1, -math.Pi/float64(half))
		for begin := 0; begin < len(v); begin += 2 * half {
			w := complex(1, 0)
			for i := begin; i < begin+half; i++ {
				odd := w * v[i+half]
				v[i], v[i+half] = v[i]+odd, v[i]-odd
				w *= turn
			}
		}
	}
}

// A prompt is found where it is, softer, in noise, or with packets lost; and another prompt, silence, a
// tone or half of it is not taken for it.
func TestCorrelation(t *testing.T) {
	sound, other := prompt(t, "zh", "officials"), prompt(t, "zh", "loan")
	quiet := make([]int16, 3*rate)
	within := func(parts ...[]int16) []int16 {
		return slices.Concat(append(append([][]int16{quiet}, parts...), quiet)...)
	}
	half := len(sound) / 2
	tests := []struct {
		name      string
		recording []int16
		least     float64 // that it must have, 0: it must have less than 0.8
	}{
		{"the prompt", within(sound), 0.999},
		{"softer", within(changed(sound, func(_ int, s float64) float64 { return s / 8 })), 0.99},
		{"in noise", changed(within(sound), func(i int, s float64) float64 { return s + 300*math.Sin(float64(i*i)) }), 0.95},
		{"after another", within(other, sound), 0.999},
		{"with a packet left out", within(sound[:half], sound[half+rate/50:]), 0.95},
		{"with a packet put in", within(sound[:half], quiet[:rate/50], sound[half:]), 0.95},
		{"with packets lost", within(changed(sound, func(i int, s float64) float64 {
			if i/(rate/50)%50 == 7 {
				return 0
			}
			return s
		})), 0.95},

		{"another prompt", within(other, quiet, other), 0},
		{"the same in the other language", within(prompt(t, "en", "officials"), quiet), 0},
		{"the first half", within(sound[:half], quiet), 0},
		{"the second half", within(quiet, sound[half:]), 0},
		{"silence", within(quiet, quiet), 0},
		{"a tone", within(sine(440, 15*time.Second)), 0},
		{"too short", sound[1:], 0},
		{"nothing", nil, 0},
	}
	for _, tt := range tests {
		score, at := correlation(tt.recording, sound)
		if tt.least > 0 && (score < tt.least || at < 3*rate-rate/50) || tt.least == 0 && score > 0.8 {
			t.Errorf("%s: correlation %.3f at %s", tt.name, score, time.Duration(at)*time.Second/rate)
		}
	}
}

// changed is a sound with each sample changed.
func changed(sound []int16, change func(i int, sample float64) float64) []int16 {
	out := make([]int16, len(sound))
	for i, sample := range sound {
		out[i] = int16(change(i, float64(sample)))
	}
	return out
}
