package treatment

import "ringfence/call"

// challenge asks the caller for random digits, unless she passed lately. A caller who made no offer is
// answered to be asked: leaving the offer out must be no way around it. One who cannot hear the
// question has failed.
func (c *Call) challenge() {
	if c.env.Passed.Has(c.origin(), c.env.Clock.Now()) {
		c.record.Treated.Choice = call.ChoiceRemembered
		c.ring()
		return
	}
	if !c.open(c.env.Options.Challenge.Answer || !c.offered, c.question) {
		c.flunk()
	}
}

// origin is what is remembered of the caller.
func (c *Call) origin() Origin {
	return Origin{Trunk: c.record.Facts.Trunk, Number: c.record.Facts.Caller.Number}
}

// question asks for new digits.
func (c *Call) question() {
	t, _ := c.record.Verdict.Treatment.(call.Challenge)
	c.tries++
	c.expected, c.entered = "", ""
	for range max(t.Digits, 1) {
		c.expected += string(rune('0' + c.env.Random()%10))
	}
	c.announceTo(c.caller, stateChallenging, append([]string{promptChallenge}, digitPrompts(c.expected)...)...)
}

// whenChallenging takes the caller's digits, as many as were asked for. They need not wait for the end
// of the question.
func (c *Call) whenChallenging(e Event) {
	switch e := e.(type) {
	case Keyed:
		if e.Leg != CallerLeg || e.Key < '0' || e.Key > '9' {
			return
		}
		c.entered += string(rune(e.Key))
		switch {
		case len(c.entered) < len(c.expected):
		case c.entered == c.expected:
			c.passed()
		default:
			c.missed()
		}
	case Played:
		c.arm(c.env.Options.Challenge.Within)
	case Elapsed:
		c.missed()
	}
}

// passed lets the call go on, and the caller unasked for a while.
func (c *Call) passed() {
	c.hush()
	c.record.Treated.Choice = call.ChoicePassed
	c.env.Passed.Add(c.origin(), c.env.Clock.Now().Add(c.env.Options.Challenge.Remember))
	c.ring()
}

// missed asks again as often as the site allows.
func (c *Call) missed() {
	if c.tries < c.env.Options.Challenge.Tries {
		c.question()
	} else {
		c.flunk()
	}
}

// flunk diverts the caller who failed, or tells her so and refuses her.
func (c *Call) flunk() {
	c.hush()
	c.record.Treated.Choice = call.ChoiceFailed
	t, _ := c.record.Verdict.Treatment.(call.Challenge)
	switch {
	case t.Divert != nil:
		c.divert(t.Divert.Target)
	case c.caller.hearsPrompts():
		c.say(c.caller, stateFailing, promptFailed)
	default:
		c.refuseFailed()
	}
}

// whenFailing refuses the caller once she was told.
func (c *Call) whenFailing(e Event) {
	if _, ok := e.(Played); ok {
		c.refuseFailed()
	}
}

func (c *Call) refuseFailed() {
	t, _ := c.record.Verdict.Treatment.(call.Challenge)
	c.decline(t.Refuse.Class, call.EndedByGateway)
}
