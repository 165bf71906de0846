package proxy

import (
	"encoding/binary"
	"net/netip"

	"github.com/dchest/siphash"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// ingress is how the request at hand came in.
type ingress struct {
	flow transport.Flow
	from *peer
	via  *wire.Via // the topmost
	key  uint64    // of its transaction
}

// replyFlow is where responses to it go (RFC 3261 §18.2.2): over a stream on the connection it came
// on, or, should that be gone, to the address in the Via.
func (in *ingress) replyFlow() transport.Flow {
	flow := in.flow
	if !flow.Protocol.Reliable() {
		flow.Peer = in.via.ResponseAddr(flow.Peer)
	} else if in.via.Port != 0 {
		flow.Peer = netip.AddrPortFrom(flow.Peer.Addr(), in.via.Port)
	} else {
		flow.Peer = netip.AddrPortFrom(flow.Peer.Addr(), defaultPort(flow.Protocol))
	}
	return flow
}

// receiveRequest handles the request in c.msg.
func (c *Core) receiveRequest(p *transport.Packet, from *peer) {
	m := &c.msg
	via, ok := m.Via()
	if !ok {
		c.drop(DropMalformed) // nowhere to answer to
		return
	}
	in := ingress{flow: p.Flow, from: from, via: via}
	in.key = c.transactionKey(via, m.Method, p.Flow.Peer)
	if s := c.servers.get(c.table.find(in.key)); s != nil {
		switch m.Method {
		case wire.MethodAck:
			if s.state != serverAccepted {
				c.acknowledged(s)
				return
			} // an ACK to a 2xx whose client reused the branch: it goes on below
		case wire.MethodCancel:
			c.receiveCancel(&in, s)
			return
		default:
			c.retransmittedRequest(s)
			return
		}
	}
	if fault := c.validate(m, p.Flow.Protocol); fault.status != 0 {
		if m.Method == wire.MethodAck {
			c.drop(DropStrayAck)
			return
		}
		c.answer(&in, fault.status, fault.phrase, fault.extra)
		return
	}
	switch m.Method {
	case wire.MethodCancel:
		c.answer(&in, 481, "", nil)
	case wire.MethodAck:
		c.receiveAck(&in)
	default:
		if c.toTagged() {
			c.receiveInDialog(&in)
		} else {
			c.receiveInitial(&in)
		}
	}
}

// toTagged reports whether the To of the message at hand has a tag: it claims to be in a dialog.
func (c *Core) toTagged() bool {
	return len(c.msg.ToTag()) > 0
}

// receiveInitial handles a request outside any dialog.
func (c *Core) receiveInitial(in *ingress) {
	switch c.msg.Method {
	case wire.MethodInvite:
		if in.from.agent {
			c.receiveLeg(in)
			return
		}
		c.receiveInvite(in)
	case wire.MethodOptions:
		if c.draining {
			c.answer(in, 503, "", retryAfter) // peers that ping us send their calls elsewhere
			return
		}
		c.answer(in, 200, "", capabilities)
	case wire.MethodBye, wire.MethodUpdate, wire.MethodInfo, wire.MethodPrack, wire.MethodRefer, wire.MethodNotify:
		c.answer(in, 481, "", nil) // they belong inside a dialog
	default:
		// Registrations, subscriptions and messages have no business on a trunk, and would pass
		// unscreened.
		c.answer(in, 405, "", allow)
	}
}

// Header lines of our own answers.
var (
	allow        = []byte("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK, REFER, NOTIFY\r\n")
	capabilities = append(append([]byte(nil), allow...), "Accept: application/sdp\r\nSupported: 100rel, timer\r\n"...)
	retryAfter   = []byte("Retry-After: 5\r\n")
)

// answer answers the request at hand without keeping a transaction: the same request gets the same
// answer, with the same tag, so nothing needs to be remembered (RFC 3261 §8.2.7). phrase may be
// empty for the usual one; extra is whole header lines.
func (c *Core) answer(in *ingress, status int, phrase string, extra []byte) {
	if phrase == "" {
		phrase = wire.Phrase(status)
	}
	var tag [tokenLen]byte
	c.scratch = c.msg.AppendResponse(c.scratch[:0], status, phrase, c.appendTag(tag[:0], in.key), in.flow.Peer)
	c.scratch = append(c.scratch, extra...)
	c.scratch = wire.AppendEnd(c.scratch)
	c.stats.Answered[status/100]++
	c.out.Add(in.replyFlow(), c.scratch, 0)
}

// appendTag appends the To tag of our own responses in the transaction with this key.
func (c *Core) appendTag(dst []byte, key uint64) []byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], key)
	return appendHex(dst, siphash.Hash(c.tableKey[0], c.tableKey[1], b[:]))
}

// transactionKey is the hash of what identifies the server transaction that the request in c.msg
// belongs to (RFC 3261 §17.2.3): an ACK and a CANCEL have the key of their INVITE. The sender's
// address is part of it, so that one peer cannot touch the transactions of another.
func (c *Core) transactionKey(via *wire.Via, method wire.Method, source netip.AddrPort) uint64 {
	m := &c.msg
	addr := source.Addr().As16()
	k := append(c.keyText[:0], addr[:]...)
	if via.HasCookie() {
		k = append(k, via.Branch...)
		k = append(k, 0)
		k = append(k, via.SentBy...)
	} else {
		// A client of RFC 2543: the request as a whole identifies the transaction.
		k = append(k, via.Raw...)
		k = append(k, 0)
		k = append(k, m.Bytes(m.URI)...)
		k = append(k, 0)
		k = append(k, m.Value(wire.HeaderCallID)...)
		k = append(k, 0)
		k = append(k, m.FromTag()...)
		k = append(k, 0)
		if number, _, ok := m.CSeq(); ok {
			k = wire.AppendUint(k, uint64(number))
		}
	}
	k = append(k, 0)
	switch method {
	case wire.MethodAck, wire.MethodCancel, wire.MethodInvite:
		k = append(k, 'I')
	default:
		k = append(k, m.MethodBytes()...)
	}
	c.keyText = k
	return siphash.Hash(c.tableKey[0], c.tableKey[1], k) | 1 // 0 marks a free place in the table
}
