package proxy

import (
	"net/netip"
	"slices"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// target is a Target in use: where it is, and whether it is alive.
type target struct {
	Target
	addr    netip.Addr // of Host; not valid until a name was resolved
	timer   timer      // of the next ping
	watched bool       // it is pinged
	pbx     bool       // it is on the PBX's side, not a trunk's
	misses  int        // pings failed in a row
	down    bool
}

// TargetState is what is known of a PBX target.
type TargetState struct {
	Name string
	Up   bool
}

// Targets returns the state of every PBX target.
func (c *Core) Targets() []TargetState {
	c.mu.Lock()
	defer c.mu.Unlock()
	states := make([]TargetState, len(c.targets))
	for i, t := range c.targets {
		states[i] = TargetState{t.Name, !t.down}
	}
	return states
}

// setTargets takes over the targets of a configuration. One that stays keeps its state.
func (c *Core) setTargets(cfg *Config) {
	old := c.targets
	c.targets = make([]*target, len(cfg.Targets))
	for i, t := range cfg.Targets {
		next := newTarget(t)
		for _, o := range old {
			if o.Target == t {
				next.misses, next.down, next.addr = o.misses, o.down, o.addr
			}
		}
		next.watched, next.pbx = true, true
		next.timer = timer{kind: timerTarget, handle: handle(i)}
		c.targets[i] = next
		if cfg.Health.Interval > 0 {
			c.wheel.arm(&next.timer, c.ms)
		}
	}
	for _, o := range old {
		c.wheel.stop(&o.timer)
	}
	for _, t := range c.targets {
		if t.addr.IsValid() {
			c.admit(t)
		}
	}
	c.diverts = make(map[string]*target, len(cfg.Diverts))
	for name, t := range cfg.Diverts {
		t.Name = name
		c.diverts[name] = newTarget(t)
		c.diverts[name].pbx = true
	}
	c.gateways = make(map[string]*target)
	for i := range cfg.Trunks {
		if t := &cfg.Trunks[i]; t.Gateway != nil {
			gateway := *t.Gateway
			gateway.Name = t.Name
			c.gateways[t.Name] = newTarget(gateway)
		}
	}
}

func newTarget(t Target) *target {
	n := &target{Target: t}
	n.addr, _ = literal(t.Host)
	return n
}

// nextTarget is where a call goes next: to the target its verdict diverts it to, from the PBX to a
// trunk, else to the first PBX target that is alive and was not tried. nil if there is none left.
func (c *Core) nextTarget(s *server, m *wire.Message) *target {
	if s.attempts == maxAttempts {
		return nil
	}
	if s.divert != nil || s.from.trunk == nil {
		t := s.divert
		if t == nil {
			t = c.outboundTarget(m)
		}
		if s.attempts > 0 || t == nil || !t.takes(s.secure) {
			return nil
		}
		return t
	}
	for _, t := range c.targets {
		if !t.down && t.takes(s.secure) && !s.tried(t) {
			return t
		}
	}
	if s.attempts == 0 && len(c.targets) > 0 && c.targets[0].takes(s.secure) && emergency(s.record) {
		return c.targets[0]
	}
	return nil
}

// takes reports whether a call may be sent to the target: one that must go over TLS all the way goes
// to no other (RFC 3261 §26.2.2).
func (t *target) takes(secure bool) bool { return !secure || t.Protocol == transport.TLS }

// tried reports whether the call was sent to t, or to what t was before a reload.
func (s *server) tried(t *target) bool {
	return slices.ContainsFunc(s.targets[:s.attempts], func(o *target) bool { return o.Target == t.Target })
}

// outboundTarget is the trunk that a call from the PBX goes to: the one the Request-URI names, else
// the configured one.
func (c *Core) outboundTarget(m *wire.Message) *target {
	if uri, ok := wire.ParseURI(m.Bytes(m.URI)); ok && (uri.Scheme == wire.SchemeSIP || uri.Scheme == wire.SchemeSIPS) {
		for _, t := range c.gateways {
			if wire.EqualFold(uri.Host, t.Host) {
				return t
			}
		}
	}
	return c.gateways[c.cfg.Outbound]
}

// firstAlive is the PBX target that gets what names none.
func (c *Core) firstAlive(secure bool) *target {
	for _, t := range c.targets {
		if !t.down && t.takes(secure) {
			return t
		}
	}
	return nil
}

// targetOf finds the PBX target that a URI names.
func (c *Core) targetOf(uri *wire.URI) *target {
	_, port, _ := transportOf(uri)
	for _, t := range c.targets {
		if wire.EqualFold(uri.Host, t.Host) && port == t.Port {
			return t
		}
	}
	return nil
}

// targetTimer pings a target and sets the time of its next ping.
func (c *Core) targetTimer(i int) {
	t := c.targets[i]
	c.wheel.arm(&t.timer, c.ms+c.cfg.Health.Interval.Milliseconds())
	if !t.addr.IsValid() || c.names.stale(t.Host, c.ms) {
		c.resolve(t.Host)
	}
	hop, ok := c.hopToTarget(t)
	if !ok || !hop.resolved() {
		c.pinged(t, false)
		return
	}
	cl := c.newClient(kindPing, wire.MethodOptions, 0)
	cl.target = t
	c.scratch = c.appendPing(c.scratch[:0], t, &hop, uint64(cl.handle))
	c.launch(cl, c.scratch, &hop, c.cfg.Health.Timeout.Milliseconds())
}

// appendPing appends the OPTIONS that asks whether a target is alive (RFC 3261 §11).
func (c *Core) appendPing(dst []byte, t *target, hop *nextHop, branch uint64) []byte {
	l := &c.cfg.Listeners[hop.flow.Listener]
	dst = append(dst, "OPTIONS sip:"...)
	dst = appendHostPort(dst, t.Host, t.Port)
	dst = append(dst, " SIP/2.0\r\n"...)
	dst = c.appendVia(dst, &hop.flow, branch, 0)
	dst = append(dst, "Max-Forwards: 0\r\nFrom: <sip:ringfence@"...)
	dst = l.appendHostPort(dst)
	dst = append(dst, ">;tag="...)
	dst = appendHex(dst, branch)
	dst = append(dst, "\r\nTo: <sip:"...)
	dst = appendHostPort(dst, t.Host, t.Port)
	dst = append(dst, ">\r\nCall-ID: ping-"...)
	dst = appendHex(dst, branch)
	dst = append(dst, "\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n"...)
	return wire.AppendEnd(dst)
}

// pinged notes how a ping went.
func (c *Core) pinged(t *target, alive bool) {
	if alive {
		if t.down {
			c.log.Info("target is up", "target", t.Name)
		}
		t.misses, t.down = 0, false
		return
	}
	t.misses++
	if t.misses >= max(c.cfg.Health.DownAfter, 1) {
		c.markDown(t)
	}
}

// suspect notes that a call to a target met silence: it gets no more until a ping is answered.
// Without pings nothing would bring it back, so it stays.
func (c *Core) suspect(t *target) {
	if t != nil && t.watched && c.cfg.Health.Interval > 0 {
		c.markDown(t)
	}
}

func (c *Core) markDown(t *target) {
	if !t.down && t.watched {
		t.down = true
		c.log.Warn("target is down", "target", t.Name)
	}
}
