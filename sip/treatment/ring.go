package treatment

import (
	"net/netip"

	"ringfence/call"
)

// ring goes on with the call to the PBX, after the caller was dealt with.
func (c *Call) ring() {
	if c.callOut(Destination{}, false) {
		c.enter(stateRinging, c.env.Options.Warn.AnswerWithin)
	}
}

// whenRinging connects whoever answers, and passes on whatever else the PBX says.
func (c *Call) whenRinging(e Event) {
	switch e := e.(type) {
	case Progressed:
		c.passProgress(e)
	case Answered:
		if c.pickedUp(e) {
			c.connect()
		}
	case Refused:
		c.passRefusal(e)
	case Elapsed:
		c.fail(480, call.EndedByTimeout, nil)
	}
}

// callOut begins the leg of whom the caller is to be connected with. prompted says that prompts are to
// be played there first. It reports false when that cannot be; the call has failed then.
func (c *Call) callOut(to Destination, prompted bool) bool {
	s := c.newSide(to.Divert)
	if s == nil {
		c.record.Outcome.Cause = call.ReasonOverload
		c.fail(503, call.EndedByGateway, nil)
		return false
	}
	c.called = s
	c.record.Outcome.Target = to.Divert
	text := s.party.Offer()
	if c.offered && !prompted && !c.caller.agreed {
		// The two may agree on any format. The caller's offer was found good before.
		if wide, err := s.party.Relay(c.caller.far.Description); err == nil {
			text = wide
		}
	}
	s.leg.Invite(to, text)
	return true
}

// newSide makes a side for a leg of ours. It is nil when no port is free, or there were too many legs.
func (c *Call) newSide(target string) *side {
	if len(c.sides) == MaxLegs {
		return nil
	}
	s := &side{id: LegID(len(c.sides)), target: target}
	if c.openPort(s, netip.Addr{}) != nil {
		return nil
	}
	s.leg, s.live = c.env.NewLeg(s.id), true
	c.sides = append(c.sides, s)
	return s
}

// passProgress tells the caller how far the call is, with the early media of the side called if there
// is any (RFC 3960), else with a ringing tone if the caller hears us already: her telephone gives none then.
func (c *Call) passProgress(e Progressed) {
	if c.called.accept(e.Description) != nil { // no early media, or none that can be used
		c.progress(e)
		c.entertain(promptRingback)
		return
	}
	switch {
	case c.caller.agreed:
		c.noteTarget(e.Target)
		if !c.settled {
			c.caller.leg.Progress(e.Status, nil)
		}
	case c.offered && c.answerEarly(e):
	default: // without an offer, or a format in common, she waits for the answer
		c.progress(e)
		return
	}
	c.entertained = false
	c.caller.port.Stop()
	c.caller.port.Hear(c.called.port)
}

// answerEarly gives the caller the early media of the side called.
func (c *Call) answerEarly(e Progressed) bool {
	text, err := c.caller.answerAs(c.caller.far, c.called)
	if err != nil {
		return false
	}
	c.early = text
	c.noteTarget(e.Target)
	c.caller.leg.Progress(183, text)
	return true
}

// progress tells a caller who waits for an answer that there is progress, but not the media that came
// with it.
func (c *Call) progress(e Progressed) {
	c.noteTarget(e.Target)
	if c.settled {
		return
	}
	status := e.Status
	if status == 183 && len(e.Description) > 0 {
		status = 180 // which the tone in it stood for, most likely
	}
	c.alerted = c.alerted || status == 180
	c.caller.leg.Progress(status, nil)
}

// alert has the caller hear ringing if she hears nothing yet, as when the PBX answers at once.
func (c *Call) alert() {
	if !c.alerted && !c.settled && !c.caller.agreed {
		c.alerted = true
		c.caller.leg.Progress(180, nil)
	}
}

// pickedUp takes the answer of the side called. When nothing can be heard there the call has failed.
func (c *Call) pickedUp(e Answered) bool {
	c.noteTarget(e.Target)
	c.called.answered = true
	if err := c.called.accept(e.Description); err != nil {
		c.fail(488, call.EndedByGateway, warning(err))
		return false
	}
	return true
}

// passRefusal passes the final response of the side called on.
func (c *Call) passRefusal(e Refused) {
	c.noteTarget(e.Target)
	c.called.live = false
	status, by := e.Status, call.EndedByCalled
	switch {
	case e.Cause != "":
		by = call.EndedByGateway
		if !c.settled {
			c.record.Outcome.Cause = e.Cause
		}
	case status < 400: // a redirection would lead the caller past the gateway
		status = 480
	case status == 408:
		by = call.EndedByTimeout
	}
	c.fail(status, by, e.Headers)
}

// noteTarget keeps the name of the target that answers, where it is more than was known.
func (c *Call) noteTarget(name string) {
	if name != "" {
		c.record.Outcome.Target = name
	}
}
