package proxy

import (
	"net/netip"

	"ringfence/call"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// theAgent is the sender of everything that comes over the wire in memory, and nobody else.
var theAgent = &peer{agent: true}

// coreListener is the core's end of the wire. It is no listener of the configuration, so that only the
// agent is ever reached by it.
var coreListener = prepared(Listener{Protocol: transport.UDP, Addr: CoreAddr, Host: dummy.String(), Port: CoreAddr.Port()})

// isAgent reports whether a flow is the wire to the agent, which is the transport's last listener.
func (c *Core) isAgent(flow *transport.Flow) bool { return int(flow.Listener) == len(c.cfg.Listeners) }

// senderOf is who sends on a flow, nil if nobody known.
func (c *Core) senderOf(flow *transport.Flow) *peer {
	if c.isAgent(flow) {
		return theAgent
	}
	return c.peers.Load().find(flow.Peer)
}

// listener is the one that a flow uses.
func (c *Core) listener(flow *transport.Flow) *Listener {
	if c.isAgent(flow) {
		return &coreListener
	}
	return &c.cfg.Listeners[flow.Listener]
}

// callsPBX reports whether the peer's calls go to the PBX targets: a trunk's, and the agent's, who calls
// in the caller's place.
func (p *peer) callsPBX() bool { return p.trunk != nil || p.agent }

// isPBX reports whether an address is the PBX's.
func (c *Core) isPBX(addr netip.AddrPort) bool {
	p := c.peers.Load().find(addr)
	return p != nil && p.trunk == nil
}

// hopToAgent is the next hop of what is for the agent.
func (c *Core) hopToAgent() nextHop {
	return nextHop{flow: transport.Flow{Peer: AgentAddr, Listener: uint16(len(c.cfg.Listeners))}, egress: -1}
}

// forAgent reports whether a request inside a dialog goes to the agent, which knows whether there is such a
// dialog: its Request-URI is a Contact of the agent's.
func (c *Core) forAgent(r *routing) bool {
	user := r.target.User
	return c.treater != nil && !r.routed && len(user) >= len(AgentUser) && string(user[:len(AgentUser)]) == AgentUser &&
		c.ours(&r.target) >= 0
}

// agentPatience is how long, in milliseconds, a call that was handed over may stay without any answer. The
// agent is in this process and answers at once, unless it could not read the INVITE.
const agentPatience = 4 * t1

// handOver sends the INVITE m of a call to the agent, which from then on has the record. It is false when
// the agent does not take the call, or could only refuse it for its offer.
func (c *Core) handOver(s *server, m *wire.Message) bool {
	if c.treater == nil || emergency(s.record) || !insists(s.record.Verdict.Treatment) && !canSpeak(m) {
		return false
	}
	c.edits.Reset()
	r, ok := c.route(m)
	if !ok || s.from.trunk != nil && r.routed && c.targetOf(&r.hop) == nil {
		return false // attempt says what is wrong with it
	}
	// The caller's other routes would lead the agent's requests elsewhere.
	c.edits.Reset()
	c.removeLines(m, wire.HeaderRoute)
	c.announceVerdict(m, s.record)
	hop := c.hopToAgent()
	cl := c.newClient(kindProxied, m.Method, s.handle)
	c.pushAgentRoute(m, s)
	f := forwarding{source: s.source, from: s.from, flow: hop.flow, branch: uint64(cl.handle), uri: r.target.Raw}
	request := c.forward(m, &f)
	if len(request) > maxForwarded || !c.treater.Take(s.record) {
		c.freeClient(cl)
		return false
	}
	s.lent, s.record = s.record, nil
	s.note(cl, &hop.flow)
	c.stats.Treated++
	c.launch(cl, request, &hop, agentPatience)
	return true
}

// pushAgentRoute tells the agent, as a proxy does, which listener the call came in by, so that the agent's
// requests leave by it. presentAgent takes it out again: peers reach the agent by its Contact.
func (c *Core) pushAgentRoute(m *wire.Message, s *server) {
	c.piece = c.appendRecordRoute(c.piece[:0], int(s.flow.Listener), c.token(m.Value(wire.HeaderCallID), m.FromTag()), s.secure)
	c.edits.Insert(m.StartLine.End, c.piece)
}

// recall takes the record of a call back from the agent, if the agent has not begun the call.
func (c *Core) recall(s *server) {
	if s.lent != nil && c.treater.Return(s.lent) {
		s.record, s.lent = s.lent, nil
	}
}

// takeBack lets a call go on that the agent was handed and has not begun. It is false if the agent has.
func (c *Core) takeBack(s *server, m *wire.Message) bool {
	if c.recall(s); s.lent != nil {
		return false
	}
	s.attempts = nil // the agent was none
	c.passUntreated(s, m)
	return true
}

// passUntreated carries out, as far as a proxy can, a verdict that is the agent's: the PBX is told of it and the
// call goes on, or is refused where that is what the verdict comes to. It fails open.
func (c *Core) passUntreated(s *server, m *wire.Message) {
	s.record.Outcome.Cause = call.ReasonNotTreated
	switch v := s.record.Verdict.Treatment.(type) {
	case call.Announce:
		if v.Refuse != nil {
			c.refuse(s, m, *v.Refuse)
			return
		}
	case call.TakeReport: // a feature code of ours is no number to call
		c.conclude(s, m, 480, "", nil, call.EndedByGateway)
		return
	}
	c.attempt(s, m)
}
