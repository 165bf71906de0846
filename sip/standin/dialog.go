package standin

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"ringfence/media"
)

// dialogID names a dialog as this endpoint sees it (RFC 3261 §12).
type dialogID struct {
	callID, localTag, remoteTag string
}

// dialog is one call, from the first response that makes a dialog to its end.
type dialog struct {
	endpoint *endpoint
	id       dialogID
	local    sip.FromHeader // us, with our tag
	remote   sip.ToHeader   // them, with their tag
	leg      *media.Leg
	ended    chan struct{} // closed when the other side says BYE

	mu        sync.Mutex
	target    sip.Uri           // their Contact
	routes    []sip.RouteHeader // in the order of sending
	sent      uint32            // CSeq of our last request
	received  uint32            // CSeq of their last request
	transport string            // that the dialog's INVITE came or went by
	over      bool              // ended is closed
	party     *media.Party      // our descriptions
	agreed    bool              // an offer was answered: a later one may come
	inviting  bool              // our re-INVITE is under way
	ack       *expectedACK      // the INVITE of theirs that we answered with 200, until its ACK
	rack      string            // RAck that acknowledges our reliable provisional, until it came
	racked    chan struct{}     // closed when it came
}

// expectedACK is an INVITE answered with 2xx.
type expectedACK struct {
	seq  uint32
	came chan struct{}
}

// newCalledDialog is the dialog that an INVITE from the other side makes.
func (e *endpoint) newCalledDialog(req *sip.Request, leg *media.Leg) *dialog {
	d := &dialog{
		endpoint: e,
		id:       dialogID{req.CallID().Value(), toTag(req), fromTag(req)},
		local:    sip.FromHeader{DisplayName: req.To().DisplayName, Address: *req.To().Address.Clone(), Params: req.To().Params.Clone()},
		remote:   req.From().AsTo(),
		leg:      leg, ended: make(chan struct{}),
		target: *req.Contact().Address.Clone(), routes: routeSet(req),
		received: req.CSeq().SeqNo, transport: req.Transport(),
		party: media.NewParty(leg.Local()),
	}
	return d
}

// newCallingDialog is the dialog that a response to our INVITE makes, whose offer party wrote.
func (e *endpoint) newCallingDialog(invite *sip.Request, res *sip.Response, leg *media.Leg, party *media.Party) *dialog {
	d := &dialog{
		endpoint: e,
		id:       dialogID{invite.CallID().Value(), fromTag(invite), toTag(res)},
		local:    *sip.HeaderClone(invite.From()).(*sip.FromHeader),
		remote:   *sip.HeaderClone(res.To()).(*sip.ToHeader),
		leg:      leg, ended: make(chan struct{}),
		sent: invite.CSeq().SeqNo, transport: invite.Transport(),
		party: party,
	}
	d.establish(res)
	return d
}

// establish takes target and route set from a response to our INVITE; those of the 2xx replace
// those of the provisional that came before it (RFC 3261 §13.2.2.4).
func (d *dialog) establish(res *sip.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if contact := res.Contact(); contact != nil {
		d.target = *contact.Address.Clone()
	}
	d.routes = routeSet(res)
	slices.Reverse(d.routes)
}

// routeSet is the Record-Route of a message, in its order.
func routeSet(msg sip.Message) (routes []sip.RouteHeader) {
	for _, h := range msg.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			routes = append(routes, sip.RouteHeader{Address: *rr.Address.Clone()})
		}
	}
	return routes
}

// add makes the dialog known to the endpoint, so that requests find it.
func (d *dialog) add() {
	d.endpoint.mu.Lock()
	defer d.endpoint.mu.Unlock()
	d.endpoint.dialogs[d.id] = d
}

// remove makes the endpoint forget the dialog.
func (d *dialog) remove() {
	d.endpoint.mu.Lock()
	defer d.endpoint.mu.Unlock()
	delete(d.endpoint.dialogs, d.id)
}

// find returns the dialog that a request from the other side belongs to.
func (e *endpoint) find(req *sip.Request) *dialog {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dialogs[dialogID{req.CallID().Value(), toTag(req), fromTag(req)}]
}

// end notes that the other side ended the call.
func (d *dialog) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over = true
		close(d.ended)
	}
}

// newRequest builds a request within the dialog (RFC 3261 §12.2.1.1). An ACK has the CSeq of the
// INVITE it acknowledges, given as seq; any other request takes the next.
func (d *dialog) newRequest(method sip.RequestMethod, seq uint32) *sip.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	if method != sip.ACK {
		d.sent++
		seq = d.sent
	}
	target, routes := *d.target.Clone(), slices.Clone(d.routes)
	hop := target
	if len(routes) > 0 {
		hop = routes[0].Address
		if _, loose := hop.UriParams.Get("lr"); !loose { // a strict router is addressed itself
			routes = append(routes[1:], sip.RouteHeader{Address: target})
			target = hop
		}
	}
	req := sip.NewRequest(method, target)
	maxForwards := sip.MaxForwardsHeader(70)
	callID := sip.CallIDHeader(d.id.callID)
	req.AppendHeader(&maxForwards)
	for _, route := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *route.Address.Clone()})
	}
	req.AppendHeader(sip.HeaderClone(&d.local))
	req.AppendHeader(sip.HeaderClone(&d.remote))
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	address, transport := nextHop(hop)
	req.AppendHeader(d.endpoint.contact(transport))
	req.SetBody(nil)
	d.endpoint.aim(req, address, transport)
	return req
}

// ackInvite returns the function that acknowledges a 2xx to our INVITE with CSeq seq; each call of it
// sends the same ACK (RFC 3261 §13.2.2.4).
func (d *dialog) ackInvite(seq uint32) (send func() error) {
	ack := d.newRequest(sip.ACK, seq)
	return func() error { return d.endpoint.client.WriteRequest(ack.Clone(), sipgo.ClientRequestAddVia) }
}

// bye ends the call from our side.
func (d *dialog) bye(ctx context.Context) error {
	res, err := d.endpoint.do(ctx, d.newRequest(sip.BYE, 0), sipgo.ClientRequestAddVia)
	if err != nil {
		return fmt.Errorf("BYE: %w", err)
	}
	// 481: the other side's BYE crossed ours.
	if !res.IsSuccess() && res.StatusCode != 481 {
		return fmt.Errorf("BYE was answered %d %s", res.StatusCode, res.Reason)
	}
	return nil
}
