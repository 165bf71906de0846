package proxy

import (
	"net/netip"

	"ringfence/sip/transport"
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
	if !r.admits(m.Method, in.from) {
		c.receiveInitial(in) // nothing shows that it belongs to a call that was screened
		return
	}
	hop, status := c.dialogHop(in, &r)
	if status != 0 {
		c.answer(in, status, "", nil)
		return
	}
	s := c.newServer(in)
	if s.isInvite() {
		c.trying(s, m)
	}
	cl := c.newClient(kindProxied, m.Method, s.handle)
	s.note(cl)
	f := forwarding{source: in.flow.Peer, from: in.from, flow: hop.flow, branch: uint64(cl.handle), uri: r.uri}
	c.launch(cl, c.forward(m, &f), &hop, timerB)
}

// admits reports whether a request may pass as part of a call. With the token of the call anything may
// that concerns one. Without it a trunk may send what ends or refreshes a call, and does nothing where
// the call is not known; an INVITE would begin one.
func (r *routing) admits(method wire.Method, from *peer) bool {
	switch method {
	case wire.MethodRegister, wire.MethodPublish:
		return false
	case wire.MethodInvite:
		return r.proven
	case wire.MethodBye, wire.MethodUpdate, wire.MethodInfo, wire.MethodPrack, wire.MethodNotify, wire.MethodOptions:
		return true
	default:
		return r.proven || from.trunk == nil
	}
}

// receiveAck passes the ACK to a 2xx on; it has no transaction of its own (RFC 3261 §16.11, RFC 6026).
func (c *Core) receiveAck(in *ingress) {
	m := &c.msg
	to, _ := wire.ParseNameAddr(m.Value(wire.HeaderTo))
	var tag [tokenLen]byte
	if tag := c.appendTag(tag[:0], in.key); len(to.Tag()) == 0 || string(to.Tag()) == string(tag) {
		return // it acknowledges an answer of ours that no transaction was kept for
	}
	c.edits.Reset()
	r, ok := c.route(m)
	if !ok {
		c.drop(DropMalformed)
		return
	}
	hop, status := c.dialogHop(in, &r)
	if status != 0 {
		c.drop(DropStrayAck)
		return
	}
	if hops, ok := wire.Uint(m.Value(wire.HeaderMaxForwards)); ok && hops == 0 || c.looped(m) {
		c.drop(DropAckLoop)
		return
	}
	f := forwarding{source: in.flow.Peer, from: in.from, flow: hop.flow, branch: in.key, uri: r.uri}
	if hop.resolved() {
		c.out.AddTo(hop.server, hop.flow, c.forward(m, &f), 0)
		return
	}
	cl := c.newClient(kindAck, wire.MethodAck, 0)
	c.launch(cl, c.forward(m, &f), &hop, timerB)
}

// dialogHop is the next hop of a request inside a dialog. A request with the token of its call goes
// where its route says, but from no trunk to another: that would make a relay of the gateway. One
// without comes from a peer that ignores Record-Route, or was made up: it goes only where it can do no
// harm, from a trunk to the PBX and from the PBX to a trunk. What names the gateway itself goes to the
// PBX. status is the answer when there is no way.
func (c *Core) dialogHop(in *ingress, r *routing) (hop nextHop, status int) {
	if !r.routed && c.ours(&r.hop) >= 0 {
		if in.from.trunk == nil {
			return hop, 481
		}
		t := c.firstAlive(r.target.Scheme == wire.SchemeSIPS)
		if t == nil {
			return hop, 503
		}
		r.uri = c.retarget(&r.target, t)
		hop, ok := c.hopToTarget(t)
		if !ok {
			return hop, 503
		}
		return hop, 0
	}
	hop, ok := c.hopTo(&r.hop, r.egress)
	if !ok || r.target.Scheme == wire.SchemeSIPS && hop.flow.Protocol != transport.TLS {
		return hop, 416
	}
	if r.proven && !c.relays(in.from, hop.flow.Peer) {
		return hop, 0
	}
	to := c.peers.Load().find(hop.flow.Peer)
	if !hop.resolved() || to == nil || (to.trunk == nil) == (in.from.trunk == nil) {
		return hop, 403
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
