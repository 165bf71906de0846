package media

// What counts for speech: a packet is loud when its mean magnitude is above both a soft voice and a
// multiple of the noise before it. A click is shorter than speechTime.
const (
	softVoice  = 250                    // of 32767, about -42 dB
	aboveNoise = 4                      // times the noise
	speechTime = 80 * SampleRate / 1000 // samples that are loud, more or less in a row
)

// speech finds where somebody begins to speak.
type speech struct {
	noise int // mean magnitude while nobody spoke, times 16
	loud  int // samples that were loud, less those since that were not
}

// begins takes the next packet and reports whether speech has begun with it.
func (s *speech) begins(codes []byte, codec Codec) bool {
	if len(codes) == 0 {
		return false
	}
	total := 0
	for _, code := range codes {
		sample := int(codec.Decode(code))
		total += max(sample, -sample)
	}
	mean := total / len(codes)
	if mean < softVoice || mean*16 < s.noise*aboveNoise {
		s.noise += mean - s.noise/16
		s.loud = max(s.loud-len(codes)/2, 0)
		return false
	}
	s.loud += len(codes)
	return s.loud >= speechTime
}
