package standin

import (
	"context"
	"fmt"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"ringfence/media"
)

// answer takes an offer and returns our answer to it. status is 0, or that of a refusal.
func (d *dialog) answer(body []byte) (answer []byte, status int) {
	offer, err := media.ParseSDP(body)
	if err != nil {
		return nil, 400
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, stream, err := d.party.Answer(offer)
	if err != nil {
		return nil, 488
	}
	d.agreed = true
	d.leg.Agree(stream)
	return answer, 0
}

// offer returns our offer of audio.
func (d *dialog) offer() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.party.Offer()
}

// settle takes the answer to our offer.
func (d *dialog) settle(body []byte) error {
	answer, err := media.ParseSDP(body)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	stream, err := d.party.Accept(answer)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	d.agreed = true
	d.leg.Agree(stream)
	return nil
}

// busy returns why an offer cannot be taken now: 491 when it crosses ours, 500 when an earlier one
// is not settled (RFC 3261 §14.2, RFC 3311 §5.2); 0 when it can.
func (d *dialog) busy() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.inviting:
		return 491
	case !d.agreed || d.ack != nil:
		return 500
	}
	return 0
}

func (d *dialog) refuse(req *sip.Request, tx sip.ServerTransaction, status int) {
	switch status {
	case 491:
		d.endpoint.respond(tx, req, status, "Request Pending")
	case 488:
		d.endpoint.respond(tx, req, status, "Not Acceptable Here")
	case 400:
		d.endpoint.respond(tx, req, status, "Bad Session Description")
	default:
		d.endpoint.respond(tx, req, status, "Earlier Offer Not Settled", header("Retry-After", "1"))
	}
}

// reinvite offers our audio anew within the call.
func (d *dialog) reinvite(ctx context.Context) error {
	d.setInviting(true)
	defer d.setInviting(false)
	req := d.newRequest(sip.INVITE, 0)
	req.AppendHeader(header("Content-Type", sdpType))
	req.SetBody(d.offer())
	tx, err := d.endpoint.client.TransactionRequest(ctx, req, sipgo.ClientRequestAddVia)
	if err != nil {
		return err
	}
	for {
		select {
		case res := <-tx.Responses():
			if res.IsProvisional() {
				continue
			}
			if !res.IsSuccess() {
				return fmt.Errorf("re-INVITE was answered %d %s", res.StatusCode, res.Reason)
			}
			return d.confirm(tx, req, res)
		case <-tx.Done():
			return fmt.Errorf("re-INVITE: %w", tx.Err())
		case <-ctx.Done():
			tx.Terminate()
			return ctx.Err()
		}
	}
}

func (d *dialog) setInviting(inviting bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inviting = inviting
}

// confirm takes the 2xx to our INVITE: it acknowledges it, now and whenever it comes again, and
// settles on its answer.
func (d *dialog) confirm(tx sip.ClientTransaction, invite *sip.Request, res *sip.Response) error {
	if contact := res.Contact(); contact != nil {
		d.mu.Lock()
		d.target = *contact.Address.Clone()
		d.mu.Unlock()
	}
	ack := d.ackInvite(invite.CSeq().SeqNo)
	tx.OnRetransmission(func(*sip.Response) {
		if err := ack(); err != nil {
			d.endpoint.log.Debug("ACK not sent again", "error", err)
		}
	})
	if err := ack(); err != nil {
		return fmt.Errorf("ACK: %w", err)
	}
	return d.settle(res.Body())
}
