package proxy

import (
	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// receiveAck passes the ACK to a 2xx on; it has no transaction of its own (RFC 3261 §16.11, RFC 6026).
func (c *Core) receiveAck(in *ingress) {
	m := &c.msg
	var tag [tokenLen]byte
	if tag := c.appendTag(tag[:0], in.key); len(m.ToTag()) == 0 || string(m.ToTag()) == string(tag) {
		return // it acknowledges an answer of ours that no transaction was kept for
	}
	c.edits.Reset()
	r, ok := c.route(m)
	if !ok {
		c.drop(DropMalformed)
		return
	}
	hop, status := c.dialogHop(in.from, &r)
	if status != 0 {
		c.drop(DropStrayAck)
		return
	}
	if hops, ok := wire.Uint(m.Value(wire.HeaderMaxForwards)); ok && hops == 0 || c.looped(m) {
		c.drop(DropAckLoop)
		return
	}
	if hop.named() && !c.chooseForAck(in, &hop) {
		return
	}
	f := forwarding{source: in.flow.Peer, from: in.from, flow: hop.flow, branch: in.key, uri: r.uri}
	c.out.AddTo(hop.server, hop.flow, c.forward(m, &f), 0)
}

// chooseForAck sets the flow of an ACK whose next hop is a name. It is false if the name leads nowhere, or
// the ACK is kept until the name is located.
func (c *Core) chooseForAck(in *ingress, hop *nextHop) bool {
	list, ready := c.find(hop.query)
	if !ready {
		cl := c.newClient(kindAck, wire.MethodAck, 0)
		cl.request, cl.flow, cl.awaits = c.buffers.hold(c.msg.Raw), in.flow, hop.query
		cl.deadlines.expire = c.ms + maxWait
		c.arm(&cl.timer, &cl.deadlines)
		return false
	}
	i := locate.Next(list, func(int) locate.Standing { return locate.Open }, c.chance)
	if i >= 0 {
		hop.flow = transport.Flow{Peer: list[i].Addr, Protocol: list[i].Protocol}
	}
	switch {
	case i < 0 || !c.chooseListener(&hop.flow, hop.egress):
		c.drop(DropUnresolved)
	case c.relays(in.from, hop.flow.Peer):
		c.drop(DropStrayAck)
	default:
		return true
	}
	return false
}

// resumeAck sends an ACK on whose next hop was located.
func (c *Core) resumeAck(cl *client) {
	defer c.recovered("an ACK could not be sent to where it was located")
	m := &c.msg
	err := m.Parse(cl.request)
	via, ok := m.Via()
	from := c.senderOf(&cl.flow)
	if err == nil && ok && from != nil {
		in := ingress{flow: cl.flow, from: from, via: via}
		in.key = c.transactionKey(via, m.Method, cl.flow.Peer)
		c.receiveAck(&in)
	}
	c.freeClient(cl)
}
