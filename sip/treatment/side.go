package treatment

import (
	"bytes"
	"errors"
	"net/netip"

	"ringfence/media"
)

// side is a leg with its media, as far as the two have come.
type side struct {
	id     LegID
	leg    Leg
	port   Port
	target string // name of the divert target that is called; empty: the PBX, or the caller
	live   bool   // neither ended nor told to

	party    *media.Party // our end of its offers and answers
	far      description  // the other end's last one that was taken
	stream   media.Stream // what the two ends came to
	agreed   bool         // stream is set
	answered bool         // the dialog is confirmed: a 2xx was sent or received
	awaited  bool         // the ACK to a re-INVITE without an offer brings the answer to ours
}

// description is an SDP offer or answer, as it came and as it was read.
type description struct {
	raw []byte
	media.Description
}

// errNoDescription says that a description was due and did not come.
var errNoDescription = errors.New("there is no description")

func read(raw []byte) (description, error) {
	if len(raw) == 0 {
		return description{}, errNoDescription
	}
	d, err := media.ParseSDP(raw)
	return description{bytes.Clone(raw), d}, err
}

// openPort gives a side its media, of the address family of peer. The error is that no port is free.
func (c *Call) openPort(s *side, peer netip.Addr) error {
	port, err := c.env.OpenPort(s.id, peer)
	if err != nil {
		return err
	}
	s.port, s.party = port, media.NewParty(port.Local())
	return nil
}

// answer answers an offer with G.711, so that prompts can be played.
func (s *side) answer(offer description) ([]byte, error) {
	text, stream, err := s.party.Answer(offer.Description)
	if err != nil {
		return nil, err
	}
	s.agree(offer, stream)
	return text, nil
}

// answerAs answers an offer with what the side to can join.
func (s *side) answerAs(offer description, to *side) ([]byte, error) {
	text, stream, err := s.party.AnswerAs(offer.Description, to.far.Description)
	if err != nil {
		return nil, err
	}
	s.agree(offer, stream)
	return text, nil
}

// accept takes the answer to our last offer. A 200 may leave out the answer that a 183 gave.
func (s *side) accept(raw []byte) error {
	if len(raw) == 0 && s.agreed {
		return nil
	}
	answer, err := read(raw)
	if err != nil {
		return err
	}
	stream, err := s.party.Accept(answer.Description)
	if err != nil {
		return err
	}
	s.agree(answer, stream)
	return nil
}

func (s *side) agree(far description, stream media.Stream) {
	s.far, s.stream, s.agreed = far, stream, true
	s.port.Agree(stream)
}

// hearsPrompts reports whether prompts can be played to the side: they are in G.711.
func (s *side) hearsPrompts() bool { return s.agreed && s.stream.Codec != media.Other }

// repeats reports whether an offer says again what was taken: a session timer's refresh (RFC 4028 §7.4).
func (s *side) repeats(offer []byte) bool { return s.agreed && bytes.Equal(offer, s.far.raw) }

// close frees the port of a leg that has ended, or is told to.
func (s *side) close() {
	s.live = false
	if s.port != nil {
		s.port.Close()
		s.port = nil
	}
}

// end ends a side's dialog and media.
func (s *side) end(reason string) {
	if s.live {
		s.leg.End(reason)
	}
	s.close()
}
