package treatment

import (
	"ringfence/call"
)

// Who ended a connected call, as a record says it.
const (
	byCaller  = "caller"
	byCalled  = "called"
	byGateway = "gateway"
)

// normalClearing is the Reason (RFC 3326) for the other leg when one has ended without giving any.
const normalClearing = `Q.850;cause=16;text="Normal call clearing"`

// settle notes the final response that the caller is given, the first one only.
func (c *Call) settle(status int, by call.Ender) {
	if c.settled {
		return
	}
	c.settled = true
	o := &c.record.Outcome
	o.Status, o.By = status, by
	o.Elapsed = c.env.Clock.Now().Sub(c.record.Facts.Time)
}

// answerCaller sends the caller the 200, with an answer, or an offer if there was none.
func (c *Call) answerCaller(text []byte, by call.Ender) {
	c.settle(200, by)
	c.caller.answered = true
	c.caller.leg.Accept(text)
}

// refuseCaller sends the caller a final response that refuses, if there was none.
func (c *Call) refuseCaller(status int, by call.Ender, headers []Header) {
	if c.settled {
		return
	}
	c.settle(status, by)
	c.caller.leg.Refuse(status, headers)
	c.caller.close()
}

// fail ends the call because of what status says: a caller who was answered already is hung up on.
func (c *Call) fail(status int, by call.Ender, headers []Header) {
	c.refuseCaller(status, by, headers)
	c.finish(byGateway, reasonOf(status))
}

// decline ends the call with a refusal, which tells the caller how to object.
func (c *Call) decline(class call.Refusal, by call.Ender) {
	c.fail(class.Status(), by, c.redress(class))
}

// finish ends whatever is left of the call, and hands over the record. who is who ended it.
func (c *Call) finish(who, reason string) {
	c.hush()
	if !c.connected.IsZero() {
		c.record.Treated.Connected = c.env.Clock.Now().Sub(c.connected)
		c.record.Treated.HungUp = who
	}
	for _, s := range c.sides {
		s.end(reason)
	}
	c.trade = nil
	c.enter(stateOver, 0)
	c.env.Recorder.Append(c.record)
}

// ended follows a leg that ended by itself: the others end, too, but for a reporting line that listened.
func (c *Call) ended(s *side, e Ended) {
	if s == c.centre && c.state == stateConnected {
		s.live = false
		c.centreLeft()
		return
	}
	s.live = false
	who, reason := byCalled, e.Reason
	if s == c.caller {
		who = byCaller
	}
	if reason == "" {
		reason = normalClearing
	}
	switch {
	case s == c.caller && e.How == Cancelled:
		c.settle(487, call.EndedByCaller)
	case s == c.caller:
		c.settle(504, call.EndedByTimeout)
	case e.How == HungUp: // she heard the warning, or enough of it
		c.refuseCaller(603, call.EndedByCalled, c.redress(call.RefusalDeclined))
	default:
		c.refuseCaller(480, call.EndedByTimeout, nil)
	}
	if e.How == Expired || e.How == Lost {
		who = byGateway
	}
	c.finish(who, reason)
}

// silent ends the call of a side that should send and does not: its telephone is gone. A machine that
// records, and a reporting line that listens, may be silent.
func (c *Call) silent(s *side) {
	if !s.answered || s.target != "" || !s.stream.Direction.Receives() {
		return
	}
	c.fail(480, call.EndedByTimeout, nil)
}

// stop ends the call for a reason of the gateway's.
func (c *Call) stop(e Stopped) {
	if !c.settled {
		c.record.Outcome.Cause = e.Cause
	}
	c.fail(e.Status, call.EndedByGateway, nil)
}
