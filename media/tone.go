package media

import "math"

// The tone is soft and fades in and out, so that nobody who wears a headset is startled.
const (
	ToneFrequency = 440             // hertz
	toneSamples   = SampleRate      // one second
	tonePeak      = 3200            // about -20 dB below full scale
	toneFade      = SampleRate / 20 // samples of fading at either end
)

// tone returns sample i of the tone; it is 0 before the first and after the last sample.
func tone(i int) int16 {
	if i < 0 || i >= toneSamples {
		return 0
	}
	gain := min(1, float64(min(i, toneSamples-i))/toneFade)
	return int16(tonePeak * gain * math.Sin(2*math.Pi*ToneFrequency*float64(i)/SampleRate))
}
