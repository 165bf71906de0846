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

// ErrSDP is wrapped by every error that says a text is not an SDP description.
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

// Description is an SDP offer or answer (RFC 8866), as far as the audio of a call needs it. The zero
// value describes no stream.
type Description struct {
	media  []section
	timing string // of the t= line
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
			d.media = append(d.media, session.begin())
			current = &d.media[len(d.media)-1]
		}
		if line[0] == 't' && isTiming(line[2:]) {
			d.timing = line[2:]
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

// always is the timing of a call, which begins and ends by signalling (RFC 3264 §5).
const always = "0 0"

// isTiming reports whether text is a beginning and an end, in seconds (RFC 8866 §5.9).
func isTiming(text string) bool {
	from, to, ok := strings.Cut(text, " ")
	_, err := strconv.ParseUint(from, 10, 64)
	_, err2 := strconv.ParseUint(to, 10, 64)
	return ok && err == nil && err2 == nil
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

// Holds reports whether the writer of d does not want to hear: its audio is sendonly, inactive, or
// has the unspecified address (RFC 3264 §8.4).
func (d Description) Holds() bool {
	s, _, err := d.audio()
	return err == nil && !s.wants().Receives()
}

// Address is where the writer of d receives audio, zero when there is no audio in it that can be used.
func (d Description) Address() netip.Addr {
	s, _, err := d.audio()
	if err != nil {
		return netip.Addr{}
	}
	return s.addr
}

// Unacceptable is the error that says an offer or an answer cannot be taken, though it is
// well-formed: an offer is refused with 488 (RFC 3261 §21.4.26).
type Unacceptable struct {
	Warning int    // code for a Warning header (RFC 3261 §20.43)
	Why     string // in words
}

// Error is what cannot be taken.
func (u *Unacceptable) Error() string { return u.Why }

// The ways to be unacceptable.
var (
	// ErrSRTP says that the audio is to be encrypted, which is never answered in the clear unasked.
	ErrSRTP = &Unacceptable{302, "the audio is offered encrypted only (SRTP), and the gateway, which speaks on the call, has no keys"}
	// ErrNoAudio says that there is no audio over RTP at an address that can be reached.
	ErrNoAudio = &Unacceptable{304, "there is no audio over RTP in it"}
	// ErrAddress says that the address of the audio is a host name, a multicast group, or missing.
	ErrAddress = &Unacceptable{301, "the audio has no unicast IP address"}
	// ErrFormat says that the two sides of the call have no format in common.
	ErrFormat = &Unacceptable{305, "no audio format is common to both sides"}
)

// audio is the stream of sound that is used, and its place.
func (d Description) audio() (*section, int, error) { return d.first("audio") }

// video is the stream of pictures that can be relayed, nil when there is none.
func (d Description) video() *section {
	s, _, _ := d.first("video")
	return s
}

// first is the first stream of a kind over plain RTP that is not refused, and its place. The error is
// an Unacceptable, of the stream that came nearest.
func (d Description) first(kind string) (s *section, index int, err error) {
	err = ErrNoAudio
	for i := range d.media {
		s := &d.media[i]
		switch {
		case s.kind != kind || s.port == 0:
		case s.proto == "RTP/AVP" || s.proto == "RTP/AVPF":
			if s.addr.IsValid() {
				return s, i, nil
			}
			err = ErrAddress
		case strings.HasSuffix(s.proto, "RTP/SAVP") || strings.HasSuffix(s.proto, "RTP/SAVPF"):
			err = ErrSRTP
		}
	}
	return nil, 0, err
}

// at is the description of the one stream at a place, of none when nothing is there.
func (d Description) at(index int) Description {
	if index < 0 || index >= len(d.media) {
		return Description{}
	}
	return Description{media: d.media[index : index+1]}
}
