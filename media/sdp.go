package media

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds on a description that is read.
const (
	MaxSDP     = 16 << 10 // bytes
	maxMedia   = 16       // m= lines
	maxFormats = 64       // formats of one m= line
)

// ErrSDP is wrapped by every error that says a text is not a usable SDP description.
var ErrSDP = errors.New("not a usable SDP description")

// Direction says who sends in a stream, as seen by whoever wrote the description.
type Direction uint8

// The directions. A value's bits say whether its writer sends and receives.
const (
	Inactive Direction = iota
	SendOnly
	RecvOnly
	SendRecv
)

var directionNames = [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}

// String is the SDP attribute for d.
func (d Direction) String() string { return directionNames[d&SendRecv] }

// Reverse is the same stream as the other side describes it.
func (d Direction) Reverse() Direction { return d&SendOnly<<1 | d&RecvOnly>>1 }

// Sends reports whether the writer of the description sends.
func (d Direction) Sends() bool { return d&SendOnly != 0 }

// Receives reports whether the writer of the description receives.
func (d Direction) Receives() bool { return d&RecvOnly != 0 }

// section is one m= line and what belongs to it.
type section struct {
	kind      string // "audio", "video", …
	port      uint16
	proto     string
	formats   []string
	addr      netip.Addr // zero when c= names none that is usable
	direction Direction
}

// Description is an SDP offer or answer (RFC 8866), as far as a G.711 user agent needs it.
type Description struct {
	media []section
}

// ParseSDP reads a description. It keeps nothing of data. The error wraps ErrSDP and names the line.
func ParseSDP(data []byte) (Description, error) {
	var d Description
	if len(data) > MaxSDP {
		return d, fmt.Errorf("%w: %d bytes, more than %d", ErrSDP, len(data), MaxSDP)
	}
	session := section{direction: SendRecv}
	current := &session
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := string(bytes.TrimRight(raw, "\r\n"))
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return Description{}, fmt.Errorf("%w: line %d is not TYPE=VALUE", ErrSDP, number)
		}
		if number == 1 && line != "v=0" {
			return Description{}, fmt.Errorf("%w: line 1 is not v=0", ErrSDP)
		}
		if line[0] == 'm' {
			if len(d.media) == maxMedia {
				return Description{}, fmt.Errorf("%w: more than %d m= lines", ErrSDP, maxMedia)
			}
			d.media = append(d.media, section{addr: session.addr, direction: session.direction})
			current = &d.media[len(d.media)-1]
		}
		if err := current.read(line[0], line[2:]); err != nil {
			return Description{}, fmt.Errorf("%w: line %d: %w", ErrSDP, number, err)
		}
	}
	if number == 0 {
		return d, fmt.Errorf("%w: it is empty", ErrSDP)
	}
	return d, nil
}

// read takes one line of the session or of a media section; types without meaning here pass.
func (s *section) read(kind byte, value string) error {
	switch kind {
	case 'm':
		return s.readMedia(value)
	case 'c':
		return s.readConnection(value)
	case 'a':
		for d, name := range directionNames {
			if value == name {
				s.direction = Direction(d)
			}
		}
	}
	return nil
}

// readMedia reads "audio 49170 RTP/AVP 0 8". Its words may be written into an answer, so only
// those made of token characters pass.
func (s *section) readMedia(value string) error {
	words := strings.Fields(value)
	if len(words) < 4 || len(words) > 3+maxFormats {
		return fmt.Errorf("m= has not a type, a port, a protocol and 1 to %d formats", maxFormats)
	}
	for _, word := range words {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("m= has a character outside printable ASCII")
		}
	}
	port, _, _ := strings.Cut(words[1], "/") // a count of ports may follow
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("m= has a port that is not 0 to 65535")
	}
	s.kind, s.port, s.proto, s.formats = words[0], uint16(n), words[2], words[3:]
	return nil
}

// readConnection reads "IN IP4 192.0.2.1". A host name or a multicast group leaves the address
// zero: the stream cannot be used, though the description is well-formed.
func (s *section) readConnection(value string) error {
	words := strings.Fields(value)
	if len(words) != 3 || words[0] != "IN" || words[1] != "IP4" && words[1] != "IP6" {
		return errors.New("c= is not IN, IP4 or IP6, and an address")
	}
	s.addr = netip.Addr{}
	if addr, err := netip.ParseAddr(words[2]); err == nil && addr.Zone() == "" && !addr.IsMulticast() {
		s.addr = addr.Unmap()
	}
	return nil
}

// codec returns the codec of the section that its writer prefers, if it is a usable G.711 stream.
func (s *section) codec() (Codec, bool) {
	if s.kind != "audio" || s.proto != "RTP/AVP" || s.port == 0 || !s.addr.IsValid() {
		return 0, false
	}
	for _, format := range s.formats {
		switch format {
		case "0":
			return PCMU, true
		case "8":
			return PCMA, true
		}
	}
	return 0, false
}

// Stream is the audio that two sides agreed on, as seen from here.
type Stream struct {
	Remote    netip.AddrPort // where the other side listens
	Codec     Codec
	Direction Direction // ours
}

// Audio returns the first G.711 stream of d that can be used, with the direction reversed to our
// side. ok is false when there is none.
func (d Description) Audio() (stream Stream, ok bool) {
	_, stream, ok = d.audio()
	return stream, ok
}

func (d Description) audio() (index int, stream Stream, ok bool) {
	for i := range d.media {
		s := &d.media[i]
		codec, usable := s.codec()
		if !usable {
			continue
		}
		direction := s.direction.Reverse()
		if s.addr.IsUnspecified() { // hold as RFC 2543 wrote it
			direction &^= SendOnly
		}
		return i, Stream{netip.AddrPortFrom(s.addr, s.port), codec, direction}, true
	}
	return 0, Stream{}, false
}

// HasVideo reports whether there is an m=video line whose port is not 0.
func (d Description) HasVideo() bool {
	for i := range d.media {
		if d.media[i].kind == "video" && d.media[i].port != 0 {
			return true
		}
	}
	return false
}
