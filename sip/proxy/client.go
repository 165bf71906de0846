package proxy

import (
	"ringfence/call"
	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// clientState is the state of a client transaction (RFC 3261 §17.1, RFC 6026 §7.2).
type clientState uint8

const (
	clientLocating   clientState = iota // of an ACK: the next hop is a name that is being located
	clientCalling                       // sent, no response yet
	clientProceeding                    // provisional response received
	clientCompleted                     // final response received
	clientAccepted                      // 2xx to an INVITE received
)

// clientKind says on whose behalf a request was sent.
type clientKind uint8

const (
	kindProxied clientKind = iota // for a server transaction
	kindCancel                    // our own CANCEL
	kindPing                      // our own OPTIONS to a target
	kindAck                       // an ACK as received, while its next hop is being located
)

// client is a client transaction.
type client struct {
	timer     timer
	deadlines deadlines
	handle    handle
	server    handle // the transaction it serves; 0 for a ping
	flow      transport.Flow
	state     clientState
	kind      clientKind
	method    wire.Method

	request    []byte       // as sent
	tlsServer  string       // nextHop.server
	large      bool         // sent over TCP for its size, with UDP to fall back to
	datagrams  uint16       // the listener for that
	giveUp     int64        // when timer B or F ends, however short our patience is
	awaits     locate.Query // of an ACK: the name of its next hop
	place      *place       // of a configured target
	cancelling bool         // a CANCEL is wanted; it goes out once a provisional response has come (§9.1)
	cancelled  bool         // and it has gone out
	cancel     handle       // its transaction
}

// newClient makes a client transaction; the request is given to it by launch.
func (c *Core) newClient(kind clientKind, method wire.Method, serves handle) *client {
	h, cl := c.clients.take(c.random32())
	*cl = client{handle: h, server: serves, kind: kind, method: method}
	cl.timer = timer{kind: timerClient, handle: h}
	return cl
}

func (cl *client) isInvite() bool { return cl.method == wire.MethodInvite }

func (c *Core) freeClient(cl *client) {
	c.wheel.stop(&cl.timer)
	c.buffers.release(cl.request)
	c.clients.release(cl.handle)
}

// launch gives a client transaction its request, which is copied, and sends it on its flow. patience
// is how long it waits for any response, at most timer B.
func (c *Core) launch(cl *client, request []byte, hop *nextHop, patience int64) {
	if len(request) > maxForwarded {
		c.unforwardable(cl)
		return
	}
	cl.request = c.buffers.hold(request)
	cl.flow, cl.tlsServer = hop.flow, hop.server
	cl.giveUp = c.ms + timerB
	cl.deadlines.expire = c.ms + min(patience, timerB)
	c.send(cl)
}

// maxForwarded bounds a request that is sent on, in bytes: what fits a datagram over IPv4.
const maxForwarded = 65507

// unforwardable ends a transaction whose request has no room for what was added to it. The target is
// not to blame, so it is neither suspected nor is another one tried.
func (c *Core) unforwardable(cl *client) {
	s := c.servers.get(cl.server)
	c.freeClient(cl)
	if s != nil {
		s.forget()
		c.fail(s, 513, call.EndedByGateway)
	}
}

// send sends the request of a client transaction whose flow is known.
func (c *Core) send(cl *client) {
	c.preferStream(cl)
	cl.state = clientCalling
	c.out.AddTo(cl.tlsServer, cl.flow, cl.request, uint64(cl.handle))
	if !cl.flow.Protocol.Reliable() { // timers A and E
		cl.deadlines.interval, cl.deadlines.retransmit = t1, c.ms+t1
	}
	c.arm(&cl.timer, &cl.deadlines)
}

// clientTimer handles a deadline of a client transaction.
func (c *Core) clientTimer(cl *client) {
	if cl.deadlines.expire != 0 && c.ms >= cl.deadlines.expire {
		c.clientExpired(cl)
		return
	}
	if cl.deadlines.retransmit != 0 && c.ms >= cl.deadlines.retransmit {
		c.out.Add(cl.flow, cl.request, uint64(cl.handle))
		switch {
		case cl.isInvite():
			cl.deadlines.backOff(c.ms, 0) // timer A
		case cl.state == clientProceeding:
			cl.deadlines.interval, cl.deadlines.retransmit = t2, c.ms+t2 // timer E, §17.1.2.2
		default:
			cl.deadlines.backOff(c.ms, t2)
		}
	}
	c.arm(&cl.timer, &cl.deadlines)
}

// clientExpired handles the end of a client transaction's time.
func (c *Core) clientExpired(cl *client) {
	switch {
	case cl.state == clientCompleted || cl.state == clientAccepted: // timers D, K, M
		c.freeClient(cl)
	case cl.kind == kindPing:
		c.pinged(cl.place, false)
		c.freeClient(cl)
	case cl.kind == kindAck:
		c.drop(DropUnresolved)
		c.freeClient(cl)
	case !cl.isInvite() && cl.kind == kindProxied && cl.deadlines.expire < cl.giveUp:
		// Another destination is tried; an answer that comes late still counts.
		cl.deadlines = deadlines{expire: cl.giveUp}
		c.arm(&cl.timer, &cl.deadlines)
		if s := c.servers.get(cl.server); s != nil && s.state == serverProceeding && s.current() == cl.handle {
			c.tryNext(s)
		}
	case !cl.isInvite():
		// No 408 to anything but an INVITE: it would come too late to be of use (RFC 4320 §4.2).
		if s := c.servers.get(cl.server); s != nil && cl.kind == kindProxied && s.current() == cl.handle {
			c.freeServer(s)
		}
		c.freeClient(cl)
	case cl.state == clientProceeding && !cl.cancelled: // timer C, §16.8
		c.cancelClient(cl)
		if s := c.servers.get(cl.server); s != nil && s.current() == cl.handle {
			c.fail(s, 408, call.EndedByTimeout) // it rang somewhere: no other target would do better
		}
	case cl.state == clientCalling && !cl.cancelling && cl.deadlines.expire < cl.giveUp:
		// Not the end of the transaction, only of our patience: another target is tried, and if this
		// one wakes up it is cancelled.
		c.suspect(cl.place)
		cl.deadlines.retransmit, cl.deadlines.expire = 0, cl.giveUp
		cl.cancelling = true
		c.arm(&cl.timer, &cl.deadlines)
		c.attemptEnded(cl, 408, call.EndedByTimeout)
	default: // timer B, or no final response to a cancelled INVITE
		if cl.state == clientCalling {
			c.suspect(cl.place)
		}
		c.attemptEnded(cl, 408, call.EndedByTimeout)
		c.freeClient(cl)
	}
}
