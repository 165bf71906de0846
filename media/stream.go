package media

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

const (
	frameTime    = 20 * time.Millisecond
	frameSamples = SampleRate / 50   // of one frame, as many bytes in G.711
	maxDatagram  = 1500              // longest RTP packet read, bytes
	heardMax     = SampleRate / 2    // most audio kept for sending back
	heardStart   = 3 * frameSamples  // audio collected before it is sent back, to absorb jitter
	packetSize   = 12 + frameSamples // header without extensions, and the payload
	rtpVersion   = 2                 // RFC 3550 §5.1
)

// Sound is what a session sends while nothing is sent back.
type Sound uint8

// The sounds.
const (
	Mute        Sound = iota // silence
	Tone                     // a tone of one second, then silence
	ToneAndEcho              // a tone of one second, then whatever is heard
)

// stream is the state of one RTP stream in both directions. It has one SSRC, and sequence numbers
// and timestamps without gaps, whatever is sent in it. It knows no clock and no socket.
type stream struct {
	sound    Sound
	agreed   Stream         // zero Remote: nothing agreed yet
	source   netip.AddrPort // where the other side sends from, once heard (symmetric RTP, RFC 4961)
	header   rtp.Header     // of the next packet sent
	position int            // next sample of the tone
	talking  bool           // the last frame was sent: no marker bit on the next

	in      rtp.Packet // reused
	started bool       // in holds the last packet taken
	last    uint16     // its sequence number
	ssrc    uint32     // its SSRC

	heard   []byte // G.711 codes to send back, at most heardMax
	echoing bool   // heard is being sent back
	out     [packetSize]byte
}

func newStream(sound Sound) *stream {
	return &stream{
		sound: sound,
		header: rtp.Header{
			Version:        rtpVersion,
			SSRC:           rand.Uint32(),
			SequenceNumber: uint16(rand.Uint32()),
			Timestamp:      rand.Uint32(),
		},
		heard: make([]byte, 0, heardMax),
	}
}

// agree takes the result of an offer and answer. Where the other side moved, its source is learnt anew.
func (s *stream) agree(agreed Stream) {
	if agreed.Remote != s.agreed.Remote {
		s.source, s.started = netip.AddrPort{}, false
	}
	if agreed.Codec != s.agreed.Codec {
		s.heard, s.echoing = s.heard[:0], false // codes of the other law
	}
	s.agreed = agreed
}

// frame returns the packet due now and where it goes; ok is false when nothing is to be sent. The
// packet is valid until the next call.
func (s *stream) frame() (packet []byte, to netip.AddrPort, ok bool) {
	due := s.header
	s.header.Timestamp += frameSamples // media time passes while nothing is sent, too
	if !s.agreed.Remote.IsValid() || !s.agreed.Direction.Sends() {
		s.talking = false
		return nil, netip.AddrPort{}, false
	}
	s.header.SequenceNumber++
	due.PayloadType = uint8(s.agreed.Codec)
	due.Marker = !s.talking // RFC 3551 §4.1: first packet after silence
	s.talking = true
	n, err := due.MarshalTo(s.out[:])
	if err != nil {
		return nil, netip.AddrPort{}, false
	}
	s.fill(s.out[n:])
	to = s.source
	if !to.IsValid() {
		to = s.agreed.Remote
	}
	return s.out[:], to, true
}

// fill writes one frame of codes.
func (s *stream) fill(payload []byte) {
	codec := s.agreed.Codec
	if s.sound != Mute && s.position < toneSamples {
		for i := range payload {
			payload[i] = codec.Encode(tone(s.position + i))
		}
		s.position += len(payload)
		return
	}
	if s.echoing = s.echoing && len(s.heard) > 0 || len(s.heard) >= heardStart; !s.echoing {
		fillSilence(payload, codec)
		return
	}
	n := copy(payload, s.heard)
	s.heard = s.heard[:copy(s.heard, s.heard[n:])]
	fillSilence(payload[n:], codec)
}

func fillSilence(payload []byte, codec Codec) {
	for i := range payload {
		payload[i] = codec.Silence()
	}
}

// receive takes a datagram and reports whether it is a packet of the stream that was agreed on.
// The first one fixes where the other side sends from; others are then ignored, so that a stranger
// cannot redirect the audio.
func (s *stream) receive(datagram []byte, from netip.AddrPort) bool {
	if !s.agreed.Remote.IsValid() || !s.agreed.Direction.Receives() || s.source.IsValid() && from != s.source {
		return false
	}
	if err := s.in.Unmarshal(datagram); err != nil || s.in.Version != rtpVersion || s.in.PayloadType != uint8(s.agreed.Codec) {
		return false
	}
	if s.started && s.in.SSRC == s.ssrc && int16(s.in.SequenceNumber-s.last) <= 0 {
		return false // a duplicate, or too late to be played in order
	}
	s.source, s.started, s.ssrc, s.last = from, true, s.in.SSRC, s.in.SequenceNumber
	if s.sound == ToneAndEcho && s.position >= toneSamples {
		s.hear(s.in.Payload)
	}
	return true
}

// hear keeps codes to send back; when they come faster than they are sent, the oldest are dropped.
func (s *stream) hear(codes []byte) {
	codes = codes[max(0, len(codes)-heardMax):]
	if excess := len(s.heard) + len(codes) - heardMax; excess > 0 {
		s.heard = s.heard[:copy(s.heard, s.heard[excess:])]
	}
	s.heard = append(s.heard, codes...)
}
