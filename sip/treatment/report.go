package treatment

import "ringfence/call"

// complain reports the caller, whom the person called refuses with a key, and who is refused at once; the
// person called is thanked before her call ends.
func (c *Call) complain() {
	c.hush() // the report says how much of the warning she heard
	c.record.Treated.Choice = call.ChoiceReported
	c.env.Reporter.Report(c.record)
	c.refuseCaller(call.RefusalUnwanted.Status(), call.EndedByCalled, c.redress(call.RefusalUnwanted))
	c.say(c.called, stateThanking, promptThanks)
}

// takeReport answers a member of the site, and reports the last caller she had.
func (c *Call) takeReport() {
	if !c.open(true, c.lookUp) {
		c.fail(488, call.EndedByGateway, nil)
	}
}

func (c *Call) lookUp() {
	c.enter(stateLookingUp, maxLookUp)
	c.env.Reporter.ReportLast(c.record)
}

// whenLookingUp waits for the last caller to be found.
func (c *Call) whenLookingUp(e Event) {
	switch e := e.(type) {
	case Reported:
		if e.Found {
			c.record.Treated.Choice, c.record.Treated.Reported = call.ChoiceReported, e.Reference
			c.announceTo(c.caller, stateThanking, promptThanks)
		} else {
			c.announceTo(c.caller, stateThanking, promptNone)
		}
	case Elapsed:
		c.announceTo(c.caller, stateThanking, promptNone)
	}
}

// whenThanking hangs up once she was told.
func (c *Call) whenThanking(e Event) {
	if _, ok := e.(Played); ok {
		c.finish(byGateway, normalClearing)
	}
}
