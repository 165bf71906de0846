package proxy

import (
	"net/netip"

	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// target is a Target in use.
type target struct {
	Target
	query    locate.Query         // of a host name; its Host is empty for an address
	list     []locate.Destination // where it is; of a name, as last located
	places   []*place             // the same, one for each
	left     []departed
	failing  bool  // its name could not be located the last time
	timer    timer // of the next ping or look at the name
	nextPing int64 // milliseconds
	watched  bool  // it is pinged
	pbx      bool  // it is on the PBX's side, not a trunk's
}

// place is one destination of a target, and whether it is alive.
type place struct {
	locate.Destination
	target *target
	misses int // pings failed in a row
	down   bool
}

// TargetState is what is known of a PBX target at one of its addresses.
type TargetState struct {
	Name string
	Addr netip.AddrPort // not valid while its name leads nowhere
	Up   bool
}

// Targets returns the state of every PBX target, by each of its addresses.
func (c *Core) Targets() []TargetState {
	c.mu.Lock()
	defer c.mu.Unlock()
	var states []TargetState
	for _, t := range c.targets {
		if len(t.places) == 0 {
			states = append(states, TargetState{Name: t.Name})
		}
		for _, p := range t.places {
			states = append(states, TargetState{t.Name, p.Addr, !p.down})
		}
	}
	return states
}

// setTargets takes over the targets of a configuration. One that stays keeps its state.
func (c *Core) setTargets(cfg *Config) {
	old := c.everywhere
	for _, t := range old {
		c.wheel.stop(&t.timer)
	}
	c.everywhere, c.named, c.targets = nil, nil, nil
	use := func(next *target) *target {
		for i, o := range old {
			if o != nil && o.Target == next.Target && o.watched == next.watched && o.pbx == next.pbx {
				next, old[i] = o, nil
				break
			}
		}
		next.timer = timer{kind: timerTarget, handle: handle(len(c.everywhere))}
		c.everywhere = append(c.everywhere, next)
		if next.query.Host != "" {
			c.named = append(c.named, next)
		}
		if next.query.Host != "" || next.watched && cfg.Health.Interval > 0 {
			c.wheel.arm(&next.timer, c.ms)
		}
		return next
	}
	for _, t := range cfg.Targets {
		next := newTarget(t)
		next.watched, next.pbx = true, true
		c.targets = append(c.targets, use(next))
	}
	c.diverts = make(map[string]*target, len(cfg.Diverts))
	for name, t := range cfg.Diverts {
		t.Name = name
		next := newTarget(t)
		next.pbx = true
		c.diverts[name] = use(next)
	}
	c.gateways = make(map[string]*target)
	for i := range cfg.Trunks {
		if t := &cfg.Trunks[i]; t.Gateway != nil {
			gateway := *t.Gateway
			gateway.Name = t.Name
			c.gateways[t.Name] = use(newTarget(gateway))
		}
	}
	c.admitTargets()
}

func newTarget(t Target) *target {
	n := &target{Target: t}
	addr, numeric := literal(t.Host)
	if !numeric {
		n.query = locate.Query{Host: locate.Name(t.Host), Port: t.Port, Protocol: t.Protocol, Any: t.AnyProtocol}
		return n
	}
	port := t.Port
	if port == 0 {
		port = defaultPort(t.Protocol)
	}
	n.list = []locate.Destination{{Protocol: t.Protocol, Addr: netip.AddrPortFrom(addr, port)}}
	n.places = []*place{{Destination: n.list[0], target: n}}
	return n
}

// nextPlace is where a call goes next: to the target its verdict diverts it to, from the PBX to a
// trunk, else to the first PBX target that has a place which is alive and was not tried. nil if there
// is none left.
func (c *Core) nextPlace(s *server, m *wire.Message) *place {
	if len(s.attempts) == maxAttempts {
		return nil
	}
	if s.divert != nil || !s.from.callsPBX() {
		if t := c.onlyTarget(s, m); t != nil {
			return c.placeOf(t, s)
		}
		return nil
	}
	for _, t := range c.targets {
		if !s.mayTry(t) {
			continue
		}
		if p := c.placeOf(t, s); p != nil {
			return p
		}
	}
	if len(s.attempts) == 0 && len(c.targets) > 0 && emergency(s.record) {
		for _, p := range c.targets[0].places {
			if p.takes(s.secure) {
				return p
			}
		}
	}
	return nil
}

// onlyTarget is the target of a call that is diverted, or leaves the PBX.
func (c *Core) onlyTarget(s *server, m *wire.Message) *target {
	if s.divert != nil {
		return s.divert
	}
	return c.outboundTarget(m)
}

// nextLocated is the target that a call has no place at yet, but may soon have. nil if there is none.
func (c *Core) nextLocated(s *server, m *wire.Message) *target {
	switch {
	case len(s.attempts) > 0:
		return nil
	case s.divert != nil || !s.from.callsPBX():
		if t := c.onlyTarget(s, m); t != nil {
			return c.beingLocated(t)
		}
		return nil
	default:
		return c.beingLocated(c.targets...)
	}
}

// placeOf is the place of a target where a call goes next, nil if there is none left.
func (c *Core) placeOf(t *target, s *server) *place {
	i := locate.Next(t.list, func(i int) locate.Standing {
		switch {
		case s.tried(t.list[i]):
			return locate.Tried
		case t.places[i].down || !t.places[i].takes(s.secure):
			return locate.Shut
		default:
			return locate.Open
		}
	}, c.chance)
	if i < 0 {
		return nil
	}
	return t.places[i]
}

// beingLocated is the first of some targets that was never located, and may be soon. nil if there is
// none.
func (c *Core) beingLocated(targets ...*target) *target {
	for _, t := range targets {
		if len(t.places) > 0 || t.query.Host == "" {
			continue
		}
		if _, ready := c.find(t.query); !ready {
			return t
		}
	}
	return nil
}

// takes reports whether a call may be sent to the place: one that must go over TLS all the way goes
// to no other (RFC 3261 §26.2.2).
func (p *place) takes(secure bool) bool { return !secure || p.Protocol == transport.TLS }

// outboundTarget is the trunk that a call from the PBX goes to: the one the Request-URI names, else
// the configured one.
func (c *Core) outboundTarget(m *wire.Message) *target {
	if uri, ok := m.RequestURI(); ok && (uri.Scheme == wire.SchemeSIP || uri.Scheme == wire.SchemeSIPS) {
		for _, t := range c.gateways {
			if wire.EqualFold(uri.Host, t.Host) {
				return t
			}
		}
	}
	return c.gateways[c.cfg.Outbound]
}

// firstAlive is the place of the PBX that gets what names none.
func (c *Core) firstAlive(secure bool) *place {
	for _, t := range c.targets {
		for _, p := range t.places {
			if !p.down && p.takes(secure) {
				return p
			}
		}
	}
	return nil
}

// targetOf finds the PBX target that a URI names.
func (c *Core) targetOf(uri *wire.URI) *target {
	_, port, _ := transportOf(uri)
	for _, t := range c.targets {
		own := t.Port
		if own == 0 {
			own = defaultPort(t.Protocol)
		}
		if wire.EqualFold(uri.Host, t.Host) && port == own {
			return t
		}
	}
	return nil
}
