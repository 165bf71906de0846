package standin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"ringfence/media"
)

// outgoing is one call being placed.
type outgoing struct {
	caller    *Caller
	call      Call
	leg       *media.Leg
	party     *media.Party
	invite    *sip.Request
	tx        sip.ClientTransaction
	started   time.Time
	result    Result
	dialog    *dialog // once a response made one
	ringing   bool    // a provisional response came: a CANCEL may go (RFC 3261 §9.1)
	giveUp    bool    // cancel as soon as that is allowed
	cancelled bool    // the CANCEL went
	rseq      uint64  // last reliable provisional acknowledged
}

// Call places a call and returns when it is over, with its final answer whatever that is. The end
// of ctx cancels a call that is not answered, and hangs up one that is. The error says that there
// was no final answer, or that an answered call broke the protocol.
func (c *Caller) Call(ctx context.Context, call Call) (Result, error) {
	if !c.endpoint.begin() {
		return Result{}, ErrClosed
	}
	defer c.endpoint.work.Done()
	leg, err := c.endpoint.openMute()
	if err != nil {
		return Result{}, err
	}
	defer leg.Close()
	o := &outgoing{caller: c, call: call, leg: leg, party: media.NewParty(leg.Local()), started: time.Now()}
	o.invite = c.newInvite(call, o.offer())
	o.result.CallID = o.invite.CallID().Value()
	if o.tx, err = c.endpoint.client.TransactionRequest(ctx, o.invite, sipgo.ClientRequestAddVia); err != nil {
		return o.result, fmt.Errorf("INVITE to %s: %w", c.gateway, err)
	}
	res, err := o.await(ctx)
	if err != nil {
		o.tx.Terminate()
		return o.result, fmt.Errorf("no final answer from %s: %w", c.gateway, err)
	}
	if res.IsSuccess() {
		defer o.tx.Terminate()
		err = o.talk(ctx, res)
	}
	o.result.Heard = leg.Quality().Received
	return o.result, err
}

// offer is our offer of audio, and of video if the call has it. Video gets the port two above the
// audio's; nothing listens there.
func (o *outgoing) offer() []byte {
	offer := o.party.Offer()
	if o.call.Video {
		offer = fmt.Appendf(offer, "m=video %d RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", o.leg.Local().Port()+2)
	}
	return offer
}

// await follows the responses, any number of them, until the final one.
func (o *outgoing) await(ctx context.Context) (*sip.Response, error) {
	var giveUp, deadline <-chan time.Time
	if o.call.GiveUp > 0 {
		giveUp = time.After(o.call.GiveUp)
	}
	ended, closed := ctx.Done(), o.caller.endpoint.ctx.Done()
	for {
		select {
		case res := <-o.tx.Responses():
			if !res.IsProvisional() {
				o.note(res)
				return res, nil
			}
			o.takeProvisional(res)
		case <-o.tx.Done():
			return nil, o.tx.Err()
		case <-deadline: // a UAS older than RFC 3261 does not answer the INVITE after a CANCEL
			return nil, context.DeadlineExceeded
		case <-giveUp:
			o.giveUp = true
		case <-ended:
			o.giveUp, ended, deadline = true, nil, time.After(farewell)
		case <-closed:
			o.giveUp, closed, deadline = true, nil, time.After(farewell)
		}
		if o.giveUp && deadline == nil {
			deadline = time.After(timerH)
		}
		if o.giveUp && o.ringing && !o.cancelled {
			o.cancelled = true
			o.cancel()
		}
	}
}

// note takes the final response into the result.
func (o *outgoing) note(res *sip.Response) {
	o.result.Status, o.result.Phrase, o.result.Elapsed = res.StatusCode, res.Reason, time.Since(o.started)
	o.result.Reason = values(res, "Reason")
	o.result.ErrorInfo = values(res, "Error-Info")
	o.result.CallInfo = values(res, "Call-Info")
	o.result.Contact = values(res, "Contact")
}

func (o *outgoing) takeProvisional(res *sip.Response) {
	o.ringing = true
	if len(o.result.Provisional) < maxProvisional {
		o.result.Provisional = append(o.result.Provisional, res.StatusCode)
	}
	if !o.call.Reliable || !lists(res, "Require", "100rel") || toTag(res) == "" {
		return
	}
	rseq, err := strconv.ParseUint(values(res, "RSeq"), 10, 32)
	if err != nil || rseq <= o.rseq && o.dialog != nil { // a retransmission
		return
	}
	o.rseq = rseq
	o.join(res)
	prack := o.dialog.newRequest(sip.PRACK, 0)
	prack.AppendHeader(header("RAck", fmt.Sprintf("%d %d INVITE", rseq, o.invite.CSeq().SeqNo)))
	o.send(prack, sipgo.ClientRequestAddVia)
}

// join makes the dialog of a response, or takes its routes if it is the one there is.
func (o *outgoing) join(res *sip.Response) {
	if o.dialog != nil && o.dialog.id.remoteTag == toTag(res) {
		o.dialog.establish(res)
		return
	}
	if o.dialog != nil {
		o.dialog.remove()
	}
	o.dialog = o.caller.endpoint.newCallingDialog(o.invite, res, o.leg, o.party)
	o.dialog.add()
}

// send lets a request go its way beside the INVITE, whose responses must be read meanwhile. Its own
// answer matters to nobody.
func (o *outgoing) send(req *sip.Request, options ...sipgo.ClientRequestOption) {
	e := o.caller.endpoint
	e.work.Go(func() {
		if _, err := e.do(e.ctx, req, options...); err != nil {
			e.log.Debug("request not answered", "method", req.Method, "error", err)
		}
	})
}

// cancel cancels the INVITE, hop by hop: same Via, same CSeq number (RFC 3261 §9.1).
func (o *outgoing) cancel() {
	req := sip.NewRequest(sip.CANCEL, o.invite.Recipient)
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(o.invite.Via().Clone())
	req.AppendHeader(&maxForwards)
	req.AppendHeader(sip.HeaderClone(o.invite.From()))
	req.AppendHeader(sip.HeaderClone(o.invite.To()))
	req.AppendHeader(sip.HeaderClone(o.invite.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: o.invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	req.SetBody(nil)
	o.caller.endpoint.aim(req, o.caller.gateway.String(), o.caller.transport)
	o.send(req, func(*sipgo.Client, *sip.Request) error { return nil }) // the Via is there
}

// talk acknowledges the answer, holds the call for its time, and ends it. A call that was to be
// cancelled, but was answered first, ends at once.
func (o *outgoing) talk(ctx context.Context, res *sip.Response) error {
	o.join(res)
	defer o.dialog.remove()
	if err := o.dialog.confirm(o.tx, o.invite, res); err != nil {
		o.dialog.part()
		return err
	}
	hold := o.call.Hold
	if o.giveUp {
		hold = 0
	}
	select {
	case <-o.dialog.ended:
		o.result.HungUp = true
		return nil
	case <-time.After(hold):
	case <-ctx.Done():
	case <-o.caller.endpoint.ctx.Done():
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), timerH)
	defer stop()
	return o.dialog.bye(ctx)
}
