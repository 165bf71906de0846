package agent

import (
	"fmt"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/proxy"
	"ringfence/sip/treatment"
)

const (
	// maxEarly bounds the early dialogs of one INVITE: as many branches of a fork are followed.
	maxEarly = 8
	// maxIntervals bounds how often an INVITE is sent again with a longer session interval (RFC 4028 §7.3).
	maxIntervals = 2
)

// outgoing is our INVITE, until its final response and for the responses that come after that.
type outgoing struct {
	leg       *leg
	callID    string
	req       *sip.Request
	client    *client
	early     map[string]*early       // by the tag of the other side
	acks      map[string]*sip.Request // of the dialogs that a 2xx made
	ringing   bool                    // a provisional response came: a CANCEL may go (RFC 3261 §9.1)
	reason    string                  // of the CANCEL
	cancelled bool                    // the CANCEL went
	overdue   *alarm                  // of the final response after it
	final     bool
	intervals int
	attempts  int // places the core tried
}

// early is an early dialog (RFC 3261 §12.1): one branch of a forked INVITE.
type early struct {
	dialog      *dialog
	rseq        uint64 // of its last reliable provisional response, 0 if there was none
	description []byte // its last
}

// begin sends the INVITE of a called leg.
func (l *leg) begin(to treatment.Destination, description []byte) {
	l.enter(newTag())
	o := &outgoing{leg: l, callID: newTag(), early: make(map[string]*early), acks: make(map[string]*sip.Request)}
	o.req = newInvite(l.session.invite, l, o.callID, to)
	l.outgoing = o
	l.said = description
	l.expires.seconds = sessionExpires
	o.send()
}

// send sends the INVITE, with the session interval as it is now.
func (o *outgoing) send() {
	req := o.req.Clone()
	req.CSeq().SeqNo += uint32(o.intervals)
	o.leg.expires.propose(req, false)
	if o.intervals > 0 {
		req.AppendHeader(header("Min-SE", strconv.Itoa(o.leg.expires.seconds)))
	}
	describe(req, o.leg.said)
	o.client = o.leg.send(req, o.receive)
}

// receive takes a response to the INVITE; nil says that none came.
func (o *outgoing) receive(res *sip.Response, _ error) {
	l := o.leg
	switch {
	case res == nil:
		if !o.final {
			o.conclude()
			o.refused(408, nil)
		}
	case res.IsProvisional():
		if !o.final {
			o.provisional(res)
		}
	case res.IsSuccess():
		o.success(res)
	case o.final:
	case res.StatusCode == statusIntervalTooSmall && o.intervals < maxIntervals && !l.ending && l.expires.raise(res):
		o.intervals++
		o.early, o.ringing = make(map[string]*early), false
		o.send()
	default:
		o.conclude()
		o.refused(res.StatusCode, res)
	}
}

// conclude notes that the INVITE has had its final response.
func (o *outgoing) conclude() {
	o.final = true
	o.overdue.stop()
}

// provisional takes a provisional response.
func (o *outgoing) provisional(res *sip.Response) {
	o.ringing = true
	l := o.leg
	if l.ending {
		o.cancel(o.reason)
		return
	}
	if res.StatusCode == sip.StatusTrying {
		return
	}
	body, ok := description(res)
	if !ok {
		body = nil
	}
	if toTag(res) != "" {
		e := o.branch(res)
		if e == nil || !o.acknowledge(e, res) {
			return
		}
		if body != nil {
			e.description = body
		}
	}
	l.session.handle(treatment.Progressed{Leg: l.id, Status: res.StatusCode, Description: body, Target: o.way(res).Target})
}

// branch returns the early dialog of a response, nil when there are too many.
func (o *outgoing) branch(res *sip.Response) *early {
	tag := toTag(res)
	e := o.early[tag]
	switch {
	case e != nil:
		e.dialog.refresh(res)
	case len(o.early) < maxEarly:
		e = &early{dialog: newCalledDialog(o.client.req, res)}
		o.early[tag] = e
	}
	return e
}

// acknowledge sends the PRACK of a provisional response that asks for one. It is false for a response that was
// acknowledged before, or has overtaken another (RFC 3262 §4).
func (o *outgoing) acknowledge(e *early, res *sip.Response) bool {
	if !lists(res, "require", "100rel") {
		return true
	}
	rseq, err := strconv.ParseUint(values(res, "rseq"), 10, 32)
	if err != nil || e.dialog.targetless || e.rseq != 0 && rseq != e.rseq+1 {
		return false
	}
	e.rseq = rseq
	prack := e.dialog.request(sip.PRACK)
	prack.AppendHeader(header("RAck", fmt.Sprintf("%d %d INVITE", rseq, o.client.req.CSeq().SeqNo)))
	o.leg.send(prack, func(*sip.Response, error) {}) // without it the response only comes again
	return true
}

// success takes a 2xx. The first makes the dialog of the leg; what other branches answer is hung up on. All
// are acknowledged, whenever they come (RFC 3261 §13.2.2.4).
func (o *outgoing) success(res *sip.Response) {
	l, tag := o.leg, toTag(res)
	if ack := o.acks[tag]; ack != nil {
		l.acknowledge(ack)
		return
	}
	if len(o.acks) == maxEarly {
		return
	}
	d := newCalledDialog(o.client.req, res)
	e := o.early[tag]
	if e != nil {
		d = e.dialog
		d.establish(res)
	}
	if d.targetless { // it cannot be reached but by the way of the INVITE
		d.target = o.req.Recipient
	}
	o.acks[tag] = d.ack(o.client.req.CSeq().SeqNo, nil)
	l.acknowledge(o.acks[tag])
	if o.final {
		l.send(d.request(sip.BYE), func(*sip.Response, error) {})
		return
	}
	o.conclude()
	l.dialog = d
	if l.ending { // it crossed our CANCEL
		l.bye(o.reason)
		return
	}
	body, _ := description(res)
	if body == nil && e != nil {
		body = e.description // it came reliably before
	}
	l.expires.take(l, res)
	l.session.handle(treatment.Answered{Leg: l.id, Description: body, Target: o.way(res).Target})
}

// way notes what the core says of the way that the INVITE went.
func (o *outgoing) way(res *sip.Response) proxy.Way {
	way := proxy.WayIn(values(res, "x-ringfence"))
	o.attempts = way.Attempts
	return way
}

// refused ends the leg with a final response of 300 or more, nil if none came.
func (o *outgoing) refused(status int, res *sip.Response) {
	l := o.leg
	told := l.ending
	l.ending = true
	l.finish()
	if told {
		return
	}
	e := treatment.Refused{Leg: l.id, Status: status}
	if res != nil {
		way := o.way(res)
		e.Headers, e.Target, e.Cause = passable(res), way.Target, way.Cause
	}
	l.session.handle(e)
}

// cancel ends an INVITE that has no final response, once it has had a provisional one (RFC 3261 §9.1).
func (o *outgoing) cancel(reason string) {
	o.reason = reason
	if !o.ringing || o.cancelled {
		return
	}
	o.cancelled = true
	o.leg.send(newCANCEL(o.client.req, reason), func(*sip.Response, error) {})
	o.overdue = o.leg.session.after(patience, func() { // by a UAS older than RFC 3261, which does not answer the INVITE
		o.conclude()
		o.leg.finish()
		o.client.Terminate()
	})
}

// close leaves nothing of the INVITE behind that would be handled by the session.
func (o *outgoing) close() {
	o.overdue.stop()
	if !o.final && o.client != nil {
		o.client.Terminate()
	}
}
