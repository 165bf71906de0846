package treatment

import (
	"time"

	"ringfence/call"
)

// Prompts by their IDs. Those of the categories are named as the categories are.
const (
	promptRefused       = "refused-caller"
	promptTake          = "menu-take"
	promptVoicemail     = "menu-voicemail"
	promptReportingLine = "menu-reporting-line"
	promptListenIn      = "menu-listen-in"
	promptReport        = "menu-report"
	promptChallenge     = "caller-challenge"
	promptFailed        = "challenge-failed"
	promptConsent       = "listen-in-consent"
	promptThanks        = "reported-thanks"
	promptNone          = "report-none"
	promptWait          = "wait"
	promptRingback      = "ringback"
	promptDigit         = "digit-"
)

// speech is what plays to a side while the state waits for its end.
type speech struct {
	side     *side
	playback uint64
	began    time.Time
	counts   bool // it is the announcement of the record
}

// say plays prompts to a side once, in a state that waits for Played.
func (c *Call) say(s *side, state State, prompts ...string) {
	c.hush()
	c.enter(state, maxSpeech)
	c.speaking = &speech{side: s, began: c.env.Clock.Now()}
	c.speaking.playback = s.port.Play(c.language(), prompts, 1)
}

// announceTo is say for the announcement that the record names.
func (c *Call) announceTo(s *side, state State, prompts ...string) {
	t := c.record.Treated
	t.Announcement, t.Language = prompts[0], c.language()
	c.say(s, state, prompts...)
	c.speaking.counts = true
}

// said takes the end of a playback, and reports whether the state waits for it.
func (c *Call) said(e Played) bool {
	p := c.speaking
	if p == nil || p.side.id != e.Leg || p.playback != e.Playback {
		return false
	}
	c.heard(e.Heard)
	return true
}

// hush cuts off what is said, if anything.
func (c *Call) hush() {
	p := c.speaking
	if p == nil {
		return
	}
	c.heard(c.env.Clock.Now().Sub(p.began))
	if p.side.port != nil {
		p.side.port.Stop()
	}
}

func (c *Call) heard(d time.Duration) {
	if c.speaking.counts {
		c.record.Treated.Heard += d
	}
	c.speaking = nil
}

// entertain lets a caller who can hear us hear something until the person called can speak to her.
func (c *Call) entertain(prompts ...string) {
	if c.caller.hearsPrompts() && !c.entertained {
		c.entertained = true
		c.caller.port.Play(c.language(), prompts, Forever)
	}
}

// language is spoken at the site's number in the call: the one called, or that of the member who reports.
func (c *Call) language() string {
	o, member := c.env.Options, &c.record.Facts.Called
	if _, reports := c.record.Verdict.Treatment.(call.TakeReport); reports {
		member = &c.record.Facts.Caller
	}
	for _, l := range o.Languages {
		if l.Called.Covers(member.Number) {
			return l.Language
		}
	}
	return o.Language
}

// categoryPrompt is the warning for the category of the call, the general one where none is known.
func (c *Call) categoryPrompt() string {
	if c.record.Verdict.Category == call.CategoryNone {
		return string(call.CategoryHighRisk)
	}
	return string(c.record.Verdict.Category)
}

// digitPrompts reads digits one by one.
func digitPrompts(digits string) []string {
	prompts := make([]string, 0, len(digits))
	for _, d := range digits {
		prompts = append(prompts, promptDigit+string(d))
	}
	return prompts
}
