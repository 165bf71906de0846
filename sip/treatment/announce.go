package treatment

import "ringfence/call"

// announce lets the caller hear what is suspected of her, or why she is refused; then the call goes on
// or is refused. A caller who cannot be told is dealt with at once.
func (c *Call) announce(t call.Announce) {
	if !c.open(c.env.Options.Announce.Answer, func() { c.tell(t) }) {
		c.told(t)
	}
}

func (c *Call) tell(t call.Announce) {
	prompts := []string{c.categoryPrompt()}
	if t.Refuse != nil {
		prompts = append([]string{promptRefused}, digitPrompts(c.record.Reference)...)
	}
	c.announceTo(c.caller, stateAnnouncing, prompts...)
}

// whenAnnouncing waits for the end of the announcement.
func (c *Call) whenAnnouncing(e Event) {
	if _, ok := e.(Played); !ok {
		return
	}
	if t, ok := c.record.Verdict.Treatment.(call.Announce); ok {
		c.told(t)
	}
}

func (c *Call) told(t call.Announce) {
	if t.Refuse != nil {
		c.decline(t.Refuse.Class, call.EndedByGateway)
	} else {
		c.ring()
	}
}

// open lets the caller hear us, by early media (RFC 3960) or answered, and then goes on with then. It
// reports false when she cannot hear us: she has no G.711; or she made no offer and is not to be
// answered, since early media would need an offer of ours in a reliable 183 (RFC 3262 §5) then.
func (c *Call) open(answer bool, then func()) bool {
	if !c.offered {
		if answer {
			c.opened = then
			c.answerCaller(c.caller.party.Offer(), call.EndedByGateway)
			c.enter(stateOpening, maxAgree)
		}
		return answer
	}
	text, err := c.caller.answer(c.caller.far)
	if err != nil {
		return false
	}
	if answer {
		c.answerCaller(text, call.EndedByGateway)
	} else {
		c.early = text
		c.caller.leg.Progress(183, text)
	}
	then()
	return true
}

// whenOpening waits for the answer of an offerless caller, in the ACK.
func (c *Call) whenOpening(e Event) {
	switch e := e.(type) {
	case Agreed:
		if err := c.caller.accept(e.Description); err != nil {
			c.fail(488, call.EndedByGateway, nil)
			return
		}
		c.opened()
	case Elapsed:
		c.fail(488, call.EndedByGateway, nil)
	}
}
