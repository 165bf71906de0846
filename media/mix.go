package media

import (
	"math"

	"github.com/pion/rtp"
)

const (
	queueLength = 2048                   // samples kept, a power of two: a quarter of a second
	queueStart  = 60 * SampleRate / 1000 // samples waited for before reading, to absorb jitter
	queueMost   = queueLength * 3 / 4    // samples ahead of reading before the rest is thrown away
)

// queue holds the sound of one source until it is mixed. Packets are placed by their timestamps;
// where one is missing there is silence.
type queue struct {
	samples [queueLength]int16 // of time t at t modulo its length; zero where nothing came
	read    uint32             // time of the next sample to be read, on the queue's own clock
	end     uint32             // behind the latest sample written
	offset  uint32             // from timestamps to the queue's clock
	run     int                // of the source; 0: none yet
}

// put places a packet. One that comes too late to be mixed is dropped.
func (q *queue) put(p *rtp.Packet, run int, codec Codec) {
	at := p.Timestamp + q.offset
	late := int32(at-q.read) < 0 && q.end == q.read // nothing is waiting: it would always be late
	ahead := int32(at+uint32(len(p.Payload))-q.read) > queueMost
	if run != q.run || late || ahead {
		q.clear()
		q.run = run
		q.offset = q.read + queueStart - p.Timestamp
		at = q.read + queueStart
		q.end = q.read
	}
	codes := p.Payload
	if int32(at+uint32(len(codes))-q.read) > queueMost {
		return // a packet longer than the queue
	}
	for i, code := range codes {
		if t := at + uint32(i); int32(t-q.read) >= 0 {
			q.samples[t%queueLength] = codec.Decode(code)
		}
	}
	if end := at + uint32(len(codes)); int32(end-q.end) > 0 {
		q.end = end
	}
}

func (q *queue) clear() { q.samples = [queueLength]int16{} }

// mixInto adds the next samples to sum.
func (q *queue) mixInto(sum []int32) {
	for i := range sum {
		slot := &q.samples[(q.read+uint32(i))%queueLength]
		sum[i] += int32(*slot)
		*slot = 0
	}
	q.read += uint32(len(sum))
	if int32(q.end-q.read) < 0 {
		q.end = q.read
	}
}

// maxFrame is the most samples of a frame.
const maxFrame = int(MaxPacketTime/1e6) * SampleRate / 1000

// mix writes a frame of all that the leg hears: silence, if it is nothing.
func (l *Leg) mix(payload []byte) {
	if len(l.sources) == 0 {
		fillSilence(payload, l.agreed.Codec)
		return
	}
	var sum [maxFrame]int32
	for i := range l.sources {
		l.sources[i].queue.mixInto(sum[:len(payload)])
	}
	for i := range payload {
		payload[i] = l.agreed.Codec.Encode(int16(min(max(sum[i], math.MinInt16), math.MaxInt16)))
	}
}
