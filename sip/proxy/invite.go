package proxy

import (
	"ringfence/call"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// receiveInvite handles an INVITE that begins a new call: it is screened, and the verdict carried out.
func (c *Core) receiveInvite(in *ingress) {
	m := &c.msg
	if c.looped(m) {
		c.answer(in, 482, "", nil)
		return
	}
	uri, _ := m.RequestURI()
	secure := uri.Scheme == wire.SchemeSIPS // it promises TLS all the way (RFC 3261 §26.2.2)
	switch {
	case uri.Scheme == wire.SchemeURN && !isSOS(uri), secure && !c.cfg.has(transport.TLS):
		c.answer(in, 416, "", nil)
		return
	case secure && in.flow.Protocol != transport.TLS:
		c.answer(in, 480, "", sipsNotAllowed) // the promise is broken already
		return
	}
	if c.shedding() && !c.screen(in, new(call.Record)) {
		c.answer(in, 503, "", retryAfter)
		c.stats.Shed++
		return
	}
	s := c.newServer(in)
	s.initial, s.secure = true, secure
	s.record = &call.Record{Reference: call.Reference(c.random.Uint64())}
	c.screen(in, s.record)
	if cause := c.closed(s); cause != "" {
		c.refuseForNow(s, m, cause)
		return
	}
	switch verdict := s.record.Verdict.Treatment.(type) {
	case call.Refuse:
		c.refuse(s, m, verdict)
	case call.Divert:
		if s.divert = c.diverts[verdict.Target]; s.divert != nil && c.diversionLoop(m, s.divert) {
			c.conclude(s, m, 482, "", nil, call.EndedByGateway)
			return
		}
		c.trying(s, m)
		if s.divert == nil || !s.divert.Fallback || !c.handOver(s, m) {
			c.attempt(s, m)
		}
	case call.Warn, call.Announce, call.Challenge, call.TakeReport:
		c.trying(s, m)
		if !c.handOver(s, m) {
			c.passUntreated(s, m)
		}
	default:
		c.trying(s, m)
		c.attempt(s, m)
	}
}

// shedding reports whether new calls are refused without even a record of it: messages come faster
// than they can be handled, or there is no room left to remember the refusal.
func (c *Core) shedding() bool {
	return c.backlog.overloaded(c.ms) || c.servers.live >= maxPerSetup*c.cfg.MaxSetup
}

// maxPerSetup is how many server transactions of all kinds are held for each call that may be in
// setup, since a transaction outlives the setup by half a minute.
const maxPerSetup = 64

// closed says why new calls are not taken at the moment, if they are not.
func (c *Core) closed(s *server) call.Reason {
	switch {
	case emergency(s.record):
		return ""
	case c.draining:
		return call.ReasonDraining
	case c.setup > c.cfg.MaxSetup:
		return call.ReasonOverload
	default:
		return ""
	}
}

// screen fills in the facts and the verdict of a record. It returns whether the call is to or from an
// emergency service.
func (c *Core) screen(in *ingress, r *call.Record) bool {
	c.readFacts(in, &r.Facts)
	r.Verdict = c.screener.Screen(&r.Facts)
	return emergency(r)
}

// emergency reports whether a call is to or from an emergency service: it is tried whatever the
// state of the gateway.
func emergency(r *call.Record) bool { return r.Verdict.Reason == call.ReasonEmergency }

// trying sends the 100 that stops the caller's retransmissions (§16.2).
func (c *Core) trying(s *server, m *wire.Message) {
	c.scratch = m.AppendResponse(c.scratch[:0], 100, wire.Phrase(100), nil, s.source)
	c.scratch = wire.AppendEnd(c.scratch)
	c.reply(s, 100, c.scratch)
}

// sipsNotAllowed says that a call cannot go over TLS all the way at present (RFC 5630 §4).
var sipsNotAllowed = []byte("Warning: 380 ringfence \"SIPS Not Allowed\"\r\n")

// attempt sends the call m to the next place there is, or ends it with 503.
func (c *Core) attempt(s *server, m *wire.Message) {
	p := c.nextPlace(s, m)
	if p == nil {
		if t := c.nextLocated(s, m); t != nil {
			c.await(s, t.query)
			return
		}
	}
	if p == nil && s.secure {
		s.record.Outcome.Cause = call.ReasonNoTarget
		c.conclude(s, m, 480, "", sipsNotAllowed, call.EndedByGateway)
		return
	}
	if p == nil {
		c.refuseForNow(s, m, call.ReasonNoTarget)
		return
	}
	hop, ok := c.hopToPlace(p)
	if !ok {
		c.refuseForNow(s, m, call.ReasonNoTarget)
		return
	}
	t := p.target
	cl := c.newClient(kindProxied, m.Method, s.handle)
	cl.place = p
	s.note(cl, &hop.flow)
	s.record.Outcome.Target = t.Name

	c.edits.Reset()
	r, ok := c.routeCall(s, m)
	if !ok {
		c.freeClient(cl)
		s.forget()
		c.conclude(s, m, 400, "Malformed Route", nil, call.EndedByGateway)
		return
	}
	if s.from.trunk != nil && r.routed && c.targetOf(&r.hop) == nil {
		// A trunk may not steer its calls past the PBX (§16.4 leaves it to policy).
		c.freeClient(cl)
		s.forget()
		c.conclude(s, m, 403, "Route Not Permitted", nil, call.EndedByGateway)
		return
	}
	c.treat(s, m, t)
	f := forwarding{source: s.source, from: s.from, flow: hop.flow, branch: uint64(cl.handle), uri: c.retarget(&r.target, t)}
	if !s.from.agent { // its Contact is the gateway's own address
		c.pushRecordRoutes(m, s, &hop)
	}
	patience := int64(timerB)
	if c.nextPlace(s, m) != nil {
		patience = c.cfg.TryNextAfter.Milliseconds()
	}
	c.launch(cl, c.forward(m, &f), &hop, patience)
}

// pushRecordRoutes keeps the gateway on the path of the call: one Record-Route, or two when it leaves by
// another listener than it came in by (RFC 5658). The topmost names the side the request goes to.
func (c *Core) pushRecordRoutes(m *wire.Message, s *server, hop *nextHop) {
	token := c.token(m.Value(wire.HeaderCallID), m.FromTag())
	c.piece = c.appendRecordRoute(c.piece[:0], int(hop.flow.Listener), token, s.secure)
	if hop.flow.Listener != s.flow.Listener {
		c.piece = c.appendRecordRoute(c.piece, int(s.flow.Listener), token, s.secure)
	}
	c.edits.Insert(m.StartLine.End, c.piece)
}

// retarget is the Request-URI for a target (§16.6 step 2): a URI that names the gateway, or is no SIP
// URI at all, gets the target's host, and a target with a user gets the call for that user. Any
// other URI is the business of the target it is sent to.
func (c *Core) retarget(uri *wire.URI, t *target) []byte {
	if t.User == "" && c.ours(uri) < 0 {
		return uri.Raw
	}
	secure := uri.Scheme == wire.SchemeSIPS
	b := append(c.uriText[:0], scheme(secure)...)
	switch {
	case t.User != "":
		b = append(b, t.User...)
		b = append(b, '@')
	case len(uri.User) > 0:
		b = append(b, uri.User...)
		b = append(b, '@')
	}
	b = appendHostPort(b, t.Host, t.Port)
	if t.User == "" {
		for _, name := range [...]string{"user", "isub", "phone-context"} {
			if value, ok := wire.Param(uri.Params, name); ok {
				b = append(append(append(append(b, ';'), name...), '='), value...)
			}
		}
	}
	if t.Protocol.Reliable() && !t.AnyProtocol && !secure {
		b = append(append(b, ";transport="...), t.Protocol.String()...)
	}
	c.uriText = b
	return b
}

// attemptEnded moves a call on when an attempt came to nothing, or ends the transaction with status.
func (c *Core) attemptEnded(cl *client, status int, how call.Ender) {
	s := c.servers.get(cl.server)
	if s == nil || cl.kind != kindProxied || s.state != serverProceeding || s.current() != cl.handle {
		return
	}
	if c.tryNext(s) {
		return
	}
	if s.cancelled && s.isInvite() {
		status, how = 487, call.EndedByCaller
	}
	c.fail(s, status, how)
}

// tryNext sends a request that nobody has cancelled to the next destination, if there is one.
func (c *Core) tryNext(s *server) bool {
	if s.cancelled || c.stored.Parse(s.request) != nil {
		return false
	}
	if !s.initial {
		return c.follow(s, &c.stored) == 0
	}
	if s.lent != nil {
		return c.takeBack(s, &c.stored)
	}
	if c.nextPlace(s, &c.stored) == nil {
		return false
	}
	c.attempt(s, &c.stored)
	return true
}
