package treatment

import (
	"slices"

	"ringfence/call"
	"ringfence/media"
)

// callCentre begins a leg to a reporting line, which speaks with the person called. It reports false
// when that cannot be.
func (c *Call) callCentre(target string) bool {
	c.targets = append(c.targets, target)
	c.centre = c.newSide(target)
	if c.centre == nil {
		return false
	}
	c.centre.leg.Invite(Destination{Divert: target}, c.centre.party.Offer())
	c.arm(c.env.Options.Warn.AnswerWithin)
	return true
}

// nextCentre calls the fallback of a reporting line that did not answer. It reports false when there is
// none.
func (c *Call) nextCentre() bool {
	c.centre.end(normalClearing)
	c.centre = nil
	next, ok := c.fallback()
	return ok && c.callCentre(next)
}

// centreAnswered takes the answer of a reporting line.
func (c *Call) centreAnswered(e Answered) bool {
	c.centre.answered = true
	c.arm(0)
	return c.centre.accept(e.Description) == nil
}

// handOver refuses the caller, and connects the person called with the reporting line instead. The
// caller is gone before the line is called: the two are never connected.
func (c *Call) handOver() {
	c.hush()
	c.refuseCaller(607, call.EndedByCalled, c.redress(call.RefusalUnwanted))
	if !c.callCentre(c.env.Options.Warn.ReportingLine) {
		c.finish(byGateway, reasonOf(503))
		return
	}
	c.state = stateHandingOver
	c.called.port.Play(c.language(), []string{promptRingback}, Forever)
}

// whenHandingOver waits for the reporting line to answer.
func (c *Call) whenHandingOver(e Event) {
	switch e := e.(type) {
	case Answered:
		if !c.centreAnswered(e) {
			c.finish(byGateway, reasonOf(488))
			return
		}
		c.state = stateAdvised
		c.called.port.Stop()
		c.called.port.Hear(c.centre.port)
		c.centre.port.Hear(c.called.port)
	case Refused:
		c.centre.live = false
		if !c.nextCentre() {
			c.finish(byGateway, reasonOf(e.Status))
		}
	case Elapsed:
		if !c.nextCentre() {
			c.finish(byGateway, reasonOf(480))
		}
	}
}

// whenAdvised has nothing to do: either may hang up.
func (c *Call) whenAdvised(Event) {}

// callIn has the reporting line listen to the two, who are connected. It cannot hear formats that are
// not mixed; the two stay connected without it then, as when it does not answer.
func (c *Call) callIn(target string) {
	if c.caller.stream.Codec == media.Other || c.called.stream.Codec == media.Other || slices.Contains(c.targets, target) {
		return
	}
	c.callCentre(target)
}

// whenListening follows the reporting line. It is told first what kind of call it is; that also takes
// up the words with which a telephone is answered. It hears both from then on, and only the person
// called hears it. Once it speaks after that, or presses a key, the caller hears it, too; a key
// lets it be private again, and public: from the first key on, only keys do.
func (c *Call) whenListening(e Event) {
	switch e := e.(type) {
	case Answered:
		if !c.centreAnswered(e) {
			c.centre.end(reasonOf(488))
			c.centreLeft()
			return
		}
		c.route()
		c.say(c.centre, stateConnected, c.categoryPrompt())
	case Refused:
		c.centre.live = false
		if !c.nextCentre() {
			c.centreLeft()
		}
	case Elapsed:
		if !c.nextCentre() {
			c.centreLeft()
		}
	case Played:
		c.arm(0)
		c.centre.port.AwaitSpeech()
	case Spoke:
		if !c.centreKeyed {
			c.centreSpeaks = true
			c.route()
		}
	case Keyed:
		if e.Leg == c.centre.id && c.centre.answered {
			c.hush()
			c.arm(0)
			c.centreSpeaks, c.centreKeyed = !c.centreSpeaks, true
			c.route()
		}
	}
}

// centreLeft lets the two go on without the reporting line.
func (c *Call) centreLeft() {
	c.hush()
	c.arm(0)
	s := c.centre
	c.centre, c.centreSpeaks, c.centreKeyed = nil, false, false
	c.route()
	if s != nil {
		s.close()
	}
}
