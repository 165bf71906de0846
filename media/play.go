package media

import (
	"slices"
	"time"
)

// playback is a list of prompts as it is sent.
type playback struct {
	on      bool
	id      uint64
	prompts []*Prompt
	times   int // rounds left, this one among them; 0: without end
	prompt  int // the one that is sent
	offset  int // of its next sample
	sent    int // samples of all of it
	round   int // sent, when the round began
}

// begin replaces whatever there was, of which nothing is told.
func (p *playback) begin(prompts []*Prompt, times int) uint64 {
	*p = playback{on: true, id: p.id + 1, prompts: slices.Clone(prompts), times: max(times, 0)}
	return p.id
}

// stop ends the playback; ok is false when there was none.
func (p *playback) stop() (event Event, ok bool) {
	ok, p.on, p.prompts = p.on, false, nil
	return p.event(), ok
}

func (p *playback) event() Event {
	return Event{Kind: EventPlayed, Playback: p.id, Heard: time.Duration(p.sent) * time.Second / SampleRate}
}

// fill writes the next frame, with silence behind the end; over is true when this was the last.
func (p *playback) fill(payload []byte, codec Codec) (event Event, over bool) {
	for len(payload) > 0 && p.more() {
		n := copy(payload, p.prompts[p.prompt].codes(codec)[p.offset:])
		payload = payload[n:]
		p.offset, p.sent = p.offset+n, p.sent+n
	}
	fillSilence(payload, codec)
	if p.more() {
		return Event{}, false
	}
	event, _ = p.stop()
	event.Complete = true
	return event, true
}

// more moves on to the next sample, and reports whether there is one.
func (p *playback) more() bool {
	for p.prompt < len(p.prompts) || p.rewind() {
		if p.offset < len(p.prompts[p.prompt].codesA) {
			return true
		}
		p.prompt, p.offset = p.prompt+1, 0
	}
	return false
}

// rewind begins the next round, if there is one: none follows a round without a sample.
func (p *playback) rewind() bool {
	if p.times == 1 || p.sent == p.round {
		return false
	}
	p.times, p.prompt, p.round = max(p.times-1, 0), 0, p.sent
	return true
}
