package media

import "time"

// careTicks is how often a leg is cared for, in ticks: once a second.
const careTicks = int64(time.Second / tick)

// caring does what is not bound to packets: reports, totals, and the watch for silence.
func (l *Leg) caring(due int64, s *scratch) int64 {
	now := l.engine.clock.now()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0
	}
	l.counts.flush(&l.engine.totals)
	if now >= l.reports.next && l.agreed.Remote.IsValid() && (l.out.packets > 0 || l.in.run.started) {
		l.report(now, s.out[:])
	}
	fellSilent := l.fellSilent(now)
	l.mu.Unlock()
	if fellSilent {
		l.handle(Event{Kind: EventSilent})
	}
	return due + careTicks
}

// fellSilent reports that nothing has come for too long, and again each time as much time has passed.
func (l *Leg) fellSilent(now instant) bool {
	limit := instant(l.engine.options.Silence)
	if limit == 0 || !l.agreed.Direction.Receives() || now-l.in.heard < limit {
		return false
	}
	l.in.heard = now
	return true
}
