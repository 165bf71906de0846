package media

import (
	"math"
	"testing"
)

func TestG711Vectors(t *testing.T) {
	tests := []struct {
		codec  Codec
		sample int16
		code   byte
	}{
		{PCMU, 0, 0xff},
		{PCMU, math.MaxInt16, 0x80},
		{PCMU, math.MinInt16, 0x00},
		{PCMU, 1000, 0xce},
		{PCMU, -1000, 0x4e},
		{PCMA, 0, 0xd5},
		{PCMA, -1, 0x55},
		{PCMA, math.MaxInt16, 0xaa},
		{PCMA, math.MinInt16, 0x2a},
		{PCMA, 1000, 0xfa},
		{PCMA, -1000, 0x7a},
	}
	for _, tt := range tests {
		if got := tt.codec.Encode(tt.sample); got != tt.code {
			t.Errorf("%s.Encode(%d) = %#02x, want %#02x", tt.codec, tt.sample, got, tt.code)
		}
	}
}

// Every code decodes to a sample that encodes to it again; µ-law has a negative zero, which
// becomes the positive one.
func TestG711CodesRoundTrip(t *testing.T) {
	for _, codec := range []Codec{PCMU, PCMA} {
		for code := range 256 {
			got := codec.Encode(codec.Decode(byte(code)))
			if got != byte(code) && (codec != PCMU || code != 0x7f) {
				t.Errorf("%s: code %#02x came back as %#02x", codec, code, got)
			}
		}
	}
}

// The error of a sample is at most half a step of its segment: 1/32 of its value, and a fixed
// amount near zero.
func TestG711Error(t *testing.T) {
	for _, codec := range []Codec{PCMU, PCMA} {
		for s := math.MinInt16; s <= math.MaxInt16; s++ {
			got := int(codec.Decode(codec.Encode(int16(s))))
			diff, bound := math.Abs(float64(got-s)), math.Max(8, math.Abs(float64(s))/30+5)
			if diff > bound && math.Abs(float64(s)) < muMax {
				t.Fatalf("%s: %d came back as %d", codec, s, got)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		PCMA.Encode(int16(i))
	}
}
