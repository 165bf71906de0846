package media

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Leg is one side of a call. What it is sent has one SSRC, and sequence numbers and timestamps that go
// on from prompt to relay and back. Its methods do not block and are safe for concurrent use.
type Leg struct {
	engine *Engine
	handle func(Event)
	local  netip.AddrPort
	phase  int64                  // its place in the clock's round, see due
	hears  atomic.Pointer[[]*Leg] // who hears this leg; engine.mu guards changes
	care   turn                   // planned once a second as long as the leg is open
	frames turn                   // planned while paced

	mu        sync.Mutex
	rtp, rtcp socket
	closed    bool
	agreed    Stream // zero Remote: nothing yet
	in        incoming
	out       outgoing
	playback  playback
	sources   []source // what it is sent while nothing plays; none: silence
	paced     bool     // its next frame is planned
	speech    *speech  // nil: not awaited
	reports   reports
	counts    counts
}

func newLeg(e *Engine, local netip.AddrPort, handle func(Event)) *Leg {
	l := &Leg{engine: e, handle: handle, local: local, phase: int64(local.Port() / 2), out: newOutgoing(), reports: newReports()}
	l.care, l.frames = turn{leg: l, care: true}, turn{leg: l}
	l.hears.Store(new([]*Leg))
	return l
}

// Local is where the leg receives RTP; RTCP one port above.
func (l *Leg) Local() netip.AddrPort { return l.local }

// Agree sets what offer and answer came to; it may be called again. Before it nothing is sent or
// taken. Where the other side moved, its packets are awaited from there.
func (l *Leg) Agree(s Stream) {
	s.Remote = netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	if s.PacketTime == 0 {
		s.PacketTime = DefaultPacketTime
	}
	s.PacketTime = min(max(s.PacketTime, MinPacketTime), MaxPacketTime).Truncate(MinPacketTime)
	if !s.RTCP.IsValid() {
		s.RTCP = netip.AddrPortFrom(s.Remote.Addr(), s.Remote.Port()+1)
	}
	now := l.engine.clock.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in.await(s.Remote, now)
	if !l.agreed.Direction.Receives() {
		l.in.heard = now // silence is counted from here
	}
	l.out.retime(now, clockRate(s))
	l.agreed = s
	l.pace(now)
}

// Play sends the prompts one after the other, all of it times times (0: until stopped), in place of
// what played or was heard. It returns the playback's number; EventPlayed comes exactly once for it.
// While nothing may be sent, before Agree or on hold, the playback waits.
func (l *Leg) Play(prompts []*Prompt, times int) uint64 {
	l.mu.Lock()
	cut, was := l.playback.stop()
	id := l.playback.begin(prompts, times)
	closed := l.closed
	if closed {
		l.playback.stop()
	} else {
		l.pace(l.engine.clock.now())
	}
	l.mu.Unlock()
	if was {
		l.handle(cut)
	}
	if closed {
		l.handle(Event{Kind: EventPlayed, Playback: id})
	}
	return id
}

// Stop cuts the playback off; the leg then hears what Hear says.
func (l *Leg) Stop() {
	l.mu.Lock()
	cut, was := l.playback.stop()
	l.mu.Unlock()
	if was {
		l.handle(cut)
	}
}

// Hear sets what the leg is sent while nothing plays: silence, the media of one other leg (or of
// itself: an echo) packet by packet, or the mixed sound of several that have G.711. Legs that share no
// codec (Stream.Joins) do not hear each other.
func (l *Leg) Hear(others ...*Leg) {
	now := l.engine.clock.now()
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	l.mu.Lock()
	if l.closed {
		others = nil
	}
	before := l.sources
	l.sources = make([]source, 0, len(others))
	for _, other := range others {
		i := slices.IndexFunc(before, func(s source) bool { return s.leg == other })
		if i >= 0 && len(before) > 1 == (len(others) > 1) {
			l.sources = append(l.sources, before[i]) // it goes on without a gap
		} else {
			l.sources = append(l.sources, newSource(other, now, len(others) > 1))
		}
	}
	l.pace(now)
	l.mu.Unlock()
	for _, s := range before {
		if !slices.Contains(others, s.leg) {
			s.leg.heardBy(func(legs []*Leg) []*Leg { return slices.DeleteFunc(legs, func(x *Leg) bool { return x == l }) })
		}
	}
	for _, other := range others {
		if !slices.ContainsFunc(before, func(s source) bool { return s.leg == other }) {
			other.heardBy(func(legs []*Leg) []*Leg { return append(legs, l) })
		}
	}
}

// heardBy changes who hears the leg; the engine's lock is held.
func (l *Leg) heardBy(change func([]*Leg) []*Leg) {
	legs := change(slices.Clone(*l.hears.Load()))
	l.hears.Store(&legs)
}

// AwaitSpeech makes the leg tell EventSpoke, once, when its party next begins to speak.
func (l *Leg) AwaitSpeech() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.speech = new(speech)
}

// Close cuts the playback off, says goodbye (RTCP BYE) and frees the ports. It may be called again.
func (l *Leg) Close() {
	l.Hear()
	e := l.engine
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.sendBye()
	l.closed = true
	cut, was := l.playback.stop()
	// That a socket is closed already cannot be: this is the one place.
	_, _ = l.rtp.close(), l.rtcp.close()
	l.counts.flush(&e.totals)
	l.mu.Unlock()
	if was {
		l.handle(cut)
	}
	e.mu.Lock()
	delete(e.legs, l)
	e.mu.Unlock()
	e.ports.give(l.local.Port(), e.clock.now())
}

// sends reports whether the leg can be sent anything.
func (l *Leg) sends() bool {
	return !l.closed && l.agreed.Remote.IsValid() && l.agreed.Direction.Sends() && !l.agreed.Remote.Addr().IsUnspecified()
}

// pace plans the leg's next frame, if it wants one and none is planned.
func (l *Leg) pace(now instant) {
	if !l.paced && l.wantsFrames() {
		l.paced = true
		l.engine.clock.plan(&l.frames, l.due(now))
	}
}

// wantsFrames reports whether the clock has something to send to the leg. A relay has not: there the
// packets of the other leg set the time.
func (l *Leg) wantsFrames() bool {
	if !l.sends() {
		return false
	}
	return l.playback.on || l.agreed.Codec != Other && len(l.sources) != 1
}

// due is the leg's first tick after now. All its frames fall due on one grid of its own, for ever.
func (l *Leg) due(now instant) int64 {
	period := int64(l.agreed.PacketTime / tick)
	after := ticks(now) + 1
	return after + ((l.phase-after)%period+period)%period
}

// turn does what the clock planned, and returns the tick at which it is wanted again, 0 if it is not.
func (l *Leg) turn(t *turn, due int64, s *scratch) int64 {
	if t.care {
		return l.caring(due, s)
	}
	event, told, again := l.frame(due, s)
	if told {
		l.handle(event)
	}
	return again
}

// maxLate is how late a frame may be sent. After a longer pause of the process what was missed is left
// out, not sent at once.
const maxLate = instant(100 * time.Millisecond)

// frame sends the leg's frame of a tick.
func (l *Leg) frame(due int64, s *scratch) (event Event, told bool, again int64) {
	now := l.engine.clock.now()
	at := instant(due) * instant(tick)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.wantsFrames() {
		l.paced, l.out.talking = false, false
		return Event{}, false, 0
	}
	again = due + int64(l.agreed.PacketTime/tick)
	if l.agreed.Codec == Other { // there is no prompt in it
		event, told = l.playback.stop()
		return event, told, again
	}
	if late := now - at; late > maxLate {
		l.counts.skipped++
		l.out.talking = false
		return Event{}, false, again
	} else if late > lateness {
		l.counts.late++
	}
	samples := int(l.agreed.PacketTime * SampleRate / time.Second)
	packet := l.out.frame(s.out[:], at, l.agreed.PayloadType, samples)
	payload := packet[headerLength:]
	if l.playback.on {
		event, told = l.playback.fill(payload, l.agreed.Codec)
	} else {
		l.mix(payload)
	}
	l.send(packet)
	return event, told, again
}

// lateness is what Counts takes for late.
const lateness = instant(3 * time.Millisecond)

// send sends an RTP packet to where the party is.
func (l *Leg) send(packet []byte) {
	if err := l.rtp.send(packet, l.in.destination()); err != nil {
		l.counts.sendErrors++
		return
	}
	l.counts.sent++
	l.out.sent(len(packet) - headerLength)
}
