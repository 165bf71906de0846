package agent

import (
	"math/rand/v2"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// maxGlare bounds how often an offer is made again that crossed one of the other side.
const maxGlare = 4

// offering is our offer in a re-INVITE.
type offering struct {
	leg         *leg
	description []byte
	refresh     bool // the treatment knows nothing of it
	tries       int
	client      *client // while the re-INVITE is under way
	cancelled   bool
	retry       *alarm // the offer is made again, or one that rings is cancelled
	next        []byte // offer of the treatment that waits for a refresh
}

// Offer implements treatment.Leg.
func (l *leg) Offer(description []byte) {
	switch {
	case l.ending || l.done:
	case !l.established() || l.asked != nil:
		// Theirs is not answered. To wait for that could be to wait for each other, when it was passed to
		// another leg that waits as well.
		l.session.handle(treatment.OfferRefused{Leg: l.id, Status: 491})
	case l.offering != nil:
		l.offering.next = description
	default:
		l.offering = &offering{leg: l, description: description}
		l.nextOffer()
	}
}

// nextOffer sends the offer that waits for an ACK, if there is one.
func (l *leg) nextOffer() {
	if o := l.offering; o != nil && o.client == nil && o.retry == nil && l.accepted == nil {
		o.send()
	}
}

// send sends the re-INVITE.
func (o *offering) send() {
	l := o.leg
	o.retry.stop()
	o.retry = nil
	if l.asked != nil {
		o.fail(491)
		return
	}
	if l.accepted != nil {
		return // nextOffer is called when the ACK has come
	}
	req := l.dialog.request(sip.INVITE)
	l.expires.propose(req, true)
	describe(req, o.description)
	seq := req.CSeq().SeqNo
	var ack *sip.Request
	var tx *client
	tx = l.send(req, func(res *sip.Response, _ error) {
		if res != nil && res.IsSuccess() {
			if ack == nil {
				l.dialog.refresh(res)
				ack = l.dialog.ack(seq, nil)
			}
			l.acknowledge(ack) // each time it comes (RFC 3261 §13.2.2.4)
		}
		if o.client == tx {
			o.receive(res)
		}
	})
	o.client = tx
}

// overdue cancels a re-INVITE that rings and is not answered, and gives the dialog up when that is not, either.
func (o *offering) overdue() {
	if o.cancelled {
		o.leg.lost(treatment.Lost)
		return
	}
	o.cancelled = true
	o.leg.send(newCANCEL(o.client.req, ""), func(*sip.Response, error) {})
	o.retry = o.leg.session.after(patience, o.overdue)
}

// receive takes a response to the re-INVITE; nil says that none came.
func (o *offering) receive(res *sip.Response) {
	l := o.leg
	if l.offering != o {
		return
	}
	if res != nil && res.IsProvisional() {
		if o.retry == nil {
			o.retry = l.session.after(patience, o.overdue)
		}
		return
	}
	o.retry.stop()
	o.client, o.retry = nil, nil
	switch {
	case res == nil || gone(res.StatusCode):
		l.lost(treatment.Lost)
	case res.IsSuccess():
		o.succeed(res)
	case res.StatusCode == 491 && o.tries < maxGlare:
		o.tries++
		o.retry = l.session.after(l.glareDelay(), o.send)
	case res.StatusCode == statusIntervalTooSmall && o.tries < maxGlare && l.expires.raise(res):
		o.tries++
		o.send()
	default:
		o.fail(res.StatusCode)
	}
}

func (o *offering) succeed(res *sip.Response) {
	l := o.leg
	answer, _ := description(res) // a body that is no SDP is no answer
	l.said = o.description
	l.expires.take(l, res)
	l.offering = nil
	if !o.refresh {
		l.session.handle(treatment.Agreed{Leg: l.id, Description: answer})
	}
	o.proceed()
}

func (o *offering) fail(status int) {
	o.leg.offering = nil
	if !o.refresh {
		o.leg.session.handle(treatment.OfferRefused{Leg: o.leg.id, Status: status})
	}
	o.proceed()
}

// proceed makes the offer that waited for a refresh.
func (o *offering) proceed() {
	if o.next != nil {
		o.leg.Offer(o.next)
	}
}

// glareDelay is how long to wait before an offer is made again that crossed one: longer for the side
// that chose the Call-ID (RFC 3261 §14.1).
func (l *leg) glareDelay() time.Duration {
	const unit = 10 * time.Millisecond
	if l.outgoing != nil {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*unit
	}
	return time.Duration(rand.IntN(201)) * unit
}
