package proxy

import (
	"net/netip"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// maxDatagram is the largest request, in bytes, that goes over UDP where TCP will do: one of this size
// fits a packet on paths whose MTU is not known (RFC 3261 §18.1.1).
const maxDatagram = 1300

// datagramOnly remembers next hops that took no TCP connection, and until when, in milliseconds, they
// are not asked again. A peer that drops packets instead of refusing them costs every attempt the time
// that a connection may take.
type datagramOnly map[netip.AddrPort]int64

const (
	datagramOnlyFor = 60_000 // milliseconds
	maxDatagramOnly = 1024   // next hops remembered; peers choose them, so they are bounded
)

// preferStream has a large request for UDP sent over TCP, if that is wanted and there is a way. The
// transaction gets the time that the connection may take on top of its own.
func (c *Core) preferStream(cl *client) {
	if !c.cfg.LargeOverTCP || len(cl.request) <= maxDatagram || cl.kind != kindProxied ||
		cl.flow.Protocol != transport.UDP || c.isAgent(&cl.flow) || c.ms < c.datagram[cl.flow.Peer] {
		return
	}
	flow := cl.flow
	flow.Protocol = transport.TCP
	if !c.chooseListener(&flow, -1) {
		return
	}
	cl.large, cl.datagrams = true, cl.flow.Listener
	c.redirect(cl, flow)
	cl.giveUp += transport.DialTimeout.Milliseconds()
	cl.deadlines.expire += transport.DialTimeout.Milliseconds()
}

// fallBack sends a large request over UDP that found no way over TCP. It is false when the request was
// no such one.
func (c *Core) fallBack(cl *client) bool {
	if !cl.large || cl.cancelling {
		return false
	}
	cl.large = false
	if c.datagram == nil || len(c.datagram) >= maxDatagramOnly {
		c.datagram = datagramOnly{}
	}
	c.datagram[cl.flow.Peer] = c.ms + datagramOnlyFor
	c.redirect(cl, transport.Flow{Peer: cl.flow.Peer, Listener: cl.datagrams})
	c.send(cl)
	return true
}

// redirect gives a request another flow, and its topmost Via, which is ours, with it. The branch stays:
// the transaction is the same.
func (c *Core) redirect(cl *client, flow transport.Flow) {
	m := &c.stored
	if m.Parse(cl.request) != nil {
		return
	}
	own, _ := m.First(wire.HeaderVia)
	via, _ := m.Via()
	transaction, loop, _ := parseBranch(via.Branch)
	c.edits.Reset()
	c.piece = c.appendVia(c.piece[:0], &flow, transaction, loop)
	c.edits.Replace(own.Line, c.piece)
	c.frame(m, &flow)
	c.scratch = c.edits.Apply(c.scratch[:0], m)
	c.buffers.release(cl.request)
	cl.request, cl.flow = c.buffers.hold(c.scratch), flow
}
