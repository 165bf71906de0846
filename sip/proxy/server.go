package proxy

import (
	"net/netip"

	"ringfence/call"
	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// serverState is the state of a server transaction (RFC 3261 §17.2, RFC 6026 §7.1).
type serverState uint8

const (
	serverProceeding serverState = iota // no final response yet
	serverCompleted                     // final response sent, not a 2xx to an INVITE
	serverConfirmed                     // its ACK has come
	serverAccepted                      // 2xx to an INVITE sent
)

// A timeout or 503 moves a new call on to another target once, and any request to other destinations
// of one name (RFC 3263 §4.3).
const (
	maxAttempts = 4 // destinations in all
	maxTargets  = 2 // configured targets among them
)

// server is a server transaction, together with what the proxy keeps for it.
type server struct {
	timer     timer
	deadlines deadlines
	handle    handle
	key       uint64
	flow      transport.Flow // where responses go
	source    netip.AddrPort // where the request came from
	from      *peer
	state     serverState
	method    wire.Method
	initial   bool // a new call, not a request inside a dialog
	secure    bool // it is for a SIPS URI
	labelled  bool // the From toward the PBX differs from the caller's
	cancelled bool // the caller has cancelled

	request  []byte // as received, while it may be needed again
	response []byte // the last response, to send again

	attempts []attempt    // those made; the last is the current one
	first    [1]attempt   // memory for attempts: few calls need more
	awaits   locate.Query // the name that is being located for it
	divert   *target      // the only target, when the verdict diverts
	record   *call.Record // of a new call, until it is handed over; of a leg of the agent's, always
	lent     *call.Record // the same, of a call that was handed over to the agent with its record
}

// attempt is one sending of the request to a destination.
type attempt struct {
	client   handle
	addr     netip.AddrPort
	protocol transport.Protocol
	target   *target // the configured target that the destination belongs to; nil if none
}

// note makes cl the current attempt.
func (s *server) note(cl *client, flow *transport.Flow) {
	at := attempt{client: cl.handle, addr: flow.Peer, protocol: flow.Protocol}
	if cl.place != nil {
		at.target = cl.place.target
	}
	if len(s.attempts) == 0 {
		s.attempts = s.first[:0]
	}
	s.attempts = append(s.attempts, at)
}

// forget takes the current attempt back: nothing was sent.
func (s *server) forget() { s.attempts = s.attempts[:len(s.attempts)-1] }

// current is the attempt under way.
func (s *server) current() handle {
	if len(s.attempts) == 0 {
		return 0
	}
	return s.attempts[len(s.attempts)-1].client
}

// tried reports whether the request was sent to a destination.
func (s *server) tried(d locate.Destination) bool {
	for i := range s.attempts {
		if s.attempts[i].addr == d.Addr && s.attempts[i].protocol == d.Protocol {
			return true
		}
	}
	return false
}

// mayTry reports whether a call may be sent to a target: to one it was sent to before, or to another
// while there are not too many.
func (s *server) mayTry(t *target) bool {
	others := 0
	for i := range s.attempts {
		if s.attempts[i].target == t {
			return true
		}
		if i == 0 || s.attempts[i].target != s.attempts[i-1].target {
			others++
		}
	}
	return others < maxTargets
}

// newServer makes the server transaction of the request at hand.
func (c *Core) newServer(in *ingress) *server {
	h, s := c.servers.take(c.random32())
	*s = server{handle: h, key: in.key, flow: in.replyFlow(), source: in.flow.Peer, from: in.from, method: c.msg.Method}
	s.timer = timer{kind: timerServer, handle: h}
	c.table.insert(s.key, h)
	s.request = c.buffers.hold(c.msg.Raw)
	if s.isInvite() {
		c.setup++
	}
	return s
}

func (s *server) isInvite() bool { return s.method == wire.MethodInvite }

// random32 is a random word that is not 0.
func (c *Core) random32() uint32 { return uint32(c.random.Uint64()) | 1 }

// freeServer ends a server transaction.
func (c *Core) freeServer(s *server) {
	c.leaveSetup(s)
	c.wheel.stop(&s.timer)
	c.table.remove(s.key)
	c.buffers.release(s.request)
	c.buffers.release(s.response)
	c.servers.release(s.handle)
}

// leaveSetup counts a call out when its INVITE leaves the proceeding state.
func (c *Core) leaveSetup(s *server) {
	if s.isInvite() && s.state == serverProceeding {
		c.setup--
		c.noteIdle()
	}
}

// retransmittedRequest answers a request that was received again (RFC 3261 §17.2.1, §17.2.2).
func (c *Core) retransmittedRequest(s *server) {
	c.stats.Retransmitted++
	if s.response != nil && (s.state == serverProceeding || s.state == serverCompleted) {
		c.out.Add(s.flow, s.response, 0)
	}
}

// reply sends a response that was built for a server transaction, and moves the transaction on.
// data is copied.
func (c *Core) reply(s *server, status int, data []byte) {
	c.out.Add(s.flow, data, 0)
	if status < 200 {
		c.buffers.release(s.response)
		s.response = c.buffers.hold(data)
		return
	}
	if s.state != serverProceeding {
		return // a 2xx sent again, or one that came after our final response: passed on, not kept
	}
	c.leaveSetup(s)
	c.buffers.release(s.response)
	s.response = nil
	switch {
	case !s.isInvite():
		s.state = serverCompleted
		if s.flow.Protocol.Reliable() { // timer J
			c.freeServer(s)
			return
		}
		s.response = c.buffers.hold(data)
		s.deadlines = deadlines{expire: c.ms + timerB}
	case status < 300:
		s.state = serverAccepted
		s.deadlines = deadlines{expire: c.ms + timerB} // timer L
	default:
		s.state = serverCompleted
		s.response = c.buffers.hold(data)
		s.deadlines = deadlines{expire: c.ms + timerB} // timer H
		if !s.flow.Protocol.Reliable() {               // timer G
			s.deadlines.interval, s.deadlines.retransmit = t1, c.ms+t1
		}
	}
	if !s.labelled { // a 2xx that comes again is put right from it
		c.buffers.release(s.request)
		s.request = nil
	}
	c.arm(&s.timer, &s.deadlines)
}

// acknowledged handles the ACK to a final response other than 2xx (RFC 3261 §17.2.1).
func (c *Core) acknowledged(s *server) {
	if s.state != serverCompleted {
		return
	}
	if s.flow.Protocol.Reliable() { // timer I
		c.freeServer(s)
		return
	}
	s.state = serverConfirmed
	s.deadlines = deadlines{expire: c.ms + t4}
	c.arm(&s.timer, &s.deadlines)
}

// serverTimer handles a deadline of a server transaction.
func (c *Core) serverTimer(s *server) {
	if s.deadlines.expire != 0 && c.ms >= s.deadlines.expire {
		if s.state == serverProceeding {
			c.giveUpWaiting(s)
		} else {
			c.freeServer(s)
		}
		return
	}
	if s.deadlines.retransmit != 0 && c.ms >= s.deadlines.retransmit {
		c.out.Add(s.flow, s.response, 0)
		s.deadlines.backOff(c.ms, t2)
	}
	c.arm(&s.timer, &s.deadlines)
}
