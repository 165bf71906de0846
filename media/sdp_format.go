package media

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// format is one payload format of a stream over RTP.
type format struct {
	payloadType uint8
	encoding    string   // of a=rtpmap, as "opus/48000/2"; empty when a dynamic type has none
	parameters  string   // of a=fmtp, as they stand
	feedback    []string // of a=rtcp-fb (RFC 4585), as they stand
}

// staticEncodings are the encodings of the payload types that need no a=rtpmap (RFC 3551 §6).
var staticEncodings = [128]string{
	0: "PCMU/8000", 3: "GSM/8000", 4: "G723/8000", 5: "DVI4/8000", 6: "DVI4/16000", 7: "LPC/8000",
	8: "PCMA/8000", 9: "G722/8000", 10: "L16/44100/2", 11: "L16/44100", 12: "QCELP/8000", 13: "CN/8000",
	14: "MPA/90000", 15: "G728/8000", 16: "DVI4/11025", 17: "DVI4/22050", 18: "G729/8000",
}

const (
	keysType = 101    // payload type that we offer telephone events with, unless it is taken
	allKeys  = "0-15" // the events of the keypad, 0-9, *, # and A-D (RFC 4733 §3.2)
)

// read takes the value of a line on the format. What a static type means cannot be changed.
func (f *format) read(name, value string) {
	switch {
	case name == "fmtp":
		f.parameters = value
	case name == "rtcp-fb":
		f.feedback = append(f.feedback, value)
	case staticEncodings[f.payloadType] == "":
		f.encoding = strings.TrimSuffix(value, "/1") // one channel is meant where none is named
	}
}

// name is the encoding's name in upper case, and clock its rate in hertz, 0 where it has none.
func (f *format) name() (name string, clock int) {
	name, rest, _ := strings.Cut(f.encoding, "/")
	rate, _, _ := strings.Cut(rest, "/")
	clock, err := strconv.Atoi(rate)
	if err != nil || clock < 0 {
		clock = 0
	}
	return strings.ToUpper(name), clock
}

// codec is the G.711 law of the format, or Other.
func (f *format) codec() Codec {
	switch strings.ToUpper(f.encoding) {
	case "PCMU/8000":
		return PCMU
	case "PCMA/8000":
		return PCMA
	default:
		return Other
	}
}

// isKeys reports whether the format is telephone events (RFC 4733).
func (f *format) isKeys() bool {
	name, clock := f.name()
	return name == "TELEPHONE-EVENT" && clock > 0
}

// auxiliary are formats that only make sense beside another one, and so are not passed on: a prompt,
// or the one format that an answer takes, has nothing they could go with.
var auxiliary = []string{"TELEPHONE-EVENT", "TONE", "CN", "RED", "RTX", "ULPFEC", "FLEXFEC-03", "PARITYFEC"}

// isCodec reports whether the format stands by itself.
func (f *format) isCodec() bool {
	name, clock := f.name()
	return clock > 0 && !slices.Contains(auxiliary, name)
}

// same reports whether two formats are of one encoding.
func (f *format) same(g *format) bool {
	return f.encoding != "" && strings.EqualFold(f.encoding, g.encoding)
}

// with is the format with the parameters that the other leg, which answered with g, gave it. What
// G.711 or its own side means by them is not changed.
func (f *format) with(g *format) format {
	if f.codec() != Other {
		return *f
	}
	return format{f.payloadType, f.encoding, g.parameters, g.feedback}
}

// append writes the lines that say what the payload type means.
func (f *format) append(b []byte) []byte {
	if f.encoding != "" {
		b = fmt.Appendf(b, "a=rtpmap:%d %s\r\n", f.payloadType, f.encoding)
	}
	if f.parameters != "" {
		b = fmt.Appendf(b, "a=fmtp:%d %s\r\n", f.payloadType, f.parameters)
	}
	for _, feedback := range f.feedback {
		b = fmt.Appendf(b, "a=rtcp-fb:%d %s\r\n", f.payloadType, feedback)
	}
	return b
}

// law is the format of a G.711 law.
func law(c Codec) format {
	return format{payloadType: uint8(c), encoding: staticEncodings[c]}
}

// lawsOf are both laws of G.711, first those that are among formats, and with their payload types.
func lawsOf(formats []format) (laws []format) {
	has := func(c Codec) bool {
		return slices.ContainsFunc(laws, func(f format) bool { return f.codec() == c })
	}
	for _, f := range append(slices.Clone(formats), law(PCMA), law(PCMU)) {
		if f.codec() != Other && !has(f.codec()) {
			laws = append(laws, f)
		}
	}
	return laws
}

// withKeys adds telephone events of G.711's clock to formats that have none.
func withKeys(formats []format) []format {
	var taken [128]bool
	for i := range formats {
		if _, clock := formats[i].name(); formats[i].isKeys() && clock == SampleRate {
			return formats
		}
		taken[formats[i].payloadType] = true
	}
	payloadType := uint8(keysType)
	for n := uint8(96); taken[payloadType] && n < 128; n++ { // RFC 3551 §6: the dynamic types
		payloadType = n
	}
	return append(formats, format{payloadType: payloadType, encoding: "telephone-event/8000", parameters: allKeys})
}

// has reports whether one of the formats has a payload type.
func has(formats []format, payloadType uint8) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return f.payloadType == payloadType })
}

// match is the format of an offer that one of the other side stands for: the one of its encoding,
// else, for G.711, the one of the other law; else nil. A dynamic type of an answer that is not
// explained means what the offer said.
func match(f *format, offered []format) (found *format) {
	for i := range offered {
		o := &offered[i]
		switch {
		case f.same(o), f.encoding == "" && f.payloadType == o.payloadType:
			if f.payloadType == o.payloadType {
				return o
			}
			if found == nil || !found.same(o) {
				found = o
			}
		case found == nil && f.codec() != Other && o.codec() != Other:
			found = o
		}
	}
	return found
}

// keysBeside chooses the telephone events that go with a codec: those of its clock (RFC 4733 §2.1),
// else those of 8000 Hz, else none.
func keysBeside(codec *format, formats []format) (keys *format) {
	_, clock := codec.name()
	for i := range formats {
		f := &formats[i]
		if !f.isKeys() {
			continue
		}
		switch _, rate := f.name(); rate {
		case clock:
			return f
		case SampleRate:
			keys = f
		}
	}
	return keys
}
