package agent

import (
	"log/slog"
	"time"

	"ringfence/call"
)

const (
	// stuckAfter is how long a call may leave unhandled what it is told. Nothing that it does waits for anything.
	stuckAfter = patience
	watchEvery = 4 * time.Second
	// abortGrace is how long the calls have to let go once they are dropped.
	abortGrace = time.Second
)

// watch cuts off the calls that are stuck, until the agent is closed. The core ends such a call by timer C and
// CANCEL without it, but its record was lent to the agent, and would be missing.
func (a *Agent) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-a.unwatched:
			return
		case now := <-tick.C:
			a.cutOff(func(s *session) bool { return s.mailbox.waitingFor(now) >= stuckAfter })
		}
	}
}

// cutOff gives up the sessions that are hopeless.
func (a *Agent) cutOff(hopeless func(s *session) bool) {
	a.mu.Lock()
	var found []*session
	for _, s := range a.sessions {
		if hopeless(s) {
			found = append(found, s)
		}
	}
	for tag, l := range a.legs {
		if hopeless(l.session) {
			delete(a.legs, tag) // what still comes in its dialogs is answered with 481
		}
	}
	a.mu.Unlock()
	for _, s := range found {
		s.cutOff()
	}
}

// cutOff writes the record of a session that does not go on, if it has not, and forgets the session. Its goroutine
// may hold what it likes of the session and its record: only what nobody changes is read.
func (s *session) cutOff() {
	defer s.leave()
	defer s.agent.counts.recovered()
	s.agent.counts.panics.Add(1)
	s.agent.counts.log.Error("a treated call is stuck and was given up", slog.String("reference", s.record.Reference))
	if s.recorded.CompareAndSwap(false, true) {
		s.agent.options.Recorder.Append(s.unfinished())
	}
}

// unfinished is the record of a call that came to no end of its own. It shares nothing that is written.
func (s *session) unfinished() *call.Record {
	r := &call.Record{Reference: s.record.Reference, Facts: s.record.Facts, Verdict: s.record.Verdict}
	r.Outcome.Status, r.Outcome.By, r.Outcome.Cause = 500, call.EndedByGateway, call.ReasonInternal
	r.Outcome.Elapsed = time.Since(r.Facts.Time)
	return r
}
