package proxy

import (
	"net/netip"

	"ringfence/call"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// receiveResponse handles the response in c.msg (RFC 3261 §16.7).
func (c *Core) receiveResponse(p *transport.Packet, from *peer) {
	m := &c.msg
	via, ok := m.Via()
	if !ok || m.Defect != "" {
		c.drop(DropMalformed)
		return
	}
	branch, _, ok := parseBranch(via.Branch)
	cl := c.clients.get(handle(branch))
	if !ok || cl == nil || !c.mayAnswer(cl, p.Flow.Peer.Addr(), from) {
		c.drop(DropStrayResponse)
		return
	}
	_, method, ok := m.CSeq()
	if ok && cl.isInvite() && string(method) == wire.MethodCancel.String() {
		// A CANCEL has the branch of its INVITE (§9.1), so only the method tells their responses apart.
		if cl = c.clients.get(cl.cancel); cl == nil {
			c.drop(DropStrayResponse)
			return
		}
	}
	if !ok || !cl.matches(method) || m.Count(wire.HeaderCSeq) != 1 || m.Count(wire.HeaderTo) != 1 || m.Count(wire.HeaderFrom) != 1 {
		c.drop(DropMalformed)
		return
	}
	if cl.kind == kindProxied && countValues(m, wire.HeaderVia) < 2 {
		c.drop(DropMalformed) // the Via of whoever asked us is lost, and with it the way back (§16.7 step 3)
		return
	}
	switch {
	case cl.kind == kindAck:
		c.drop(DropStrayResponse)
	case cl.kind == kindPing:
		if m.Status >= 200 {
			c.pinged(cl.place, m.Status != 503)
			c.freeClient(cl)
		}
	case cl.kind == kindCancel:
		if m.Status >= 200 {
			c.freeClient(cl)
		}
	case cl.isInvite():
		c.inviteResponse(cl)
	default:
		c.otherResponse(cl)
	}
}

// mayAnswer reports whether a response from this source is believed: it comes from the host that the
// request was sent to, or from another of the same trunk or PBX. A branch that leaked, or was guessed,
// lets no other peer answer.
func (c *Core) mayAnswer(cl *client, source netip.Addr, from *peer) bool {
	if c.isAgent(&cl.flow) {
		return from.agent
	}
	if source == cl.flow.Peer.Addr() {
		return true
	}
	to := c.peers.Load().find(cl.flow.Peer)
	return to == nil || to.same(from)
}

// matches reports whether a response with this CSeq method answers the transaction's request.
func (cl *client) matches(method []byte) bool {
	if cl.method != wire.MethodOther {
		return string(method) == cl.method.String()
	}
	request := cl.request
	return len(request) > len(method) && string(request[:len(method)]) == string(method) && request[len(method)] == ' '
}

// inviteResponse handles a response to a forwarded INVITE.
func (c *Core) inviteResponse(cl *client) {
	status := c.msg.Status
	s := c.servers.get(cl.server)
	switch {
	case status < 200:
		c.provisional(cl, s)
	case status < 300:
		c.accepted(cl, s)
	case cl.state == clientCompleted: // sent again: our ACK was lost
		c.acknowledge(cl)
	case cl.state == clientAccepted:
	default:
		c.rejected(cl, s)
	}
}

// provisional handles a 1xx (§16.7 steps 2 and 5).
func (c *Core) provisional(cl *client, s *server) {
	if cl.state != clientCalling && cl.state != clientProceeding {
		return
	}
	cl.state = clientProceeding
	cl.deadlines.retransmit = 0
	if !cl.cancelled { // timer C; a 100 does not set it anew
		if c.msg.Status > 100 || cl.deadlines.expire <= cl.giveUp {
			cl.deadlines.expire = c.ms + c.cfg.RingTimeout.Milliseconds()
		}
	}
	c.arm(&cl.timer, &cl.deadlines)
	if cl.cancelling && !cl.cancelled {
		c.sendCancel(cl)
	}
	if c.msg.Status > 100 && s != nil && s.state == serverProceeding && s.current() == cl.handle {
		c.passOn(s)
	}
}

// accepted handles a 2xx: it always goes to the caller, late or sent again as it may be, and the
// other attempts end (§16.7 steps 5 and 10).
func (c *Core) accepted(cl *client, s *server) {
	if cl.state == clientCompleted {
		return
	}
	if cl.state != clientAccepted {
		cl.state = clientAccepted
		cl.deadlines = deadlines{expire: c.ms + timerB} // timer M
		c.arm(&cl.timer, &cl.deadlines)
		c.buffers.release(cl.request) // never sent again
		cl.request = nil
	}
	if s == nil {
		c.drop(DropStrayResponse)
		return
	}
	for i := range s.attempts {
		if o := c.clients.get(s.attempts[i].client); o != nil && o != cl {
			c.cancelClient(o)
		}
	}
	c.finish(s, c.msg.Status, call.EndedByCalled)
	c.passOn(s)
}

// rejected handles a final response other than 2xx: it is acknowledged here, and either moves the
// call on to the next target or goes to the caller.
func (c *Core) rejected(cl *client, s *server) {
	cl.state = clientCompleted
	c.acknowledge(cl)
	if cl.flow.Protocol.Reliable() {
		cl.deadlines = deadlines{expire: c.ms + tickMillis} // timer D is 0; the wheel ends it
	} else {
		cl.deadlines = deadlines{expire: c.ms + timerD}
	}
	c.arm(&cl.timer, &cl.deadlines)
	if s == nil || s.state != serverProceeding || s.current() != cl.handle {
		return
	}
	status := c.msg.Status
	if status == 503 {
		if c.tryNext(s) {
			return
		}
		if s.cancelled {
			c.fail(s, 487, call.EndedByCaller) // what the caller wanted, whatever the PBX could not do
			return
		}
		if s.lent == nil {
			status = 500 // our caller could still come in another way (§16.7 step 6)
		}
	}
	how := call.EndedByCalled
	if s.cancelled && status == 487 {
		how = call.EndedByCaller
	}
	c.finish(s, status, how)
	c.passOn(s)
}

// otherResponse handles a response to a forwarded request other than INVITE.
func (c *Core) otherResponse(cl *client) {
	if cl.state == clientCompleted {
		return
	}
	s := c.servers.get(cl.server)
	if c.msg.Status < 200 {
		cl.state = clientProceeding
		if c.msg.Status > 100 && s != nil {
			c.passOn(s)
		}
		return
	}
	if cl.flow.Protocol.Reliable() { // timer K
		c.freeClient(cl)
	} else {
		cl.state = clientCompleted
		cl.deadlines = deadlines{expire: c.ms + t4}
		c.arm(&cl.timer, &cl.deadlines)
	}
	if s == nil || s.state != serverProceeding {
		return
	}
	if c.msg.Status == 503 && (s.current() != cl.handle || c.tryNext(s)) {
		return // another destination is being tried
	}
	c.passOn(s)
}

// passOn sends the response at hand to where its request came from: our Via is taken off (§16.7 step
// 3), and a From that was labelled toward the PBX is put back, since a caller may insist on its own.
func (c *Core) passOn(s *server) {
	m := &c.msg
	c.edits.Reset()
	status := m.Status
	if status == 503 && s.lent == nil {
		status = 500
		c.edits.Replace(wire.Span{Start: 8, End: m.StartLine.End - 2}, []byte("500 Server Internal Error"))
	}
	c.edits.KeepValues(m, wire.HeaderVia, 1, wire.MaxMessage)
	if s.labelled && c.stored.Parse(s.request) == nil {
		if from, ok := m.First(wire.HeaderFrom); ok {
			c.edits.Replace(from.Value, c.stored.Value(wire.HeaderFrom))
		}
	}
	c.guard(m, c.sender, s.source)
	c.presentAgent(m, s)
	c.frame(m, &s.flow)
	c.scratch = c.edits.Apply(c.scratch[:0], m)
	c.reply(s, status, c.scratch)
}
