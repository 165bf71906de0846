package agent

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// accepted is an INVITE answered with 200, which is sent again until the ACK comes, whatever the
// transport (RFC 3261 §13.3.1.4).
type accepted struct {
	leg      *leg
	tx       *server
	res      *sip.Response
	seq      uint32
	offered  bool // the 200 has our offer, the ACK its answer
	interval time.Duration
	again    *alarm
	overdue  *alarm
}

// acceptInvite sends a 200 with a description to an INVITE or re-INVITE.
func (l *leg) acceptInvite(tx *server, res *sip.Response, offered bool) {
	a := &accepted{leg: l, tx: tx, res: res, seq: tx.req.CSeq().SeqNo, offered: offered, interval: timerT1}
	l.accepted = a
	a.send()
	a.overdue = l.session.after(patience, a.expire)
}

func (a *accepted) send() {
	_ = a.tx.Respond(a.res) // a 200 that is lost is sent again below
	a.again = a.leg.session.after(a.interval, a.send)
	a.interval = min(2*a.interval, timerT2)
}

func (a *accepted) stop() {
	a.again.stop()
	a.overdue.stop()
}

// expire ends a call whose ACK never came.
func (a *accepted) expire() {
	a.stop()
	l := a.leg
	l.accepted = nil
	if l.ending {
		l.bye(l.goodbye)
		return
	}
	l.lost(treatment.Lost)
}

// receiveACK takes the ACK of a 2xx.
func (l *leg) receiveACK(req *sip.Request) {
	a := l.accepted
	if a == nil || req.CSeq().SeqNo != a.seq {
		return // sent again, or of no INVITE of theirs
	}
	a.stop()
	l.accepted = nil
	if l.ending {
		l.bye(l.goodbye)
		return
	}
	if a.offered {
		answer, _ := description(req) // a body that is no SDP is no answer
		l.session.handle(treatment.Agreed{Leg: l.id, Description: answer})
	}
	l.nextOffer()
}
