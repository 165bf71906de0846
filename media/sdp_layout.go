package media

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// layout is the order of the m= lines of a dialog: a stream keeps its place, refused or not, and new
// ones go to the end (RFC 3264 §8).
type layout struct {
	slots        []slot
	audio, video int // the places of the streams that are used, -1 when there is none yet
}

// slot is one m= line, with what refuses its stream.
type slot struct{ kind, proto, format string }

var noLayout = layout{audio: -1, video: -1}

// layoutOf is the layout that an offer of the other side makes, whose audio is at a place.
func layoutOf(offer Description, audio int) layout {
	l := layout{audio: audio, video: -1}
	for i := range offer.media {
		s := &offer.media[i]
		if s == offer.video() {
			l.video = i
		}
		l.slots = append(l.slots, slot{s.kind, s.proto, s.words[0]})
	}
	return l
}

// with is the layout of our next offer: audio, and video as it is in a section of the other leg, unless
// that is nil.
func (l layout) with(video *section) layout {
	l.slots = slices.Clone(l.slots)
	if l.audio < 0 {
		l.audio = len(l.slots)
		l.slots = append(l.slots, slot{"audio", "RTP/AVP", "0"})
	}
	if video == nil {
		return l
	}
	if l.video < 0 {
		l.video = len(l.slots)
		l.slots = append(l.slots, slot{})
	}
	l.slots[l.video] = slot{"video", video.proto, video.words[0]}
	return l
}

// line is what a description says of one stream.
type line struct {
	from       netip.AddrPort // of a stream that does not come from where the description is from
	formats    []format
	direction  Direction
	packetTime time.Duration // 0: not said
	feedback   []string      // of a=rtcp-fb for all formats
}

// line is a section with some of its formats, as it is passed on: from where it is now.
func (s *section) line(formats []format) *line {
	from, _ := s.remote()
	return &line{from: from, formats: formats, direction: s.wants(), feedback: s.feedback}
}

// append writes a stream that is received at an address into its place.
func (l *line) append(b []byte, s slot, at netip.AddrPort) []byte {
	b = fmt.Appendf(b, "m=%s %d %s", s.kind, at.Port(), s.proto)
	for i := range l.formats {
		b = fmt.Appendf(b, " %d", l.formats[i].payloadType)
	}
	b = append(b, "\r\n"...)
	if l.from.IsValid() {
		b = fmt.Appendf(b, "c=%s\r\n", connection(l.from.Addr()))
	}
	for i := range l.formats {
		b = l.formats[i].append(b)
	}
	if l.packetTime > 0 {
		b = fmt.Appendf(b, "a=ptime:%d\r\n", l.packetTime.Milliseconds())
	}
	for _, feedback := range l.feedback {
		b = fmt.Appendf(b, "a=rtcp-fb:* %s\r\n", feedback)
	}
	return fmt.Appendf(b, "a=%s\r\n", l.direction)
}

// connection is an address as c= and o= lines have it.
func connection(addr netip.Addr) string {
	if addr.Is6() {
		return "IN IP6 " + addr.String()
	}
	return "IN IP4 " + addr.String()
}
