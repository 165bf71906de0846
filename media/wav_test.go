package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// chunk is one chunk of a RIFF file.
func chunk(name string, body []byte) []byte {
	b := append([]byte(name), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// wavHead is the body of a "fmt " chunk.
func wavHead(tag, channels uint16, rate uint32, bits uint16) []byte {
	var b bytes.Buffer
	frame := channels * bits / 8
	for _, v := range []any{tag, channels, rate, rate * uint32(frame), frame, bits} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err) // a buffer takes everything
		}
	}
	return b.Bytes()
}

// wav is a RIFF file of chunks.
func wav(chunks ...[]byte) []byte {
	return chunk("RIFF", append([]byte("WAVE"), bytes.Join(chunks, nil)...))
}

// wav16 is a WAV file of one channel of 16 bits.
func wav16(rate int, samples []int16) []byte {
	body := make([]byte, 2*len(samples))
	for i, sample := range samples {
		binary.LittleEndian.PutUint16(body[2*i:], uint16(sample))
	}
	return wav(chunk("fmt ", wavHead(tagPCM, 1, uint32(rate), 16)), chunk("data", body))
}

func TestReadWAV(t *testing.T) {
	extensible := append(wavHead(tagExtensible, 1, 8000, 16), 22, 0, 16, 0, 4, 0, 0, 0, tagPCM, 0)
	tests := []struct {
		name string
		file []byte
		want Recording
	}{
		{"8 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 8)), chunk("data", []byte{0, 128, 192})), Recording{8000, []float32{-1, 0, 0.5}}},
		{"16 bits", wav16(48000, []int16{math.MinInt16, 0, 16384}), Recording{48000, []float32{-1, 0, 0.5}}},
		{"24 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 24)), chunk("data", []byte{0, 0, 0x80, 1, 0, 0, 0, 0, 0x40})), Recording{8000, []float32{-1, 1.0 / (1 << 23), 0.5}}},
		{"32 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 32)), chunk("data", []byte{0, 0, 0, 0x80, 0, 0, 0, 0x40})), Recording{8000, []float32{-1, 0.5}}},
		{"stereo", wav(chunk("fmt ", wavHead(tagPCM, 2, 8000, 8)), chunk("data", []byte{0, 128, 192, 64, 192, 192})), Recording{8000, []float32{-0.5, 0, 0.5}}},
		{"A-law", wav(chunk("fmt ", wavHead(tagALaw, 1, 8000, 8)), chunk("data", []byte{0xd5})), Recording{8000, []float32{8.0 / (1 << 15)}}},
		{"µ-law", wav(chunk("fmt ", wavHead(tagMuLaw, 1, 8000, 8)), chunk("data", []byte{0xff, 0x00})), Recording{8000, []float32{0, -32124.0 / (1 << 15)}}},
		{"extensible", wav(chunk("fmt ", extensible), chunk("data", []byte{0, 0x40})), Recording{8000, []float32{0.5}}},
		{"other chunks of odd length", wav(chunk("LIST", []byte("x")), chunk("fmt ", wavHead(tagPCM, 1, 8000, 8)), chunk("cue ", []byte("abc")), chunk("data", []byte{192})), Recording{8000, []float32{0.5}}},
		{"half a sample at the end", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 16)), chunk("data", []byte{0, 0x40, 1})), Recording{8000, []float32{0.5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadWAV(tt.file)
			if err != nil || got.Rate != tt.want.Rate || !slices.Equal(got.Samples, tt.want.Samples) {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadWAVErrors(t *testing.T) {
	data := chunk("data", make([]byte, 100))
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "does not begin with RIFF"},
		{"MP3", []byte("ID3\x03 and so on and on"), "does not begin with RIFF"},
		{"AVI", chunk("RIFF", []byte("AVI ")), "does not begin with RIFF"},
		{"cut short", wav16(8000, make([]int16, 100))[:100], `its chunk "data" has 56 bytes of 200`},
		{"huge chunk", append(wav(), 'd', 'a', 't', 'a', 0xff, 0xff, 0xff, 0xff), `its chunk "data" has 0 bytes of 4294967295`},
		{"no sound", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 16))), `no chunk "data"`},
		{"no format", wav(data), "before its format"},
		{"short format", wav(chunk("fmt ", make([]byte, 15)), data), "its format has 15 bytes"},
		{"MP3 inside", wav(chunk("fmt ", wavHead(0x55, 1, 8000, 0)), data), "format 0x0055 with 0 bits; save it as PCM with 16 bits"},
		{"float", wav(chunk("fmt ", wavHead(3, 1, 8000, 32)), data), "format 0x0003 with 32 bits"},
		{"12 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 12)), data), "with 12 bits"},
		{"0 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 0)), data), "with 0 bits"},
		{"40 bits", wav(chunk("fmt ", wavHead(tagPCM, 1, 8000, 40)), data), "with 40 bits"},
		{"surround", wav(chunk("fmt ", wavHead(tagPCM, 6, 8000, 16)), data), "6 channels"},
		{"no channel", wav(chunk("fmt ", wavHead(tagPCM, 0, 8000, 16)), data), "0 channels"},
		{"too slow", wav(chunk("fmt ", wavHead(tagPCM, 1, 0, 16)), data), "0 samples a second"},
		{"too fast", wav(chunk("fmt ", wavHead(tagPCM, 1, MaxRate+1, 16)), data), "192001 samples a second"},
		{"too long", wav(chunk("fmt ", wavHead(tagPCM, 1, 4000, 8)), chunk("data", make([]byte, 4000*61))), "1m1s long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadWAV(tt.file)
			if !errors.Is(err, ErrWAV) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// Whatever is read, it is within the bounds.
func FuzzReadWAV(f *testing.F) {
	f.Add(wav16(48000, []int16{1, 2, 3}))
	f.Add(wav(chunk("LIST", []byte("x")), chunk("fmt ", wavHead(tagALaw, 2, 11025, 8)), chunk("data", make([]byte, 7))))
	f.Add(wav(chunk("fmt ", append(wavHead(tagExtensible, 1, 8000, 24), make([]byte, 10)...)), chunk("data", nil)))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := ReadWAV(file)
		if err != nil {
			if !errors.Is(err, ErrWAV) {
				t.Errorf("error %v does not wrap ErrWAV", err)
			}
			return
		}
		if r.Rate < MinRate || r.Rate > MaxRate || r.Duration() > MaxPrompt || len(r.Samples) > len(file) {
			t.Errorf("%d samples at %d Hz of %d bytes", len(r.Samples), r.Rate, len(file))
		}
		for _, sample := range r.Samples {
			if !(sample >= -1 && sample <= 1) {
				t.Fatalf("a sample is %v", sample)
			}
		}
		const most = 2 * time.Second // of conversion that one input is worth
		if r.Duration() < most {
			if out := Resample(r, SampleRate); len(out) > SampleRate*int(most/time.Second)+1 {
				t.Errorf("%s became %d samples", r.Duration(), len(out))
			}
		}
	})
}
