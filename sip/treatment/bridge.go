package treatment

import (
	"errors"

	"ringfence/call"
	"ringfence/media"
)

// connect answers the caller, if she is not yet, and lets her and the side called hear each other.
func (c *Call) connect() {
	switch {
	case c.caller.answered:
		c.bridge()
	case !c.offered:
		c.answerCaller(c.caller.party.Offer(), call.EndedByCalled)
		c.enter(stateTaking, maxAgree)
	case c.caller.agreed:
		c.answerCaller(c.early, call.EndedByCalled)
		c.bridge()
	default:
		c.join()
	}
}

// join answers the caller's offer as the side called was agreed with. When the caller has no G.711,
// in which the prompts were heard, the side called is asked for what the caller has.
func (c *Call) join() {
	text, err := c.caller.answerAs(c.caller.far, c.called)
	switch {
	case err == nil:
		c.answerCaller(text, call.EndedByCalled)
		c.bridge()
	case errors.Is(err, media.ErrFormat):
		c.enter(stateTaking, maxAgree)
		c.pass(c.caller, c.called, c.caller.far, func(status int, answer []byte) {
			if status != 200 {
				c.fail(488, call.EndedByGateway, warning(media.ErrFormat))
				return
			}
			c.answerCaller(answer, call.EndedByCalled)
			c.bridge()
		})
	default:
		c.fail(488, call.EndedByGateway, warning(err))
	}
}

// whenTaking waits for the answer of an offerless caller, in the ACK; or for the side called to agree
// to what the caller has.
func (c *Call) whenTaking(e Event) {
	switch e := e.(type) {
	case Agreed:
		if err := c.caller.accept(e.Description); err != nil {
			c.fail(488, call.EndedByGateway, nil)
			return
		}
		c.bridge()
	case Elapsed:
		c.fail(488, call.EndedByGateway, nil)
	}
}

// bridge lets the two hear each other.
func (c *Call) bridge() {
	c.caller.port.Stop()
	c.called.port.Stop()
	c.connected = c.env.Clock.Now()
	c.enter(stateConnected, 0)
	c.route()
	if c.record.Treated.Choice == call.ChoiceListenedIn {
		c.callIn(c.env.Options.Warn.ListenIn)
	}
}

// route says who hears whom while the two are connected.
func (c *Call) route() {
	switch {
	case c.centre == nil || !c.centre.answered:
		c.caller.port.Hear(c.called.port)
		c.called.port.Hear(c.caller.port)
		return
	case c.centreSpeaks:
		c.caller.port.Hear(c.called.port, c.centre.port)
	default:
		c.caller.port.Hear(c.called.port)
	}
	c.called.port.Hear(c.caller.port, c.centre.port)
	c.centre.port.Hear(c.caller.port, c.called.port)
}

// whenConnected follows the reporting line that listens in, and the key for video.
func (c *Call) whenConnected(e Event) {
	if c.centre != nil {
		c.whenListening(e)
		return
	}
	if k, ok := e.(Keyed); ok && k.Leg == c.called.id && k.Key == keyVideo {
		c.offerVideo()
	}
}

// across is the side that s is connected with.
func (c *Call) across(s *side) *side {
	if s == c.caller {
		return c.called
	}
	return c.caller
}
