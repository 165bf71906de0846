package proxy

import (
	"net/netip"

	"ringfence/call"
	"ringfence/sip/wire"
)

// receiveInDialog handles a request, other than ACK and CANCEL, that claims to be inside a dialog.
func (c *Core) receiveInDialog(in *ingress) {
	m := &c.msg
	if c.looped(m) {
		c.answer(in, 482, "", nil)
		return
	}
	if hops, ok := wire.Uint(m.Value(wire.HeaderMaxForwards)); ok && hops == 0 {
		c.answer(in, 483, "", nil) // an OPTIONS; validate has answered the others
		return
	}
	c.edits.Reset()
	r, ok := c.route(m)
	if !ok {
		c.answer(in, 400, "Malformed Route", nil)
		return
	}
	if !r.admits(m.Method, in.from) && !c.forAgent(&r) {
		c.receiveInitial(in) // nothing shows that it belongs to a call that was screened
		return
	}
	hop, status := c.dialogHop(in.from, &r)
	if status != 0 {
		c.answer(in, status, "", nil)
		return
	}
	s := c.newServer(in)
	s.secure = r.target.Scheme == wire.SchemeSIPS
	if s.isInvite() {
		c.trying(s, m)
	}
	if status := c.sendInDialog(s, m, &r, &hop); status != 0 {
		c.fail(s, status, call.EndedByGateway)
	}
}

// sendInDialog sends the request m to the next destination of its hop, once that is located. status
// is the answer when there is none, or none left. The edits of its route are made already.
func (c *Core) sendInDialog(s *server, m *wire.Message, r *routing, hop *nextHop) (status int) {
	switch c.choose(s, hop) {
	case waiting:
		return 0
	case exhausted:
		return 503
	case forbidden:
		return 403
	case chosen:
	}
	cl := c.newClient(kindProxied, m.Method, s.handle)
	s.note(cl, &hop.flow)
	patience := int64(timerB)
	if c.remains(s, hop) {
		patience = c.cfg.TryNextAfter.Milliseconds()
	}
	f := forwarding{source: s.source, from: s.from, flow: hop.flow, branch: uint64(cl.handle), uri: r.uri}
	c.launch(cl, c.forward(m, &f), hop, patience)
	return 0
}

// follow sends a request of a dialog, whose server transaction keeps it as m, on its way again. status
// is the answer when the way has ended.
func (c *Core) follow(s *server, m *wire.Message) (status int) {
	c.edits.Reset()
	r, ok := c.route(m)
	if !ok {
		return 400
	}
	hop, status := c.dialogHop(s.from, &r)
	if status != 0 {
		return status
	}
	return c.sendInDialog(s, m, &r, &hop)
}

// admits reports whether a request may pass as part of a call. With the token of the call anything may
// that concerns one. Without it a trunk may send what ends or refreshes a call, and does nothing where
// the call is not known; an INVITE would begin one.
func (r *routing) admits(method wire.Method, from *peer) bool {
	switch method {
	case wire.MethodRegister, wire.MethodPublish:
		return false
	case wire.MethodInvite:
		return r.proven || from.agent
	case wire.MethodBye, wire.MethodUpdate, wire.MethodInfo, wire.MethodPrack, wire.MethodNotify, wire.MethodOptions:
		return true
	default:
		return r.proven || from.trunk == nil
	}
}

// dialogHop is the next hop of a request inside a dialog. A request with the token of its call goes
// where its route says, but from no trunk to another: that would make a relay of the gateway. One
// without comes from a peer that ignores Record-Route, or was made up: it goes only where it can do no
// harm, from a trunk to the PBX and from the PBX to a trunk. What names the gateway itself goes to the
// PBX. status is the answer when there is no way.
func (c *Core) dialogHop(from *peer, r *routing) (hop nextHop, status int) {
	if c.forAgent(r) {
		return c.hopToAgent(), 0
	}
	if !r.routed && c.ours(&r.hop) >= 0 {
		if from.trunk == nil {
			return hop, 481
		}
		p := c.firstAlive(r.target.Scheme == wire.SchemeSIPS)
		if p == nil {
			return c.hopToBeLocated(r)
		}
		r.uri = c.retarget(&r.target, p.target)
		hop, ok := c.hopToPlace(p)
		if !ok {
			return hop, 503
		}
		return hop, 0
	}
	hop, ok := c.hopTo(&r.hop, r.egress)
	if !ok || r.target.Scheme == wire.SchemeSIPS && !hop.secure() {
		return hop, 416
	}
	if (r.proven || from.agent) && !c.relays(from, hop.flow.Peer) {
		return hop, 0
	}
	to := c.peers.Load().find(hop.flow.Peer)
	if hop.named() || to == nil || (to.trunk == nil) == (from.trunk == nil) {
		return hop, 403
	}
	return hop, 0
}

// hopToBeLocated is the next hop of what goes to the PBX while that has no address yet.
func (c *Core) hopToBeLocated(r *routing) (hop nextHop, status int) {
	t := c.beingLocated(c.targets...)
	if t == nil {
		return hop, 503
	}
	r.uri = c.retarget(&r.target, t)
	hop = nextHop{query: t.query, egress: -1, server: t.Host}
	if r.target.Scheme == wire.SchemeSIPS && !hop.secure() {
		return hop, 503
	}
	return hop, 0
}

// relays reports whether a message would go from one trunk to another, or back.
func (c *Core) relays(from *peer, to netip.AddrPort) bool {
	if from.trunk == nil {
		return false
	}
	p := c.peers.Load().find(to)
	return p != nil && p.trunk != nil
}
