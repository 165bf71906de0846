package media

import (
	"sync/atomic"
	"time"
)

// Quality is what a leg's packets went through, up to now.
type Quality struct {
	Sent      uint64
	Received  uint64        // without duplicates
	Lost      uint64        // of what the party sent
	Duplicate uint64        // or too late to be told from one
	Jitter    time.Duration // of what comes (RFC 3550 §6.4.1)

	// What the party's RTCP says of what it receives; zero, if it sends none.
	PartyLost   uint64
	PartyJitter time.Duration
	RoundTrip   time.Duration
}

// Counts are totals of an engine since it began; Legs are open now. Those of open legs are at most a
// second old.
type Counts struct {
	Legs       int
	Sent       uint64 // RTP packets
	Received   uint64
	Relayed    uint64 // of those sent
	Foreign    uint64 // from others than the party: dropped
	Malformed  uint64 // neither RTP nor RTCP, or of a payload type not agreed on: dropped
	Duplicate  uint64
	SendErrors uint64
	Late       uint64 // frames sent more than 3 ms after they were due
	Skipped    uint64 // frames left out after a pause of the process
	NoPorts    uint64 // legs that found no port
}

// counts are a leg's, since they were last added to the totals.
type counts struct {
	sent, received, relayed, foreign, malformed, duplicate, sendErrors, late, skipped uint64

	allSent uint64 // since the leg began
}

type totals struct {
	sent, received, relayed, foreign, malformed, duplicate, sendErrors, late, skipped, noPorts atomic.Uint64
}

// flush adds the counts to the totals.
func (c *counts) flush(t *totals) {
	t.sent.Add(c.sent)
	t.received.Add(c.received)
	t.relayed.Add(c.relayed)
	t.foreign.Add(c.foreign)
	t.malformed.Add(c.malformed)
	t.duplicate.Add(c.duplicate)
	t.sendErrors.Add(c.sendErrors)
	t.late.Add(c.late)
	t.skipped.Add(c.skipped)
	*c = counts{allSent: c.allSent + c.sent}
}

// Counts returns the totals, for metrics.
func (e *Engine) Counts() Counts {
	e.mu.Lock()
	legs := len(e.legs)
	e.mu.Unlock()
	t := &e.totals
	return Counts{
		Legs: legs, Sent: t.sent.Load(), Received: t.received.Load(), Relayed: t.relayed.Load(),
		Foreign: t.foreign.Load(), Malformed: t.malformed.Load(), Duplicate: t.duplicate.Load(),
		SendErrors: t.sendErrors.Load(), Late: t.late.Load(), Skipped: t.skipped.Load(), NoPorts: t.noPorts.Load(),
	}
}

// Quality returns what the leg's packets went through.
func (l *Leg) Quality() Quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := &l.in
	return Quality{
		Sent: l.counts.allSent + l.counts.sent, Received: in.received + in.run.received, Lost: in.lost(),
		Duplicate: in.duplicate + in.run.duplicate, Jitter: in.run.jitter.duration(clockRate(l.agreed)),
		PartyLost: l.reports.partyLost, PartyJitter: l.reports.partyJitter, RoundTrip: l.reports.roundTrip,
	}
}

// jitter estimates the variation of transit times (RFC 3550 §6.4.1), in units of the timestamps.
type jitter struct {
	started bool
	transit uint32 // arrival less timestamp
	scaled  uint32 // 16 times the estimate
}

// take adds a packet of a stream whose timestamps have a rate.
func (j *jitter) take(timestamp uint32, now instant, rate uint32) {
	arrival := uint32(uint64(now) / 1000 * uint64(rate) / 1_000_000)
	transit := arrival - timestamp
	if j.started {
		difference := int32(transit - j.transit)
		if difference < 0 {
			difference = -difference
		}
		j.scaled += uint32(difference) - (j.scaled+8)>>4
	}
	j.started, j.transit = true, transit
}

func (j *jitter) estimate() uint32 { return j.scaled >> 4 }

func (j *jitter) duration(rate uint32) time.Duration { return fromSamples(j.estimate(), rate) }

// fromSamples is how long a number of units of timestamps is.
func fromSamples(n, rate uint32) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(rate)
}
