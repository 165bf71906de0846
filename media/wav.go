package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Bounds on a recording that is read.
const (
	MinRate   = 4000        // samples a second
	MaxRate   = 192000      // samples a second
	MaxPrompt = time.Minute // longest prompt
)

// ErrWAV is wrapped by every error that says a file is not a usable WAV file.
var ErrWAV = errors.New("not a usable WAV file")

// Recording is a sound of one channel as it was recorded.
type Recording struct {
	Rate    int       // samples a second, within the bounds above
	Samples []float32 // from -1 to 1
}

// Duration is how long the recording is.
func (r Recording) Duration() time.Duration {
	return time.Duration(len(r.Samples)) * time.Second / time.Duration(r.Rate)
}

// The format tags of the RIFF registry that are read (RFC 2361 appendix A).
const (
	tagPCM        = 0x0001
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagExtensible = 0xfffe // the tag proper begins the sub-format
)

// wavFormat is the "fmt " chunk of a WAV file.
type wavFormat struct {
	tag      uint16
	channels int
	rate     int
	width    int // bytes of one sample of one channel
}

// ReadWAV reads a WAV file of PCM in 8, 16, 24 or 32 bits, A-law or µ-law, in mono or stereo, of which
// it makes one channel. It keeps nothing of file. The error wraps ErrWAV, and says what is wrong and
// what to do.
func ReadWAV(file []byte) (Recording, error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return Recording{}, fmt.Errorf("%w: it does not begin with RIFF and WAVE; save it as a WAV file", ErrWAV)
	}
	var format wavFormat
	for rest := file[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if size > int64(len(body)) {
			return Recording{}, fmt.Errorf("%w: its chunk %q has %d bytes of %d: it is cut short; copy or save it again", ErrWAV, name, len(body), size)
		}
		switch name {
		case "fmt ":
			var err error
			if format, err = readWAVFormat(body[:size]); err != nil {
				return Recording{}, fmt.Errorf("%w: %w", ErrWAV, err)
			}
		case "data":
			if format.rate == 0 {
				return Recording{}, fmt.Errorf("%w: its sound comes before its format; save it again", ErrWAV)
			}
			return format.decode(body[:size])
		}
		rest = body[min(size+size&1, int64(len(body))):] // chunks begin at even places
	}
	return Recording{}, fmt.Errorf("%w: there is no chunk \"data\" in it; save it again", ErrWAV)
}

// readWAVFormat reads the body of a "fmt " chunk.
func readWAVFormat(b []byte) (f wavFormat, err error) {
	if len(b) < 16 {
		return f, fmt.Errorf("its format has %d bytes, fewer than 16; save it again", len(b))
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	f = wavFormat{tag: uint16(word(0)), channels: word(2), rate: int(binary.LittleEndian.Uint32(b[4:])), width: word(14) / 8}
	if f.tag == tagExtensible && len(b) >= 26 {
		f.tag = uint16(word(24))
	}
	switch {
	case f.tag == tagPCM && word(14)%8 == 0 && f.width >= 1 && f.width <= 4:
	case (f.tag == tagALaw || f.tag == tagMuLaw) && word(14) == 8:
	default:
		return f, fmt.Errorf("it is of format %#04x with %d bits; save it as PCM with 16 bits", f.tag, word(14))
	}
	if f.channels != 1 && f.channels != 2 {
		return f, fmt.Errorf("it has %d channels; save it with one", f.channels)
	}
	if f.rate < MinRate || f.rate > MaxRate {
		return f, fmt.Errorf("it has %d samples a second; save it with %d to %d", f.rate, MinRate, MaxRate)
	}
	return f, nil
}

// decode reads the body of a "data" chunk. A last sample that is not whole is left out.
func (f wavFormat) decode(b []byte) (Recording, error) {
	frame := f.channels * f.width
	r := Recording{Rate: f.rate}
	count := len(b) / frame
	if long := time.Duration(count) * time.Second / time.Duration(f.rate); long > MaxPrompt {
		return r, fmt.Errorf("%w: it is %s long; a prompt is at most %s", ErrWAV, long.Round(time.Second), MaxPrompt)
	}
	r.Samples = make([]float32, count)
	for i := range r.Samples {
		var sum float32
		for c := range f.channels {
			sum += f.sample(b[i*frame+c*f.width:])
		}
		r.Samples[i] = sum / float32(f.channels)
	}
	return r, nil
}

// sample reads the first sample of b.
func (f wavFormat) sample(b []byte) float32 {
	switch {
	case f.tag == tagALaw:
		return float32(PCMA.Decode(b[0])) / (1 << 15)
	case f.tag == tagMuLaw:
		return float32(PCMU.Decode(b[0])) / (1 << 15)
	case f.width == 1: // the only width without a sign
		return (float32(b[0]) - 128) / (1 << 7)
	}
	var value uint32 // the sample's bytes at the top
	for i := range f.width {
		value = value>>8 | uint32(b[i])<<24
	}
	return float32(int32(value)) / (1 << 31)
}
