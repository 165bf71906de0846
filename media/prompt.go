package media

import "time"

// Prompt is a sound that is played to one side of a call. It does not change once it is made.
type Prompt struct {
	ID       string // as in "officials" or "digit-7"
	Language string // "zh" or "en"

	codesA, codesU []byte // one sample each, at SampleRate
}

// NewPrompt codes samples, which are linear at SampleRate, once for each law.
func NewPrompt(id, language string, samples []int16) *Prompt {
	p := &Prompt{ID: id, Language: language, codesA: make([]byte, len(samples)), codesU: make([]byte, len(samples))}
	for i, sample := range samples {
		p.codesA[i], p.codesU[i] = encodeA(sample), encodeMu(sample)
	}
	return p
}

// Duration is how long the prompt takes to play.
func (p *Prompt) Duration() time.Duration {
	return time.Duration(len(p.codesA)) * time.Second / SampleRate
}

// codes are the prompt in one of the two laws. They must not be changed.
func (p *Prompt) codes(c Codec) []byte {
	if c == PCMU {
		return p.codesU
	}
	return p.codesA
}
