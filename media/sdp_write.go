package media

import (
	"fmt"
	"net/netip"
)

// Local is what our own descriptions of one call say of us.
type Local struct {
	Addr    netip.AddrPort // where we receive RTP
	Session uint64         // of the o= line: one number for a call
	Version uint64         // of the o= line: one more for each changed description
}

// Offer writes an offer of G.711 in both laws, A-law first, and of video if asked. Video gets the
// port two above the audio's; nothing listens there, as this package's answers refuse video.
func (l Local) Offer(video bool) []byte {
	b := l.head()
	b = fmt.Appendf(b, "m=audio %d RTP/AVP %d %d\r\n", l.Addr.Port(), PCMA, PCMU)
	b = appendMap(b, PCMA)
	b = appendMap(b, PCMU)
	b = append(b, "a=ptime:20\r\na=sendrecv\r\n"...)
	if video {
		b = fmt.Appendf(b, "m=video %d RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", l.Addr.Port()+2)
	}
	return b
}

// Answer writes the answer to an offer (RFC 3264 §6): its first usable G.711 stream is taken, and
// every other stream, video too, refused with port 0. ok is false when no stream is usable: the
// offer is to be refused with 488.
func (l Local) Answer(offer Description) (body []byte, stream Stream, ok bool) {
	taken, stream, ok := offer.audio()
	if !ok {
		return nil, Stream{}, false
	}
	body = l.head()
	for i := range offer.media {
		s := &offer.media[i]
		if i != taken {
			body = fmt.Appendf(body, "m=%s 0 %s %s\r\n", s.kind, s.proto, s.formats[0])
			continue
		}
		body = fmt.Appendf(body, "m=audio %d RTP/AVP %d\r\n", l.Addr.Port(), stream.Codec)
		body = appendMap(body, stream.Codec)
		body = fmt.Appendf(body, "a=ptime:20\r\na=%s\r\n", stream.Direction)
	}
	return body, stream, true
}

func (l Local) head() []byte {
	family := "IP4"
	if l.Addr.Addr().Is6() {
		family = "IP6"
	}
	return fmt.Appendf(nil, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %[3]s %[4]s\r\nt=0 0\r\n",
		l.Session, l.Version, family, l.Addr.Addr())
}

func appendMap(b []byte, c Codec) []byte {
	return fmt.Appendf(b, "a=rtpmap:%d %s/%d\r\n", c, c, SampleRate)
}
