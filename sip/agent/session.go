package agent

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/treatment"
)

// session is one treated call: its treatment, its legs, and the goroutine that all of it runs on.
type session struct {
	agent    *Agent
	record   *call.Record
	invite   *sip.Request // of the caller
	merged   bool         // another call has the same Call-ID and From tag
	mailbox  *mailbox
	call     Call
	legs     []*leg
	ports    []*port
	timers   map[uint64]*alarm  // of the treatment
	options  *treatment.Options // as they were when the call began, as its prompts
	prompts  *media.Prompts
	recorded atomic.Bool // a record was handed over
	leave    func()      // forgets the session, once
	broken   bool        // the treatment has a fault: it is told nothing more
}

func newSession(a *Agent, record *call.Record, merged bool) *session {
	return &session{agent: a, record: record, merged: merged, mailbox: newMailbox(), timers: make(map[uint64]*alarm)}
}

// cancelled takes the caller's CANCEL.
func (s *session) cancelled(cancel *sip.Request) {
	s.mailbox.tell(func() { s.legs[treatment.CallerLeg].incoming.cancelled(cancel) })
}

// run is the call, from its INVITE to its end.
func (s *session) run(req *sip.Request, tx *server) {
	defer s.close()
	s.guard(func() { s.receiveInvite(req, tx) })
	for !s.finished() {
		select {
		case <-s.mailbox.filled:
			s.handleAll()
		case <-s.agent.abort:
			s.handleAll() // that the gateway stops: the other sides are told, but not waited for
			return
		}
	}
}

// handleAll handles what waits in the mailbox.
func (s *session) handleAll() {
	for _, f := range s.mailbox.take() {
		s.guard(f)
	}
}

// receiveInvite checks the caller's INVITE (RFC 3261 §8.2) and begins its treatment.
func (s *session) receiveInvite(req *sip.Request, tx *server) {
	s.invite = req
	leg := s.newLeg(treatment.CallerLeg)
	leg.serve(req, tx)
	offer, status, headers := checkInvite(req)
	if s.merged { // RFC 3261 §8.2.2.2
		status = 482
	}
	if status == 0 {
		status, headers = leg.expires.serve(req)
	}
	leg.incoming.offerless = offer == nil
	s.call = s.agent.options.Treat(s.env(), s.record, leg, offer)
	if status != 0 {
		leg.incoming.terminate(status, headers...)
		s.handle(treatment.Stopped{Status: status})
		return
	}
	s.handle(treatment.Begun{})
}

// finished reports whether nothing more can come of the call.
func (s *session) finished() bool {
	for _, l := range s.legs {
		if !l.done && l.tag != "" { // one without a tag has not begun
			return false
		}
	}
	return s.broken || s.call.Over()
}

// handle tells the treatment of an event, when it has done with what it is at.
func (s *session) handle(e treatment.Event) {
	s.mailbox.tell(func() {
		if !s.broken && !s.call.Over() {
			s.call.Handle(e)
		}
	})
}

// guard does f. A fault in it ends the call.
func (s *session) guard(f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			s.agent.counts.fault(fault)
			s.fail()
		}
	}()
	f()
}

// fail ends a call that has a fault: by its treatment if that still works, and else without it.
func (s *session) fail() {
	defer func() {
		if fault := recover(); fault != nil {
			s.agent.counts.fault(fault)
		}
	}()
	defer func() {
		if s.call != nil && s.call.Over() {
			return
		}
		s.broken = true
		for _, l := range s.legs {
			l.drop()
		}
	}()
	if s.call != nil && !s.broken {
		s.call.Handle(treatment.Stopped{Status: 500, Cause: call.ReasonInternal})
	}
}

// close leaves nothing of the session behind, and a record in any case.
func (s *session) close() {
	defer s.agent.counts.recovered()
	defer s.conclude() // whatever goes wrong before
	for _, l := range s.legs {
		l.close()
	}
	for _, a := range s.timers {
		a.stop()
	}
	for _, p := range s.ports { // a treatment that is sound has closed them
		p.Close()
	}
}

// conclude hands a record over if the treatment has not.
func (s *session) conclude() {
	if !s.recorded.Load() {
		s.record.Outcome = s.unfinished().Outcome
		s.Append(s.record)
	}
}

// env is what the treatment acts through.
func (s *session) env() treatment.Env {
	o := &s.agent.options
	s.options, s.prompts = o.Treatments(), o.Prompts().Snapshot()
	return treatment.Env{
		Options: s.options, Clock: s, Reporter: s, Recorder: s, Passed: s.agent.passed,
		NewLeg:   func(id treatment.LegID) treatment.Leg { return s.newLeg(id) },
		OpenPort: s.openPort,
		Random:   rand.Uint64,
	}
}

// Append implements treatment.Recorder: of each call exactly one record is kept.
func (s *session) Append(r *call.Record) {
	if s.recorded.CompareAndSwap(false, true) {
		for _, l := range s.legs {
			if l.outgoing != nil {
				r.Outcome.Attempts += l.outgoing.attempts
			}
		}
		s.agent.options.Recorder.Append(r)
	}
}

// Now implements treatment.Clock.
func (s *session) Now() time.Time { return time.Now() }

// Arm implements treatment.Clock.
func (s *session) Arm(timer uint64, d time.Duration) {
	s.Stop(timer)
	s.timers[timer] = s.after(d, func() {
		delete(s.timers, timer)
		s.handle(treatment.Elapsed{Timer: timer})
	})
}

// Stop implements treatment.Clock.
func (s *session) Stop(timer uint64) {
	s.timers[timer].stop()
	delete(s.timers, timer)
}

// alarm is a timer of a session.
type alarm struct {
	timer   *time.Timer
	stopped bool // read and written on the session's goroutine only
}

// after does f on the session's goroutine after d, unless the alarm is stopped before.
func (s *session) after(d time.Duration, f func()) *alarm {
	a := new(alarm)
	a.timer = time.AfterFunc(d, func() {
		s.mailbox.tell(func() {
			if !a.stopped {
				f()
			}
		})
	})
	return a
}

// stop disarms an alarm. A nil alarm is not armed.
func (a *alarm) stop() {
	if a != nil {
		a.timer.Stop()
		a.stopped = true
	}
}
