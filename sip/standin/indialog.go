package standin

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"
)

// farewell bounds the wait for the answer to our BYE when a call is ended from our side.
const farewell = 2 * time.Second

// inDialog handles every request that has a To tag.
func (e *endpoint) inDialog(req *sip.Request, tx sip.ServerTransaction) {
	d := e.find(req)
	if d == nil {
		e.respond(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if req.IsAck() {
		d.acknowledge(req)
		return
	}
	if !d.inOrder(req.CSeq().SeqNo) {
		e.respond(tx, req, 500, "CSeq Out Of Order")
		return
	}
	switch req.Method {
	case sip.BYE:
		e.respond(tx, req, 200, "OK")
		d.end()
	case sip.PRACK:
		d.takePRACK(req, tx)
	case sip.UPDATE:
		d.takeUpdate(req, tx)
	case sip.INVITE:
		d.takeInvite(req, tx)
	default:
		e.respond(tx, req, 200, "OK")
	}
}

// inOrder takes the CSeq of a request; it is false for one not above those before (RFC 3261 §12.2.2).
func (d *dialog) inOrder(seq uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seq <= d.received {
		return false
	}
	d.received = seq
	return true
}

// refresh takes the Contact of a request that may move the other side (RFC 3261 §12.2.2).
func (d *dialog) refresh(req *sip.Request) {
	if contact := req.Contact(); contact != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.target = *contact.Address.Clone()
	}
}

func (d *dialog) takeUpdate(req *sip.Request, tx sip.ServerTransaction) {
	if len(req.Body()) == 0 {
		d.refresh(req)
		d.endpoint.respond(tx, req, 200, "OK", d.endpoint.contact(req.Transport()))
		return
	}
	if status := d.busy(); status != 0 {
		d.refuse(req, tx, status)
		return
	}
	answer, status := d.answer(req.Body())
	if status != 0 {
		d.refuse(req, tx, status)
		return
	}
	d.refresh(req)
	d.endpoint.respondSDP(tx, req, 200, "OK", answer, d.endpoint.contact(req.Transport()))
}

// takeInvite handles a re-INVITE, with an offer or asking for ours.
func (d *dialog) takeInvite(req *sip.Request, tx sip.ServerTransaction) {
	if status := d.busy(); status != 0 {
		d.refuse(req, tx, status)
		return
	}
	var body []byte
	if len(req.Body()) == 0 {
		body = d.offer()
	} else {
		var status int
		if body, status = d.answer(req.Body()); status != 0 {
			d.refuse(req, tx, status)
			return
		}
	}
	d.refresh(req)
	if !d.accept(req, tx, body) {
		d.part()
		d.end()
	}
}

// accept answers an INVITE with 200 and waits for its ACK. The 200 is sent again until then, whatever
// the transport (RFC 3261 §13.3.1.4). It is false when the ACK did not come.
func (d *dialog) accept(req *sip.Request, tx sip.ServerTransaction, body []byte) bool {
	ack := &expectedACK{seq: req.CSeq().SeqNo, came: make(chan struct{})}
	d.setACK(ack)
	defer d.setACK(nil)
	res := d.endpoint.respondSDP(tx, req, 200, "OK", body,
		d.endpoint.contact(req.Transport()), header("Allow", allowed), header("Supported", "100rel"))
	interval, deadline := timerT1, time.After(timerH)
	for {
		select {
		case <-ack.came:
			return true
		case <-d.ended: // their BYE overtook the ACK
			return true
		case <-time.After(interval):
			if tx.Respond(res) != nil {
				return false
			}
			interval = min(2*interval, timerT2)
		case <-deadline:
			return false
		case <-d.endpoint.ctx.Done():
			return false
		}
	}
}

func (d *dialog) setACK(ack *expectedACK) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ack = ack
}

// acknowledge takes an ACK. One with a body answers the offer of our 200; an answer that cannot be
// used leaves the call without audio.
func (d *dialog) acknowledge(req *sip.Request) {
	d.mu.Lock()
	ack := d.ack
	d.mu.Unlock()
	if ack == nil || ack.seq != req.CSeq().SeqNo {
		return
	}
	if len(req.Body()) > 0 {
		if err := d.settle(req.Body()); err != nil {
			d.endpoint.log.Debug("answer in the ACK not taken", "error", err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ack == ack {
		d.ack = nil
		close(ack.came)
	}
}

// takePRACK matches a PRACK to our reliable provisional response (RFC 3262 §3).
func (d *dialog) takePRACK(req *sip.Request, tx sip.ServerTransaction) {
	d.mu.Lock()
	match := d.rack != "" && values(req, "RAck") == d.rack
	if match {
		d.rack = ""
		close(d.racked)
	}
	d.mu.Unlock()
	if !match {
		d.endpoint.respond(tx, req, 481, "No Such Provisional Response")
		return
	}
	d.endpoint.respond(tx, req, 200, "OK")
}

// part says BYE and waits a little for the answer; that the other side is gone is no error of ours.
func (d *dialog) part() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.endpoint.ctx), farewell)
	defer cancel()
	if err := d.bye(ctx); err != nil {
		d.endpoint.log.Debug("call not ended cleanly", "error", err)
	}
}
