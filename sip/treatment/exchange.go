package treatment

import (
	"errors"

	"ringfence/media"
)

// exchange is an offer of ours within a dialog, until it is answered. There is one at a time in a call:
// whoever offers meanwhile is told to try again (491, RFC 3261 §14.2).
type exchange struct {
	to   *side
	then func(status int) // 200: to has taken the answer
}

// ask makes an offer to a side, and calls then with what comes of it. A side that still has to answer an
// offer, in an ACK, cannot be made another.
func (c *Call) ask(to *side, offer []byte, then func(status int)) {
	if to.awaited {
		then(491)
		return
	}
	c.trade = &exchange{to, then}
	to.leg.Offer(offer)
}

// reoffered answers an offer within a dialog. Of two who are connected, what one offers is offered to
// the other, so that hold, resume and changes of format are agreed between them. Until then, and while
// the reporting line listens in, each side is agreed with on its own.
func (c *Call) reoffered(s *side, e Reoffered) {
	if c.negotiating(s) {
		s.leg.Reply(e.ID, 491, nil)
		return
	}
	if len(e.Description) == 0 {
		c.offerAgain(s, e)
		return
	}
	offer, err := read(e.Description)
	if err != nil {
		s.leg.Reply(e.ID, 488, nil)
		return
	}
	joined := c.joined(s)
	if joined && !s.repeats(e.Description) {
		c.relay(s, offer, func(status int, answer []byte) { s.leg.Reply(e.ID, status, answer) })
		return
	}
	var answer []byte
	if joined {
		answer, err = s.answerAs(offer, c.across(s))
	} else {
		answer, err = s.answer(offer)
	}
	if err != nil {
		s.leg.Reply(e.ID, 488, nil)
		return
	}
	s.leg.Reply(e.ID, 200, answer)
}

// negotiating reports whether an offer is under way with which one of a side would collide.
func (c *Call) negotiating(s *side) bool {
	return c.trade != nil || !s.agreed || s.awaited || c.joined(s) && c.across(s).awaited
}

// joined reports whether a side's media is agreed with the other side's.
func (c *Call) joined(s *side) bool {
	return c.state == stateConnected && c.centre == nil && (s == c.caller || s == c.called)
}

// offerAgain answers an offerless re-INVITE with an offer of what the side can be sent, without asking
// the other side: its session need not change for that. The answer comes with the ACK.
func (c *Call) offerAgain(s *side, e Reoffered) {
	offer := s.party.Offer()
	if c.joined(s) && s.stream.Codec == media.Other {
		passed, err := s.party.Pass(c.across(s).far.Description)
		if err != nil {
			s.leg.Reply(e.ID, 488, nil)
			return
		}
		offer = passed
	}
	s.awaited = true
	s.leg.Reply(e.ID, 200, offer)
}

// relay offers to the other side what from offers, and calls reply with an answer for from. G.711 is
// added to the offer, since either law can be turned into the other.
func (c *Call) relay(from *side, offer description, reply func(status int, answer []byte)) {
	to := c.across(from)
	if to.stream.Codec == media.Other {
		c.pass(from, to, offer, reply)
		return
	}
	text, err := to.party.Relay(offer.Description)
	if err != nil {
		reply(488, nil)
		return
	}
	c.ask(to, text, func(status int) {
		if status != 200 {
			reply(status, nil)
			return
		}
		answer, err := from.answerAs(offer, to)
		switch {
		case err == nil:
			reply(200, answer)
		case errors.Is(err, media.ErrFormat): // G.711 was chosen, and from has none
			c.pass(from, to, offer, reply)
		default:
			reply(488, nil)
		}
	})
}

// pass is relay with the formats of the offer only.
func (c *Call) pass(from, to *side, offer description, reply func(status int, answer []byte)) {
	text, err := to.party.Pass(offer.Description)
	if err != nil {
		reply(488, nil)
		return
	}
	c.ask(to, text, func(status int) {
		if status != 200 {
			reply(status, nil)
			return
		}
		answer, err := from.answerAs(offer, to)
		if err != nil {
			reply(488, nil)
			return
		}
		reply(200, answer)
	})
}

// agreed takes the answer to an offer of ours. It reports false when the state waits for it: it is the
// ACK of a caller whose INVITE had no offer.
func (c *Call) agreed(s *side, e Agreed) bool {
	if x := c.trade; x != nil && x.to == s {
		c.trade = nil
		status := 200
		if s.accept(e.Description) != nil {
			status = 488
		}
		x.then(status)
		return true
	}
	if s == c.caller && !s.agreed {
		return false
	}
	if s.awaited {
		s.awaited = false
		_ = s.accept(e.Description) // of an ACK, which cannot be refused: what was agreed before stands
	}
	return true
}

// offerRefused takes that an offer of ours came to nothing.
func (c *Call) offerRefused(s *side, e OfferRefused) {
	if x := c.trade; x != nil && x.to == s {
		c.trade = nil
		x.then(e.Status)
	}
}
