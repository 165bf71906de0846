package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// section is one m= line and what belongs to it.
type section struct {
	kind       string // "audio", "video", …
	port       uint16
	proto      string
	words      []string   // of the formats, as they stand
	formats    []format   // those of RTP, in order of preference
	addr       netip.Addr // zero when c= names none that is usable
	rtcpPort   uint16     // 0: not said
	rtcpAddr   netip.Addr // zero: not said
	direction  Direction
	packetTime time.Duration // ptime, 0: not said
	maxPacket  time.Duration // maxptime, 0: not said
	feedback   []string      // of a=rtcp-fb for all formats (RFC 4585), as they stand
}

// begin is a section that takes over what the session, s, says of all of them.
func (s *section) begin() section {
	return section{addr: s.addr, direction: s.direction, packetTime: s.packetTime, maxPacket: s.maxPacket}
}

// read takes one line of the session or of a media section; types without meaning here pass.
func (s *section) read(kind byte, value string) error {
	switch kind {
	case 'm':
		return s.readMedia(value)
	case 'c':
		return s.readConnection(value)
	case 'a':
		name, value, _ := strings.Cut(value, ":")
		s.readAttribute(name, strings.TrimSpace(value))
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
	if !printable(strings.Join(words, "")) {
		return errors.New("m= has a character outside printable ASCII")
	}
	port, _, _ := strings.Cut(words[1], "/") // a count of ports may follow
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("m= has a port that is not 0 to 65535")
	}
	s.kind, s.port, s.proto, s.words = words[0], uint16(n), words[2], words[3:]
	if strings.Contains(s.proto, "RTP/") {
		return s.readFormats()
	}
	return nil
}

// printable reports whether text is of ASCII's visible characters and spaces.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// readFormats reads the payload types of an m= line over RTP.
func (s *section) readFormats() error {
	for _, word := range s.words {
		n, err := strconv.ParseUint(word, 10, 7)
		if err != nil {
			return errors.New("m= has a payload type that is not 0 to 127")
		}
		if s.format(uint8(n)) == nil {
			s.formats = append(s.formats, format{payloadType: uint8(n), encoding: staticEncodings[uint8(n)]})
		}
	}
	return nil
}

// format is the format of a payload type, nil when the m= line has none.
func (s *section) format(payloadType uint8) *format {
	for i := range s.formats {
		if s.formats[i].payloadType == payloadType {
			return &s.formats[i]
		}
	}
	return nil
}

// readConnection reads "IN IP4 192.0.2.1". A host name or a multicast group leaves the address
// zero: the stream cannot be used, though the description is well-formed.
func (s *section) readConnection(value string) error {
	words := strings.Fields(value)
	if len(words) != 3 || words[0] != "IN" || words[1] != "IP4" && words[1] != "IP6" {
		return errors.New("c= is not IN, IP4 or IP6, and an address")
	}
	s.addr = unicast(words[2])
	return nil
}

// unicast reads an address; it is zero for a host name, a multicast group, or one with a zone.
func unicast(text string) netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || addr.IsMulticast() {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// readAttribute reads an a= line. One that cannot be read is as if it were not there (RFC 8866 §5.13).
func (s *section) readAttribute(name, value string) {
	switch name {
	case "rtpmap", "fmtp", "rtcp-fb":
		s.readFormatLine(name, value)
	case "ptime":
		s.packetTime = milliseconds(value)
	case "maxptime":
		s.maxPacket = milliseconds(value)
	case "rtcp":
		s.readRTCP(value)
	default:
		if d := slices.Index(directionNames[:], name); d >= 0 && value == "" {
			s.direction = Direction(d)
		}
	}
}

// readFormatLine reads the value of a line on one payload type, or on all of them (RFC 4585 §4.2).
func (s *section) readFormatLine(name, value string) {
	number, rest, _ := strings.Cut(value, " ")
	if rest = strings.TrimSpace(rest); rest == "" || !printable(rest) {
		return
	}
	if number == "*" && name == "rtcp-fb" {
		s.feedback = append(s.feedback, rest)
		return
	}
	n, err := strconv.ParseUint(number, 10, 7)
	if err != nil {
		return
	}
	if f := s.format(uint8(n)); f != nil {
		f.read(name, rest)
	}
}

// milliseconds reads the time of a packet and moves it inside the bounds; what is no time is 0.
func milliseconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0
	}
	return min(max(time.Duration(n)*time.Millisecond, MinPacketTime), MaxPacketTime)
}

// readRTCP reads "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605).
func (s *section) readRTCP(value string) {
	words := strings.Fields(value)
	if len(words) != 1 && len(words) != 4 {
		return
	}
	n, err := strconv.ParseUint(words[0], 10, 16)
	if err != nil {
		return
	}
	s.rtcpPort = uint16(n)
	if len(words) == 4 {
		s.rtcpAddr = unicast(words[3])
	}
}
