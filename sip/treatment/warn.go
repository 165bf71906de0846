package treatment

import "ringfence/call"

// summon calls the person called, to be warned. The caller hears ringing meanwhile, or an announcement.
func (c *Call) summon(w call.Warn) {
	if !c.callOut(Destination{Label: Label{w.Prefix, w.HideName}}, true) {
		return
	}
	c.enter(stateSummoning, c.env.Options.Warn.AnswerWithin)
	if !c.env.Options.Warn.Announcement || !c.offered {
		return
	}
	if text, err := c.caller.answer(c.caller.far); err == nil {
		c.early = text
		c.caller.leg.Progress(183, text)
		c.entertain(promptWait, promptRingback, promptRingback)
	}
}

// whenSummoning waits for the person to answer. What the PBX plays until then is not passed on.
func (c *Call) whenSummoning(e Event) {
	switch e := e.(type) {
	case Progressed:
		_ = c.called.accept(e.Description) // the 200 may leave out the answer that came early
		c.progress(e)
	case Answered:
		if c.pickedUp(e) {
			c.alert()
			c.warn()
		}
	case Refused:
		c.passRefusal(e)
	case Elapsed:
		c.fail(480, call.EndedByTimeout, nil)
	}
}

// warn plays the warning to the person called.
func (c *Call) warn() {
	c.rounds++
	c.announceTo(c.called, stateWarning, c.categoryPrompt())
}

// whenWarning goes on to the menu, which need not be waited for: a key counts at once.
func (c *Call) whenWarning(e Event) {
	switch e := e.(type) {
	case Keyed:
		c.choose(e)
	case Played:
		switch o := &c.env.Options.Warn; {
		case o.Menu:
			c.say(c.called, stateChoosing, o.menu()...)
		case c.rounds < o.Repeat:
			c.warn()
		default:
			c.take(call.ChoiceNone)
		}
	}
}

// menu is what names the keys that lead somewhere, in their order.
func (o *WarnOptions) menu() []string {
	prompts := []string{promptTake}
	for _, key := range [...]struct{ target, prompt string }{
		{o.Voicemail, promptVoicemail},
		{o.ReportingLine, promptReportingLine},
		{o.ListenIn, promptListenIn},
	} {
		if key.target != "" {
			prompts = append(prompts, key.prompt)
		}
	}
	return append(prompts, promptReport)
}

// whenChoosing waits for the choice, and repeats warning and menu as often as is asked for.
func (c *Call) whenChoosing(e Event) {
	o := &c.env.Options.Warn
	switch e := e.(type) {
	case Keyed:
		c.choose(e)
	case Played:
		if c.rounds < o.Repeat {
			c.warn()
		} else {
			c.arm(o.ChooseWithin)
		}
	case Elapsed:
		if o.Voicemail != "" {
			c.divert(o.Voicemail)
		} else {
			c.decline(call.RefusalDeclined, call.EndedByTimeout)
		}
	}
}

// choose does what the person called asks for with a key. Keys that the menu does not name are passed over:
// she may have pressed them by mistake.
func (c *Call) choose(e Keyed) {
	o := &c.env.Options.Warn
	if e.Leg != c.called.id || !o.Menu {
		return
	}
	switch e.Key {
	case '1':
		c.take(call.ChoiceTaken)
	case '2':
		if o.Voicemail != "" {
			c.record.Treated.Choice = call.ChoiceVoicemail
			c.divert(o.Voicemail)
		}
	case '3':
		if o.ReportingLine != "" {
			c.record.Treated.Choice = call.ChoiceReportingLine
			c.handOver()
		}
	case '4':
		if o.ListenIn != "" {
			c.say(c.called, stateConsenting, promptConsent)
		}
	case '9':
		c.complain()
	}
}

// whenConsenting waits for her to have heard what listening in means, and then takes the call.
func (c *Call) whenConsenting(e Event) {
	if _, ok := e.(Played); ok {
		c.take(call.ChoiceListenedIn)
	}
}

// take connects the person called with the caller, who is answered now.
func (c *Call) take(choice call.Choice) {
	c.hush()
	c.record.Treated.Choice = choice
	c.connect()
}
