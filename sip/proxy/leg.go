package proxy

import (
	"ringfence/call"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// receiveLeg handles an INVITE by which the agent begins a leg of a treated call. It is not screened, and has no
// record of its own: the agent keeps that of the call. It passes while the gateway is full or shutting
// down, since it belongs to a call that has been let in.
func (c *Core) receiveLeg(in *ingress) {
	m := &c.msg
	uri, _ := wire.ParseURI(m.Bytes(m.URI))
	s := c.newServer(in)
	s.initial, s.secure = true, uri.Scheme == wire.SchemeSIPS
	s.record = &call.Record{Verdict: call.Verdict{Treatment: call.Allow{}}}
	route, ok := routeAt(m, 0)
	switch {
	case ok && wire.EqualFold(route.Host, pbxHost):
	case ok && wire.EqualFold(route.Host, divertHost):
		s.divert = c.diverts[string(route.User)]
		if s.divert != nil && c.diversionLoop(m, s.divert) {
			c.conclude(s, m, 482, "", nil, call.EndedByGateway)
			return
		}
		ok = s.divert != nil
	default:
		ok = false
	}
	if !ok {
		s.record.Outcome.Cause = call.ReasonNoTarget
		c.conclude(s, m, 404, "", nil, call.EndedByGateway)
		return
	}
	c.trying(s, m)
	c.attempt(s, m)
}

// routeCall is route for an INVITE that begins a call. The Route of the agent has said all it had to say
// when the INVITE came.
func (c *Core) routeCall(s *server, m *wire.Message) (r routing, ok bool) {
	if !s.from.agent {
		return c.route(m)
	}
	c.removeLines(m, wire.HeaderRoute)
	r.egress = -1
	r.target, ok = wire.ParseURI(m.Bytes(m.URI))
	r.hop, r.uri = r.target, r.target.Raw
	return r, ok
}

// appendWay appends the header that tells the agent where an INVITE of its went. It appends nothing to the
// responses of others.
func appendWay(dst []byte, s *server) []byte {
	if !s.from.agent || s.record == nil {
		return dst
	}
	way := &s.record.Outcome
	dst = append(dst, HeaderRingfence+": attempts="...)
	dst = wire.AppendUint(dst, uint64(len(s.attempts)))
	if way.Target != "" {
		dst = append(dst, `;target="`...)
		dst = append(appendQuoted(dst, []byte(way.Target)), '"')
	}
	if way.Cause != "" {
		dst = append(append(dst, ";cause="...), way.Cause...)
	}
	return append(dst, "\r\n"...)
}

// presentAgent makes the edits of a response that crosses the border between agent and peers: what the agent
// sends names the listener that peers know, and what it gets says where its INVITE went.
func (c *Core) presentAgent(m *wire.Message, s *server) {
	if s.from.agent {
		c.piece = appendWay(c.piece[:0], s)
		c.edits.Insert(m.StartLine.End, c.piece)
	}
	if !c.sender.agent {
		return
	}
	c.nameContacts(m, &s.flow, s.secure)
	values := m.Values(wire.HeaderRecordRoute)
	value, ok := values.Next()
	if !ok || s.lent == nil {
		return
	}
	addr, _ := wire.ParseNameAddr(m.Bytes(value.Span))
	if uri, ok := wire.ParseURI(addr.URI); ok && c.isRecordRoute(&uri, m) {
		c.edits.KeepValues(m, wire.HeaderRecordRoute, 1, wire.MaxMessage)
	}
}

// nameContacts puts the address of the listener that a flow uses into each Contact that names the agent.
func (c *Core) nameContacts(m *wire.Message, flow *transport.Flow, secure bool) {
	values := m.Values(wire.HeaderContact)
	for value, ok := values.Next(); ok; value, ok = values.Next() {
		addr, ok := wire.ParseNameAddr(m.Bytes(value.Span))
		if !ok {
			continue
		}
		uri, ok := wire.ParseURI(addr.URI)
		if !ok || !wire.EqualFold(uri.Host, AgentHost) {
			continue
		}
		b := c.piece[:0]
		if len(addr.Display) > 0 {
			b = append(append(b, addr.Display...), ' ')
		}
		b = append(append(b, '<'), scheme(secure)...)
		if len(uri.User) > 0 {
			b = append(append(b, uri.User...), '@')
		}
		b = append(c.listener(flow).appendAddress(b, secure), '>')
		c.piece = append(b, addr.Params...)
		c.edits.Replace(m.Trimmed(value.Span), c.piece)
	}
}

// isSIPS reports whether a URI is a SIPS URI.
func isSIPS(uri []byte) bool {
	const scheme = "sips:"
	return len(uri) > len(scheme) && wire.EqualFold(uri[:len(scheme)], scheme)
}
