package agent

import (
	"slices"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/proxy"
)

// dialog is a SIP dialog as we see it (RFC 3261 §12).
type dialog struct {
	callID     string
	local      sip.FromHeader // us, with our tag
	remote     sip.ToHeader   // them, with their tag
	remoteTag  string
	contact    *sip.ContactHeader // ours
	target     sip.Uri            // their Contact
	routes     []sip.RouteHeader  // in the order of sending
	sent       uint32             // CSeq of our last request
	received   uint32             // CSeq of their last request, if there was one
	heard      bool               // there was one
	updates    bool               // they take UPDATE
	targetless bool               // they gave no Contact: there is nobody to send to
}

// newCallerDialog is the dialog that an INVITE from the other side makes.
func newCallerDialog(req *sip.Request, contact *sip.ContactHeader) *dialog {
	d := &dialog{
		callID:    req.CallID().Value(),
		local:     sip.FromHeader{DisplayName: req.To().DisplayName, Address: *req.To().Address.Clone(), Params: req.To().Params.Clone()},
		remote:    req.From().AsTo(),
		remoteTag: fromTag(req),
		contact:   contact,
		routes:    routeSet(req),
		received:  req.CSeq().SeqNo, heard: true,
	}
	d.refresh(req)
	return d
}

// newCalledDialog is the dialog that a response to our INVITE makes.
func newCalledDialog(invite *sip.Request, res *sip.Response) *dialog {
	d := &dialog{
		callID:    invite.CallID().Value(),
		local:     *sip.HeaderClone(invite.From()).(*sip.FromHeader),
		remote:    *sip.HeaderClone(res.To()).(*sip.ToHeader),
		remoteTag: toTag(res),
		contact:   invite.Contact(),
		sent:      invite.CSeq().SeqNo,
	}
	d.establish(res)
	return d
}

// establish takes target and route set from a response to our INVITE; those of the 2xx replace
// those of the provisional that came before it (RFC 3261 §13.2.2.4).
func (d *dialog) establish(res *sip.Response) {
	d.targetless = res.Contact() == nil
	d.routes = routeSet(res)
	slices.Reverse(d.routes)
	d.refresh(res)
}

// refresh takes from a message what may change in a dialog: the target (RFC 3261 §12.2) and the methods taken.
func (d *dialog) refresh(msg sip.Message) {
	if contact := contactOf(msg); contact != nil {
		d.target = *contact.Address.Clone()
	}
	if values(msg, "allow") != "" {
		d.updates = lists(msg, "allow", string(sip.UPDATE))
	}
}

func contactOf(msg sip.Message) *sip.ContactHeader {
	switch msg := msg.(type) {
	case *sip.Request:
		return msg.Contact()
	case *sip.Response:
		return msg.Contact()
	}
	return nil
}

// routeSet is the Record-Route of a message, in its order.
func routeSet(msg sip.Message) (routes []sip.RouteHeader) {
	for _, h := range msg.GetHeaders("record-route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			routes = append(routes, sip.RouteHeader{Address: *rr.Address.Clone()})
		}
	}
	return routes
}

// inOrder takes the CSeq of a request; it is false for one not above those before (RFC 3261 §12.2.2).
func (d *dialog) inOrder(seq uint32) bool {
	if d.heard && seq <= d.received {
		return false
	}
	d.received, d.heard = seq, true
	return true
}

// request builds a request within the dialog (RFC 3261 §12.2.1.1). It takes the next CSeq.
func (d *dialog) request(method sip.RequestMethod) *sip.Request {
	d.sent++
	return d.build(method, d.sent)
}

// ack builds the ACK for a 2xx to our INVITE with this CSeq (RFC 3261 §13.2.2.4).
func (d *dialog) ack(seq uint32, body []byte) *sip.Request {
	ack := d.build(sip.ACK, seq)
	describe(ack, body)
	addVia(ack)
	return ack
}

func (d *dialog) build(method sip.RequestMethod, seq uint32) *sip.Request {
	target, routes := *d.target.Clone(), slices.Clone(d.routes)
	if len(routes) > 0 {
		if _, loose := routes[0].Address.UriParams.Get("lr"); !loose { // a strict router is addressed itself
			hop := routes[0].Address
			routes = append(routes[1:], sip.RouteHeader{Address: target})
			target = hop
		}
	}
	req := sip.NewRequest(method, target)
	maxForwards := sip.MaxForwardsHeader(70)
	callID := sip.CallIDHeader(d.callID)
	req.AppendHeader(&maxForwards)
	for _, route := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *route.Address.Clone()})
	}
	req.AppendHeader(sip.HeaderClone(&d.local))
	req.AppendHeader(sip.HeaderClone(&d.remote))
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	switch method {
	case sip.ACK, sip.BYE, sip.PRACK:
	default: // it may change the target
		req.AppendHeader(d.contact.Clone())
		req.AppendHeader(header("Allow", allowed))
		req.AppendHeader(header("Supported", supported))
	}
	req.SetTransport(protocol)
	req.SetBody(nil)
	return req
}

// newACK is the ACK for a final response of 300 or more to our INVITE (RFC 3261 §17.1.1.3).
func newACK(invite *sip.Request, res *sip.Response) *sip.Request {
	req := newHopRequest(sip.ACK, invite)
	req.ReplaceHeader(sip.HeaderClone(res.To()))
	return req
}

// newCANCEL cancels our INVITE (RFC 3261 §9.1).
func newCANCEL(invite *sip.Request, reason string) *sip.Request {
	req := newHopRequest(sip.CANCEL, invite)
	if reason != "" {
		req.AppendHeader(header("Reason", reason))
	}
	return req
}

// newHopRequest is a request that goes the way of our INVITE: same Via, Route, To and CSeq number.
func newHopRequest(method sip.RequestMethod, invite *sip.Request) *sip.Request {
	req := sip.NewRequest(method, invite.Recipient)
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(invite.Via().Clone())
	sip.CopyHeaders("route", invite, req)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(sip.HeaderClone(invite.From()))
	req.AppendHeader(sip.HeaderClone(invite.To()))
	req.AppendHeader(sip.HeaderClone(invite.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: method})
	req.SetTransport(protocol)
	req.SetBody(nil)
	return req
}

// addVia gives a request its Via with a new branch.
func addVia(req *sip.Request) {
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: protocol, Host: proxy.AgentHost}
	via.Params.Add("branch", sip.GenerateBranchN(16))
	req.PrependHeader(via)
}
