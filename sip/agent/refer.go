package agent

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// referral is a REFER of the other side (RFC 3515).
type referral struct {
	id       uint64
	tx       *server
	answered bool
}

// receiveREFER has the treatment decide on a transfer. There is one at a time.
func (l *leg) receiveREFER(req *sip.Request, tx *server) {
	target := values(req, "refer-to")
	switch {
	case target == "":
		l.answer(tx, 400)
		return
	case l.referral != nil || !l.established():
		l.answer(tx, 500, header("Retry-After", "3"))
		return
	}
	l.asks++
	l.referral = &referral{id: l.asks, tx: tx}
	l.session.handle(treatment.Transferred{Leg: l.id, ID: l.asks, Target: target})
}

func (l *leg) replyREFER(status int) {
	r := l.referral
	if r.answered {
		return
	}
	r.answered = true
	res := newResponse(r.tx.req, status)
	if status < 300 {
		res.AppendHeader(l.contact.Clone())
	} else {
		l.referral = nil
	}
	_ = r.tx.Respond(res)
}

// Notify implements treatment.Leg.
func (l *leg) Notify(body []byte, state string) {
	r := l.referral
	if r == nil || !r.answered || l.ending {
		return
	}
	req := l.dialog.request(sip.NOTIFY)
	req.AppendHeader(header("Event", "refer"))
	req.AppendHeader(header("Subscription-State", state))
	req.AppendHeader(header("Content-Type", "message/sipfrag;version=2.0"))
	req.SetBody(body)
	if strings.HasPrefix(state, "terminated") {
		l.referral = nil
	}
	l.send(req, func(*sip.Response, error) {}) // who asked may have gone already
}

// Transfer implements treatment.Leg.
func (l *leg) Transfer(target string) {
	if l.ending || l.done {
		return
	}
	req := l.dialog.request(sip.REFER)
	req.AppendHeader(header("Refer-To", target))
	l.referred = true // the first NOTIFY may overtake the response
	l.send(req, func(res *sip.Response, _ error) {
		if l.ending {
			return
		}
		switch {
		case res == nil:
			l.referred = false
			l.session.handle(treatment.TransferReplied{Leg: l.id, Status: 408})
		case !res.IsProvisional():
			l.referred = res.IsSuccess()
			l.session.handle(treatment.TransferReplied{Leg: l.id, Status: res.StatusCode})
		}
	})
}

func (l *leg) receiveNOTIFY(req *sip.Request, tx *server) {
	if !l.referred {
		l.answer(tx, 481)
		return
	}
	l.answer(tx, 200)
	state := values(req, "subscription-state")
	if strings.HasPrefix(state, "terminated") {
		l.referred = false
	}
	l.session.handle(treatment.Notified{Leg: l.id, Body: req.Body(), State: state})
}
