package treatment

import (
	"slices"

	"ringfence/call"
)

// divert connects the caller with a divert target instead of whom she called, if that one answers.
func (c *Call) divert(target string) {
	c.hush()
	if c.called != nil {
		c.caller.port.Hear()
		c.called.end(reasonDiverted)
	}
	c.targets = append(c.targets, target)
	if c.callOut(Destination{Divert: target}, false) {
		c.enter(stateDiverting, c.env.Options.Warn.AnswerWithin)
		c.entertain(promptRingback)
	}
}

// reasonDiverted tells the leg that the call goes elsewhere (RFC 3326).
const reasonDiverted = `SIP;cause=302;text="Call diverted"`

// whenDiverting connects the target when it answers, and goes on to its fallback when it does not.
func (c *Call) whenDiverting(e Event) {
	switch e := e.(type) {
	case Progressed:
		c.passProgress(e)
	case Answered:
		if c.pickedUp(e) {
			c.connect()
		}
	case Refused:
		c.called.live = false
		if next, ok := c.fallback(); ok {
			c.divert(next)
		} else {
			c.passRefusal(e)
		}
	case Elapsed:
		if next, ok := c.fallback(); ok {
			c.divert(next)
		} else {
			c.fail(480, call.EndedByTimeout, nil)
		}
	}
}

// fallback is the target to be called after the last one, which was not called before in this call.
func (c *Call) fallback() (target string, ok bool) {
	target = c.env.Options.Fallbacks[c.targets[len(c.targets)-1]]
	return target, target != "" && !slices.Contains(c.targets, target)
}
