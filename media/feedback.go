package media

import (
	"encoding/binary"
	"time"
)

// Feedback for pictures: the party asks the sender of the video for a whole one, at once (RFC 4585
// §6.3.1, RFC 5104 §4.3.1). Without it a relayed picture stays broken after a loss.
const (
	payloadFeedback  = 206
	pictureLoss      = 1
	fullIntraRequest = 4
)

// pictureEvery bounds how often the other party is asked.
const pictureEvery = instant(250 * time.Millisecond)

// pictureRequest is what a party asked; the zero value is nothing.
type pictureRequest struct {
	format byte // pictureLoss or fullIntraRequest
	number byte // of the full intra request: the same when it is repeated
}

// readFeedback reads a packet of payload feedback.
func readFeedback(packet []byte) (r pictureRequest) {
	switch format := packet[0] & 0x1f; {
	case format == pictureLoss:
		r.format = format
	case format == fullIntraRequest && len(packet) >= 20:
		r.format, r.number = format, packet[16]
	}
	return r
}

// askPicture asks the leg's party for a picture, as one who hears the leg was asked.
func (l *Leg) askPicture(r pictureRequest, s *scratch) {
	now := l.engine.clock.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.in.run.started || now < l.reports.picture {
		return
	}
	l.reports.picture = now + pictureEvery
	b := l.appendDescription(l.appendReport(s.out[:0], now))
	b = append(b, rtpVersion<<6|r.format, payloadFeedback, 0, 2)
	words := len(b) - 1
	b = binary.BigEndian.AppendUint32(b, l.out.ssrc)
	if r.format == pictureLoss {
		b = binary.BigEndian.AppendUint32(b, l.in.run.ssrc)
	} else {
		b[words] = 4
		b = binary.BigEndian.AppendUint32(b, 0) // RFC 5104 §4.3.1.2: the source stands in the entry
		b = binary.BigEndian.AppendUint32(b, l.in.run.ssrc)
		b = append(b, r.number, 0, 0, 0)
	}
	l.sendRTCP(b)
}
