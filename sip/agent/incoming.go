package agent

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// incoming is the caller's INVITE until its final response is sent.
type incoming struct {
	leg       *leg
	req       *sip.Request
	tx        *server
	final     bool // a final response was sent
	offerless bool
	settled   bool // offer and answer were exchanged reliably before the 200
	required  bool // the caller requires reliable provisional responses (RFC 3262)
	supported bool // or can do them

	rseq     uint32
	pending  *provisional  // sent reliably, and not acknowledged
	waiting  []provisional // to be sent after it
	deferred *[]byte       // a 200 to be sent after it, with this description
	last     int           // status sent last
	repeat   *alarm
}

// provisional is a provisional response.
type provisional struct {
	status      int
	description []byte
	res         *sip.Response
	interval    time.Duration
	again       *alarm
	overdue     *alarm
}

const (
	// maxProvisionals bounds the provisional responses that wait for a PRACK.
	maxProvisionals = 4
	// reminder is how often a provisional response is repeated, so that no proxy on the way gives up
	// (RFC 3261 §13.3.1.1).
	reminder = time.Minute
)

func newIncoming(l *leg, req *sip.Request, tx *server) *incoming {
	required := lists(req, "require", "100rel")
	return &incoming{leg: l, req: req, tx: tx, required: required, supported: required || lists(req, "supported", "100rel")}
}

// checkInvite returns the offer of an INVITE, or the status that refuses it (RFC 3261 §8.2).
func checkInvite(req *sip.Request) (offer []byte, status int, headers []sip.Header) {
	if req.Contact() == nil || fromTag(req) == "" {
		return nil, 400, nil
	}
	if unknown := unknownExtensions(req); unknown != "" {
		return nil, 420, []sip.Header{header("Unsupported", unknown)}
	}
	offer, ok := description(req)
	if !ok {
		return nil, 415, []sip.Header{header("Accept", sdpType)}
	}
	return offer, 0, nil
}

// respond sends a final response without a body, and stops what would follow a provisional one.
func (in *incoming) respond(status int, headers ...sip.Header) {
	in.final = true
	in.quiet()
	res := newResponse(in.req, status)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	_ = in.tx.Respond(res) // the transaction sends it again until the ACK (RFC 3261 §17.2.1)
}

// progress sends a provisional response, now or after the one that waits for its PRACK.
func (in *incoming) progress(status int, description []byte) {
	if in.final {
		return
	}
	p := provisional{status: status, description: description}
	if in.pending == nil {
		in.send(p)
		return
	}
	if len(in.waiting) == maxProvisionals {
		in.waiting = in.waiting[1:]
	}
	in.waiting = append(in.waiting, p)
}

// send sends a provisional response: reliably when the caller requires it, or can do it and the response
// has a description, which must not be lost.
func (in *incoming) send(p provisional) {
	reliable := in.required || in.supported && p.description != nil
	if in.settled || in.offerless && !reliable { // no offer goes unreliably (RFC 3261 §13.2.1)
		p.description = nil
	}
	p.res = newResponse(in.req, p.status)
	p.res.AppendHeader(in.leg.contact.Clone())
	p.res.AppendHeader(header("Allow", allowed))
	if reliable {
		in.rseq++
		p.res.AppendHeader(header("Require", "100rel"))
		p.res.AppendHeader(header("RSeq", strconv.FormatUint(uint64(in.rseq), 10)))
	}
	describe(p.res, p.description)
	if p.description != nil {
		in.leg.said = p.description
	}
	in.last = p.status
	in.repeat.stop()
	in.repeat = in.leg.session.after(reminder, func() { in.progress(in.last, nil) })
	if !reliable {
		_ = in.tx.Respond(p.res) // best effort, as RFC 3261 has it
		return
	}
	in.pending = &p
	p.interval = timerT1
	in.insist()
	p.overdue = in.leg.session.after(patience, in.unacknowledged)
}

// insist sends the reliable response, and again until its PRACK comes (RFC 3262 §3).
func (in *incoming) insist() {
	p := in.pending
	_ = in.tx.Respond(p.res)
	p.again = in.leg.session.after(p.interval, in.insist)
	p.interval *= 2
}

// unacknowledged ends a call whose caller does not acknowledge (RFC 3262 §3).
func (in *incoming) unacknowledged() {
	in.respond(504)
	in.leg.over(treatment.Lost, "")
}

// receivePRACK takes the PRACK of the pending response.
func (in *incoming) receivePRACK(req *sip.Request, tx *server) {
	l, p := in.leg, in.pending
	want := strconv.FormatUint(uint64(in.rseq), 10) + " " + strconv.FormatUint(uint64(in.req.CSeq().SeqNo), 10) + " INVITE"
	if p == nil || values(req, "rack") != want {
		l.answer(tx, 481)
		return
	}
	body, ok := description(req)
	if !ok {
		l.answer(tx, 415, header("Accept", sdpType))
		return
	}
	p.stop()
	in.pending = nil
	offered := in.offerless && !in.settled && p.description != nil // the PRACK has the answer
	in.settled = in.settled || p.description != nil
	if body != nil && !offered { // an offer of its own (RFC 3262 §5)
		l.ask(req, tx, body)
	} else {
		l.answer(tx, 200)
	}
	if offered {
		l.session.handle(treatment.Agreed{Leg: l.id, Description: body})
	}
	in.next()
}

// next sends what waited for a PRACK.
func (in *incoming) next() {
	for in.pending == nil && len(in.waiting) > 0 && !in.final {
		p := in.waiting[0]
		in.waiting = in.waiting[1:]
		in.send(p)
	}
	if in.pending == nil && in.deferred != nil && !in.final {
		in.accept(*in.deferred)
	}
}

// accept answers the INVITE, once a description sent reliably is acknowledged (RFC 3262 §3).
func (in *incoming) accept(description []byte) {
	if in.final {
		return
	}
	if in.pending != nil && in.pending.description != nil {
		in.deferred = &description
		return
	}
	in.final = true
	in.quiet()
	l := in.leg
	if in.settled {
		description = nil
	} else {
		l.said = description
	}
	res := l.success(in.req, description)
	l.expires.answer(l, res)
	l.acceptInvite(in.tx, res, in.offerless && !in.settled)
}

// refuse answers the INVITE with a final response of 300 or more. A redirection is not passed on: it would lead the
// caller past the gateway.
func (in *incoming) refuse(status int, headers []treatment.Header) {
	if in.final {
		return
	}
	if status < 400 {
		status = 480
	}
	all := make([]sip.Header, len(headers))
	for i, h := range headers {
		all[i] = header(h.Name, h.Value)
	}
	in.respond(status, all...)
	in.leg.ending = true
	in.leg.finish()
}

// terminate ends the INVITE without the treatment.
func (in *incoming) terminate(status int, headers ...sip.Header) {
	in.respond(status, headers...)
	in.leg.ending = true
	in.leg.finish()
}

// cancelled takes the caller's CANCEL.
func (in *incoming) cancelled(cancel *sip.Request) {
	if in.final {
		return // it crossed our final response, and has no effect (RFC 3261 §9.2)
	}
	in.respond(487)
	in.leg.over(treatment.Cancelled, values(cancel, "reason"))
}

// quiet stops the timers of provisional responses.
func (in *incoming) quiet() {
	in.repeat.stop()
	in.waiting, in.deferred = nil, nil
	if in.pending != nil {
		in.pending.stop()
		in.pending = nil
	}
}

func (p *provisional) stop() {
	p.again.stop()
	p.overdue.stop()
}
