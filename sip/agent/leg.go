package agent

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/proxy"
	"ringfence/sip/treatment"
)

const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	// patience is how long an ACK, a PRACK, or the final response after a CANCEL is waited for: 64*T1.
	patience = 64 * timerT1
)

// newTag is a tag of ours, which also is the user part of the Contact: by how it begins, the core knows requests
// within our dialogs.
func newTag() string { return proxy.AgentUser + strings.ToLower(rand.Text()) }

// leg is one side of a treated call. It implements treatment.Leg. All of it runs on its session's goroutine.
type leg struct {
	session *session
	id      treatment.LegID
	tag     string // ours in its dialogs
	contact *sip.ContactHeader

	incoming *incoming // the INVITE of a caller's leg
	outgoing *outgoing // our INVITE of a called leg

	dialog   *dialog // once established
	ending   bool    // our side ends it: nothing is told any more
	done     bool    // nothing more can come of it
	goodbye  string  // the Reason of a BYE that waits for an ACK
	accepted *accepted
	asked    *asked    // their offer that the treatment has not answered
	offering *offering // our offer in a re-INVITE
	said     []byte    // our last description
	expires  expires
	referral *referral // their REFER
	referred bool      // a REFER of ours was accepted: NOTIFYs may come
	asks     uint64    // numbers what the treatment is asked
	keys     keyWay    // how their keys come, 0: none has
}

func (s *session) newLeg(id treatment.LegID) *leg {
	l := &leg{session: s, id: id}
	s.legs = append(s.legs, l)
	return l
}

// serve makes l the leg of an INVITE.
func (l *leg) serve(req *sip.Request, tx *server) {
	l.enter(toTag(req))
	l.dialog = newCallerDialog(req, l.contact)
	l.incoming = newIncoming(l, req, tx)
}

// enter makes the leg known by its tag.
func (l *leg) enter(tag string) {
	l.tag = tag
	l.contact = &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: tag, Host: proxy.AgentHost}}
	l.session.agent.addLeg(l)
}

// Progress implements treatment.Leg.
func (l *leg) Progress(status int, description []byte) { l.incoming.progress(status, description) }

// Accept implements treatment.Leg.
func (l *leg) Accept(description []byte) { l.incoming.accept(description) }

// Refuse implements treatment.Leg.
func (l *leg) Refuse(status int, headers []treatment.Header) { l.incoming.refuse(status, headers) }

// Invite implements treatment.Leg.
func (l *leg) Invite(to treatment.Destination, description []byte) { l.begin(to, description) }

// End implements treatment.Leg.
func (l *leg) End(reason string) {
	if l.done || l.ending {
		return
	}
	l.ending = true
	l.quiet()
	switch {
	case l.incoming != nil && !l.incoming.final:
		l.incoming.terminate(487)
	case l.outgoing != nil && !l.outgoing.final:
		l.outgoing.cancel(reason)
	case l.dialog == nil:
		l.finish()
	case l.accepted != nil: // no BYE before the ACK, or before it is overdue (RFC 3261 §15)
		l.goodbye = reason
	default:
		l.bye(reason)
	}
}

// bye sends BYE. The leg is done when it is answered, however it is.
func (l *leg) bye(reason string) {
	req := l.dialog.request(sip.BYE)
	if reason != "" {
		req.AppendHeader(header("Reason", reason))
	}
	l.send(req, func(res *sip.Response, _ error) {
		if res == nil || !res.IsProvisional() {
			l.finish()
		}
	})
}

// lost ends the leg because its peer is gone: it is told so in case it is not.
func (l *leg) lost(how treatment.Manner) {
	if l.ending || l.done {
		return
	}
	l.ending = true
	l.quiet()
	l.session.handle(treatment.Ended{Leg: l.id, How: how})
	l.bye("")
}

// over notes that the other side ended the dialog.
func (l *leg) over(how treatment.Manner, reason string) {
	if l.done {
		return
	}
	told := l.ending
	l.ending = true
	l.finish()
	if !told {
		l.session.handle(treatment.Ended{Leg: l.id, How: how, Reason: reason})
	}
}

// finish notes that nothing more can come of the leg.
func (l *leg) finish() {
	l.done = true
	l.quiet()
	if l.accepted != nil {
		l.accepted.stop()
	}
}

// quiet stops what the leg does of itself, and answers what is unanswered (RFC 3261 §15.1.2).
func (l *leg) quiet() {
	l.expires.stop()
	if l.asked != nil {
		l.answer(l.asked.tx, 487)
		l.asked = nil
	}
	if l.referral != nil && !l.referral.answered {
		l.answer(l.referral.tx, 487)
	}
	l.referral = nil
	if l.offering != nil {
		l.offering.retry.stop()
		l.offering = nil
	}
	if l.incoming != nil {
		l.incoming.quiet()
	}
}

// drop ends the leg without its treatment, which has a fault.
func (l *leg) drop() {
	if l.incoming != nil && !l.incoming.final {
		l.incoming.terminate(500)
		return
	}
	l.End("")
}

// close leaves nothing of the leg behind.
func (l *leg) close() {
	l.finish()
	if l.outgoing != nil {
		l.outgoing.close()
	}
	if l.tag != "" {
		l.session.agent.removeLeg(l)
	}
}

// send begins a transaction whose responses are handled on the session's goroutine.
func (l *leg) send(req *sip.Request, handle func(*sip.Response, error)) *client {
	return l.session.agent.tx.send(req, func(res *sip.Response, err error) {
		f := func() { handle(res, err) }
		if res == nil || !res.IsProvisional() {
			l.session.mailbox.tell(f)
		} else if !l.session.mailbox.post(f) {
			l.session.agent.counts.overflow.Add(1)
		}
	})
}

// acknowledge sends an ACK to a 2xx.
func (l *leg) acknowledge(ack *sip.Request) {
	_ = l.session.agent.tx.link.WriteMsg(ack) // the 2xx that comes again asks for it again
}
