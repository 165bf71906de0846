package media

import (
	"net/netip"
)

// Engine carries the media of all treated calls. Its methods are safe for concurrent use.
type Engine struct{}

// NewEngine starts an engine. The caller must Close it.
func NewEngine(o Options) (*Engine, error) { return &Engine{}, nil }

// Close closes every leg and ends the engine.
func (e *Engine) Close() error { return nil }

// Free is the number of legs that can be opened now.
func (e *Engine) Free() int { return 0 }

// Open binds the ports of a new leg, of peer's family. handle is told what happens at the leg. It is
// called from the engine's goroutines and from within Play, Stop and Close, never with a lock held; it
// must not block. The error wraps ErrNoPorts when none is free.
func (e *Engine) Open(peer netip.Addr, handle func(Event)) (*Leg, error) { return &Leg{}, nil }

// Leg is one side of a call: what it is sent has one SSRC, and sequence numbers and timestamps that go
// on from prompt to relay and back. Its methods do not block and are safe for concurrent use.
type Leg struct{}

// Local is where the leg receives RTP; RTCP one port above.
func (l *Leg) Local() netip.AddrPort { return netip.AddrPort{} }

// Agree sets what offer and answer came to; it may be called again. Nothing is sent or taken before.
func (l *Leg) Agree(s Stream) {}

// Play sends the prompts one after the other, all of it times times (0: until stopped), in place of
// what played or was heard. It returns the playback's number, and EventPlayed comes exactly once for it.
// While the stream may not be sent (hold, or not yet agreed), the playback waits.
func (l *Leg) Play(prompts []*Prompt, times int) uint64 { return 0 }

// Stop cuts the playback off; the leg then hears what Hear says.
func (l *Leg) Stop() {}

// Hear sets what the leg is sent when nothing plays: silence, the media of one other leg (or itself:
// an echo) packet by packet, or the mixed sound of several.
func (l *Leg) Hear(others ...*Leg) {}

// AwaitSpeech makes the leg tell EventSpoke, once, when its party next begins to speak.
func (l *Leg) AwaitSpeech() {}

// Quality is what the leg's packets have gone through so far.
func (l *Leg) Quality() Quality { return Quality{} }

// Close cuts the playback off, says goodbye (RTCP BYE) and frees the ports. It may be called again.
func (l *Leg) Close() {}

// Quality is what a leg's packets went through.
type Quality struct {
	Sent, Received, Lost, Duplicate uint64
}

// Counts are totals of an engine since it began, but for Legs, which is open now.
type Counts struct {
	Legs int
}

// Counts returns the totals, for metrics.
func (e *Engine) Counts() Counts { return Counts{} }
