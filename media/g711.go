package media

import "math/bits"

// Codec is a G.711 companding law, whose value is its static RTP payload type (RFC 3551 §6), or Other.
type Codec uint8

// The codecs. The two laws code one sample in one byte at SampleRate.
const (
	PCMU  Codec = 0   // µ-law
	PCMA  Codec = 8   // A-law
	Other Codec = 255 // passed from leg to leg as it is, and neither coded nor decoded here
)

// SampleRate is the rate of both codecs and of their RTP clocks, in samples a second.
const SampleRate = 8000

// String is the encoding name as it stands in an SDP rtpmap attribute; Other's is "other".
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	default:
		return "other"
	}
}

// Encode returns the code of a 16-bit linear sample.
func (c Codec) Encode(sample int16) byte {
	if c == PCMU {
		return encodeMu(sample)
	}
	return encodeA(sample)
}

// Decode returns the 16-bit linear sample that code stands for.
func (c Codec) Decode(code byte) int16 {
	if c == PCMU {
		return muTable[code]
	}
	return aTable[code]
}

// Silence is the code of the sample 0.
func (c Codec) Silence() byte { return c.Encode(0) }

// Samples are scaled so that the codec's range fills 16 bits: a code is a sign, a segment (the
// exponent) of 3 bits and a mantissa of 4 bits.
const (
	muBias = 0x84  // moves every magnitude into a segment, 14-bit bias 33 in 16-bit scale
	muMax  = 32635 // largest magnitude that the bias does not carry over
)

var muTable, aTable = buildTable(decodeMu), buildTable(decodeA)

func buildTable(decode func(byte) int16) (table [256]int16) {
	for code := range table {
		table[code] = decode(byte(code))
	}
	return table
}

// encodeMu follows ITU-T G.711 table 2: all bits of the code are inverted.
func encodeMu(sample int16) byte {
	magnitude, sign := int(sample), byte(0)
	if magnitude < 0 {
		magnitude, sign = -magnitude, 0x80
	}
	magnitude = min(magnitude, muMax) + muBias
	segment := bits.Len(uint(magnitude)) - 8
	return ^(sign | byte(segment)<<4 | byte(magnitude>>(segment+3))&0x0f)
}

func decodeMu(code byte) int16 {
	code = ^code
	magnitude := (int(code&0x0f)<<3+muBias)<<(code>>4&7) - muBias
	if code&0x80 != 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

// encodeA follows ITU-T G.711 table 1: even bits of the code are inverted, and the sign bit is set
// for samples that are not negative.
func encodeA(sample int16) byte {
	magnitude, mask := int(sample), byte(0xd5)
	if magnitude < 0 {
		magnitude, mask = ^magnitude, 0x55
	}
	if magnitude < 256 { // the two lowest segments share one step
		return byte(magnitude>>4) ^ mask
	}
	segment := bits.Len(uint(magnitude)) - 8
	return (byte(segment)<<4 | byte(magnitude>>(segment+3))&0x0f) ^ mask
}

func decodeA(code byte) int16 {
	code ^= 0x55
	magnitude := int(code&0x0f)<<4 + 8
	if segment := code >> 4 & 7; segment > 0 {
		magnitude = (magnitude + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}
