package proxy

import (
	"ringfence/call"
	"ringfence/sip/wire"
)

// receiveCancel handles a CANCEL for the INVITE of s (RFC 3261 §9.2, §16.10). It is answered at once and
// without a transaction: sent again it gets the same answer for as long as the INVITE's lasts.
func (c *Core) receiveCancel(in *ingress, s *server) {
	if fault := c.validate(&c.msg, in.flow.Protocol); fault.status != 0 {
		c.answer(in, fault.status, fault.phrase, fault.extra)
		return
	}
	c.answer(in, 200, "", nil)
	if s.state != serverProceeding || s.cancelled {
		return
	}
	s.cancelled = true
	if cl := c.clients.get(s.current()); cl != nil {
		c.cancelClient(cl)
	} else {
		c.fail(s, 487, call.EndedByCaller)
	}
}

// cancelClient asks the next hop to end an INVITE, as soon as it has shown that it has it (§9.1).
func (c *Core) cancelClient(cl *client) {
	if cl.cancelling {
		return
	}
	switch cl.state {
	case clientCalling:
		cl.cancelling = true
		cl.deadlines.expire = cl.giveUp
		c.arm(&cl.timer, &cl.deadlines)
	case clientProceeding:
		cl.cancelling = true
		c.sendCancel(cl)
	}
}

// sendCancel sends the CANCEL of an INVITE. If its final response does not come within 64 T1, the
// INVITE is given up.
func (c *Core) sendCancel(invite *client) {
	invite.cancelled = true
	invite.deadlines.expire = c.ms + timerB
	c.arm(&invite.timer, &invite.deadlines)
	if c.stored.Parse(invite.request) != nil {
		return
	}
	cl := c.newClient(kindCancel, wire.MethodCancel, invite.server)
	invite.cancel = cl.handle
	c.scratch = c.appendHopByHop(c.scratch[:0], &c.stored, wire.MethodCancel, nil)
	hop := nextHop{flow: invite.flow, server: invite.tlsServer}
	c.launch(cl, c.scratch, &hop, timerB)
}

// acknowledge sends the ACK to the final response at hand, which is not a 2xx (§17.1.1.3).
func (c *Core) acknowledge(invite *client) {
	if c.stored.Parse(invite.request) != nil {
		return
	}
	c.scratch = c.appendHopByHop(c.scratch[:0], &c.stored, wire.MethodAck, c.msg.Value(wire.HeaderTo))
	c.out.AddTo(invite.tlsServer, invite.flow, c.scratch, 0)
}

// appendHopByHop appends the ACK or CANCEL that goes with the INVITE m as we sent it: same
// Request-URI, topmost Via, Route, From, Call-ID and CSeq number (§9.1, §17.1.1.3). to is the To of
// the response for an ACK, nil for a CANCEL.
func (c *Core) appendHopByHop(dst []byte, m *wire.Message, method wire.Method, to []byte) []byte {
	dst = append(dst, method.String()...)
	dst = append(dst, ' ')
	dst = append(dst, m.Bytes(m.URI)...)
	dst = append(dst, " SIP/2.0\r\n"...)
	via, _ := m.Via()
	dst = appendLine(dst, "Via", via.Raw)
	for _, h := range m.Headers() {
		if h.ID == wire.HeaderRoute {
			dst = append(dst, m.Bytes(h.Line)...)
		}
	}
	dst = append(dst, "Max-Forwards: 70\r\n"...)
	dst = appendLine(dst, "From", m.Value(wire.HeaderFrom))
	if to == nil {
		to = m.Value(wire.HeaderTo)
	}
	dst = appendLine(dst, "To", to)
	dst = appendLine(dst, "Call-ID", m.Value(wire.HeaderCallID))
	number, _, _ := m.CSeq()
	dst = append(dst, "CSeq: "...)
	dst = wire.AppendUint(dst, uint64(number))
	dst = append(dst, ' ')
	dst = append(dst, method.String()...)
	dst = append(dst, "\r\n"...)
	return wire.AppendEnd(dst)
}

func appendLine(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// clientFailed handles the word that a request could not be delivered (§16.9, §18.4).
func (c *Core) clientFailed(cl *client) {
	if cl.state != clientCalling {
		return // something came back, so it did arrive
	}
	if c.fallBack(cl) {
		return
	}
	switch cl.kind {
	case kindPing:
		c.pinged(cl.place, false)
	case kindProxied:
		c.suspect(cl.place)
		c.attemptEnded(cl, 503, call.EndedByGateway)
	}
	c.freeClient(cl)
}
