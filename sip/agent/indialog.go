package agent

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// asked is an offer of the other side that the treatment has not answered.
type asked struct {
	id  uint64
	req *sip.Request
	tx  *server
}

// receive handles a request that has our tag. tx is nil for an ACK.
func (l *leg) receive(req *sip.Request, tx *server) {
	d := l.find(req)
	switch {
	case d == nil || l.done:
		l.answer(tx, 481)
		return
	case tx == nil:
		l.receiveACK(req)
		return
	case !d.inOrder(req.CSeq().SeqNo):
		l.answer(tx, 500)
		return
	case unknownExtensions(req) != "":
		l.answer(tx, 420, header("Unsupported", unknownExtensions(req)))
		return
	case req.Method == sip.BYE:
		l.receiveBYE(req, tx)
		return
	case l.ending:
		l.answer(tx, 481)
		return
	}
	l.receiveWithin(d, req, tx)
}

// receiveWithin handles a request in a dialog that goes on.
func (l *leg) receiveWithin(d *dialog, req *sip.Request, tx *server) {
	switch req.Method {
	case sip.PRACK:
		if l.incoming == nil {
			l.answer(tx, 481)
			return
		}
		l.incoming.receivePRACK(req, tx)
	case sip.INVITE, sip.UPDATE:
		l.receiveOffer(d, req, tx)
	case sip.REFER:
		l.receiveREFER(req, tx)
	case sip.NOTIFY:
		l.receiveNOTIFY(req, tx)
	case sip.INFO:
		l.receiveINFO(req, tx)
	case sip.OPTIONS:
		l.answer(tx, 200, header("Accept", sdpType), header("Allow", allowed), header("Supported", supported))
	default:
		l.answer(tx, 405, header("Allow", allowed))
	}
}

// find returns the dialog that a request belongs to (RFC 3261 §12.2.2).
func (l *leg) find(req *sip.Request) *dialog {
	tag := fromTag(req)
	if d := l.dialog; d != nil && d.remoteTag == tag && d.callID == req.CallID().Value() {
		return d
	}
	if l.outgoing != nil && !l.outgoing.final && l.outgoing.callID == req.CallID().Value() {
		if e := l.outgoing.early[tag]; e != nil {
			return e.dialog
		}
	}
	return nil
}

// answer sends a final response without a body; an ACK is not answered.
func (l *leg) answer(tx *server, status int, headers ...sip.Header) {
	l.session.agent.tx.refuse(tx, status, headers...)
}

// success is a 200 with a description; nil: without.
func (l *leg) success(req *sip.Request, description []byte) *sip.Response {
	res := newResponse(req, 200)
	res.AppendHeader(l.contact.Clone())
	res.AppendHeader(header("Allow", allowed))
	res.AppendHeader(header("Supported", supported))
	describe(res, description)
	return res
}

func (l *leg) receiveBYE(req *sip.Request, tx *server) {
	l.answer(tx, 200)
	if l.incoming != nil && !l.incoming.final { // RFC 3261 §15.1.2
		l.incoming.respond(487)
	}
	l.over(treatment.HungUp, values(req, "reason"))
}

// receiveOffer handles a re-INVITE or an UPDATE.
func (l *leg) receiveOffer(d *dialog, req *sip.Request, tx *server) {
	offer, ok := description(req)
	if !ok {
		l.answer(tx, 415, header("Accept", sdpType))
		return
	}
	if req.Method == sip.INVITE || offer != nil {
		switch {
		case !l.established() && !l.settledEarly():
			l.answer(tx, 491) // our offer, or the answer to theirs, is still on its way (RFC 3311 §5.2)
			return
		case l.offering != nil && l.offering.client != nil, l.accepted != nil:
			l.answer(tx, 491)
			return
		case l.asked != nil:
			l.answer(tx, 500, header("Retry-After", "3")) // RFC 3261 §14.2, RFC 3311 §5.2
			return
		}
	}
	if status, headers := l.expires.serve(req); status != 0 {
		l.answer(tx, status, headers...)
		return
	}
	d.refresh(req)
	if req.Method == sip.UPDATE && offer == nil { // it refreshes the session, or the target
		res := l.success(req, nil)
		l.expires.answer(l, res)
		_ = tx.Respond(res) // sent again by the transaction when it is asked again
		return
	}
	l.ask(req, tx, offer)
}

// established reports whether the INVITE of the leg was answered.
func (l *leg) established() bool {
	return l.dialog != nil && (l.incoming == nil || l.incoming.final)
}

// settledEarly reports whether offer and answer were exchanged reliably before the INVITE was answered.
func (l *leg) settledEarly() bool { return l.incoming != nil && l.incoming.settled }

// ask has the treatment answer an offer; nil asks for ours.
func (l *leg) ask(req *sip.Request, tx *server, offer []byte) {
	l.asks++
	l.asked = &asked{id: l.asks, req: req, tx: tx}
	l.session.handle(treatment.Reoffered{Leg: l.id, ID: l.asks, Description: offer})
}

// Reply implements treatment.Leg.
func (l *leg) Reply(id uint64, status int, description []byte) {
	switch a := l.asked; {
	case a != nil && a.id == id:
		l.asked = nil
		l.reply(a, status, description)
	case l.referral != nil && l.referral.id == id:
		l.replyREFER(status)
	}
}

func (l *leg) reply(a *asked, status int, body []byte) {
	if status < 200 || status > 299 {
		l.answer(a.tx, status)
		return
	}
	l.said = body
	res := l.success(a.req, body)
	if a.req.Method == sip.PRACK {
		_ = a.tx.Respond(res)
		return
	}
	l.expires.answer(l, res)
	if a.req.Method != sip.INVITE {
		_ = a.tx.Respond(res)
		return
	}
	l.acceptInvite(a.tx, res, len(a.req.Body()) == 0)
}

// receiveINFO takes the keys that some telephones send that way. Packages (RFC 6086) are not taken.
func (l *leg) receiveINFO(req *sip.Request, tx *server) {
	if values(req, "info-package") != "" {
		l.answer(tx, 469, header("Recv-Info", ""))
		return
	}
	l.answer(tx, 200)
	if key := keyOf(req); key != 0 {
		l.keyed(keysByINFO, key)
	}
}

// keyWay is how keys come.
type keyWay uint8

const (
	keysByRTP keyWay = iota + 1 // RFC 4733
	keysByINFO
)

// keyed tells the treatment of a key. Some telephones send each key both ways: the way of the first one counts.
func (l *leg) keyed(way keyWay, key byte) {
	if l.keys == 0 {
		l.keys = way
	}
	if l.keys == way {
		l.session.handle(treatment.Keyed{Leg: l.id, Key: key})
	}
}

// keys are those of a telephone.
const keys = "0123456789*#ABCD"

// keyOf is the key that an INFO of the usual types reports, 0 if none.
func keyOf(req *sip.Request) byte {
	kind := req.ContentType()
	if kind == nil {
		return 0
	}
	key := ""
	switch strings.ToLower(kind.Value()) {
	case "application/dtmf":
		key = string(req.Body())
	case "application/dtmf-relay":
		for line := range strings.Lines(string(req.Body())) {
			if name, value, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				key = value
			}
		}
	}
	key = strings.ToUpper(strings.TrimSpace(key))
	if len(key) != 1 || strings.IndexByte(keys, key[0]) < 0 {
		return 0
	}
	return key[0]
}
