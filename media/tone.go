package media

import "math"

// The tone is soft and fades in and out, so that nobody who wears a headset is startled.
const (
	toneFrequency = 440             // hertz
	toneSamples   = SampleRate      // one second
	tonePeak      = 3200            // about -20 dB below full scale
	toneFade      = SampleRate / 20 // samples of fading at either end
)

// Tone is a prompt of no language: a tone of one second.
func Tone() *Prompt {
	samples := make([]int16, toneSamples)
	for i := range samples {
		gain := min(1, float64(min(i, toneSamples-i))/toneFade)
		samples[i] = int16(tonePeak * gain * math.Sin(2*math.Pi*toneFrequency*float64(i)/SampleRate))
	}
	return NewPrompt("tone", "", samples)
}
