package media

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// Party is our end of the offers and answers of one dialog (RFC 3264). It writes our descriptions,
// keeps their streams in their places and counts their versions: one that says what the last one said
// is that one again, version and all. The audio is received by us; every stream beside it is refused,
// but video where Video is set. It is not safe for concurrent use.
type Party struct {
	// Video lets video pass when both sides agree on it: from telephone to telephone, and not through
	// the gateway. It may be set and unset between offers.
	Video bool

	local   netip.AddrPort
	id      uint64 // of the o= line, one for the dialog
	version uint64 // of the o= line
	said    []byte // what our last description says below its o= line

	agreed  layout   // of the dialog
	offered layout   // of our last offer
	formats []format // of the audio in our last offer
}

// NewParty begins the descriptions of a dialog in which we receive RTP at local.
func NewParty(local netip.AddrPort) *Party {
	return &Party{local: local, id: uint64(rand.Uint32()), agreed: noLayout, offered: noLayout}
}

// Offer writes an offer of our own: both laws of G.711, A-law first, and telephone events.
func (p *Party) Offer() []byte {
	formats := withKeys([]format{law(PCMA), law(PCMU)})
	return p.offer(line{formats: formats, direction: SendRecv, packetTime: DefaultPacketTime}, nil)
}

// Relay writes an offer that carries on what far, the last description of the other leg, offers. Both
// laws of G.711 are in front, so that prompts can be played whatever far offers; its other formats
// follow as they are, payload types and all. Its packet time and direction are carried on, too, but
// the first offer of a dialog is sendrecv, for the prompts. Where the other leg was answered with
// G.711 already, an Offer fits better: it leaves the called side no other choice.
//
// The error is an Unacceptable: far has no audio that we can use.
func (p *Party) Relay(far Description) ([]byte, error) {
	return p.carry(far, func(formats []format) []format { return withKeys(append(lawsOf(formats), formats...)) })
}

// Pass is Relay with far's own formats only. It joins two legs when AnswerAs found nothing common to
// both: when the caller has no G.711, and the person called heard the prompts in it.
func (p *Party) Pass(far Description) ([]byte, error) {
	return p.carry(far, func(formats []format) []format { return formats })
}

// carry writes an offer of what choose makes of far's formats.
func (p *Party) carry(far Description, choose func([]format) []format) ([]byte, error) {
	s, _, err := far.audio()
	if err != nil {
		return nil, err
	}
	audio := line{direction: s.wants(), packetTime: s.asks()}
	for _, f := range choose(s.formats) {
		if (f.isCodec() || f.isKeys()) && !has(audio.formats, f.payloadType) {
			audio.formats = append(audio.formats, f)
		}
	}
	if !slices.ContainsFunc(audio.formats, func(f format) bool { return f.isCodec() }) {
		return nil, ErrFormat
	}
	if p.agreed.audio < 0 {
		audio.direction = SendRecv
	}
	return p.offer(audio, far.video()), nil
}

// offer writes an offer and remembers it for Accept.
func (p *Party) offer(audio line, video *section) []byte {
	p.formats = audio.formats
	if video == nil || !p.Video {
		p.offered = p.agreed.with(nil)
		return p.describe(p.offered, always, audio, nil)
	}
	p.offered = p.agreed.with(video)
	return p.describe(p.offered, always, audio, video.line(video.formats))
}

// Accept takes the answer to our last offer, and returns what they came to. It may be called for each
// of several answers, as in a 183 and the 200 after it; the last one counts. The error is an
// Unacceptable.
func (p *Party) Accept(answer Description) (Stream, error) {
	s, _, err := answer.at(p.offered.audio).audio()
	if err != nil {
		return Stream{}, err
	}
	theirs, ours := s.choose(p.formats)
	if theirs == nil {
		return Stream{}, ErrFormat
	}
	stream := s.stream(theirs, ours)
	if keys := keysBeside(ours, s.formats); keys != nil {
		if own := match(keys, p.formats); own != nil {
			stream.setKeys(keys, own)
		}
	}
	p.agreed = p.offered
	return stream, nil
}

// Answer answers an offer on our own, with its first format of G.711, and returns what they came to.
// The error is an Unacceptable; nothing has changed then.
func (p *Party) Answer(offer Description) (answer []byte, stream Stream, err error) {
	s, index, err := offer.audio()
	if err != nil {
		return nil, Stream{}, err
	}
	i := slices.IndexFunc(s.formats, func(f format) bool { return f.codec() != Other })
	if i < 0 {
		return nil, Stream{}, ErrFormat
	}
	stream = s.stream(&s.formats[i], &s.formats[i])
	audio := line{formats: s.formats[i : i+1 : i+1], direction: stream.Direction, packetTime: s.asks()}
	answer = p.answer(offer, index, audio, nil, &stream)
	return answer, stream, nil
}

// AnswerAs answers an offer as the other leg did: with the format that far, the last description from
// there, prefers among those of the offer (of G.711, either law will do), its packet time, and the
// direction that both leave. It returns what they came to. The error is an Unacceptable, with nothing
// changed; ErrFormat says that the other leg has to be asked for another format with Pass.
func (p *Party) AnswerAs(offer, far Description) (answer []byte, stream Stream, err error) {
	s, index, err := offer.audio()
	if err != nil {
		return nil, Stream{}, err
	}
	other, _, err := far.audio()
	if err != nil {
		return nil, Stream{}, err
	}
	theirs, chosen := other.choose(s.formats)
	if theirs == nil {
		return nil, Stream{}, ErrFormat
	}
	stream = s.stream(chosen, chosen)
	stream.Direction &= other.wants()
	audio := line{formats: []format{chosen.with(theirs)}, direction: stream.Direction, packetTime: other.asks()}
	answer = p.answer(offer, index, audio, p.video(offer, far), &stream)
	return answer, stream, nil
}

// video answers the video of an offer as the other leg did, nil when it is refused.
func (p *Party) video(offer, far Description) *line {
	s, other := offer.video(), far.video()
	if !p.Video || s == nil || other == nil {
		return nil
	}
	theirs, chosen := other.choose(s.formats)
	if theirs == nil {
		return nil
	}
	return other.line([]format{chosen.with(theirs)})
}

// answer writes the answer that takes one format of the offer's audio, and the keys that go with it.
func (p *Party) answer(offer Description, index int, audio line, video *line, stream *Stream) []byte {
	if keys := keysBeside(&audio.formats[0], offer.media[index].formats); keys != nil {
		stream.setKeys(keys, keys)
		audio.formats = append(audio.formats, format{payloadType: keys.payloadType, encoding: keys.encoding, parameters: allKeys})
	}
	timing := offer.timing // which the answer repeats (RFC 3264 §6)
	if timing == "" {
		timing = always
	}
	p.agreed = layoutOf(offer, index)
	return p.describe(p.agreed, timing, audio, video)
}

// describe writes a description. A changed one has the next version (RFC 3264 §8).
func (p *Party) describe(l layout, timing string, audio line, video *line) []byte {
	address := connection(p.local.Addr())
	b := fmt.Appendf(nil, "s=-\r\nc=%s\r\nt=%s\r\n", address, timing)
	for i, s := range l.slots {
		switch {
		case i == l.audio:
			b = audio.append(b, s, p.local)
		case i == l.video && video != nil:
			b = video.append(b, s, video.from)
		default:
			b = fmt.Appendf(b, "m=%s 0 %s %s\r\n", s.kind, s.proto, s.format)
		}
	}
	if !bytes.Equal(b, p.said) {
		p.said = b
		p.version++
	}
	head := fmt.Appendf(nil, "v=0\r\no=- %d %d %s\r\n", p.id, p.version, address)
	return append(head, b...)
}
