package media

import (
	"errors"
	"time"
)

// ErrWAV is wrapped by every error that says a file is not a usable WAV file.
var ErrWAV = errors.New("not a usable WAV file")

// Sound is linear samples of one channel.
type WAV struct {
	Rate    int // samples a second
	Samples []float32
}

// Duration is how long it lasts.
func (w WAV) Duration() time.Duration { return 0 }

// DecodeWAV reads.
func DecodeWAV(data []byte) (WAV, error) { return WAV{}, nil }

// Resample does.
func Resample(samples []float32, from, to int) []int16 { return nil }
