package proxy

import (
	"net/netip"

	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// nextHop is where a request goes: a flow, or a name that leads to some.
type nextHop struct {
	flow   transport.Flow // of a name: the flow that was chosen last
	query  locate.Query   // of a name; its Host is empty for an address
	egress int            // the listener to use if it fits; -1 for any
	server string         // who must be there, over TLS; empty: whoever has the address
}

func (h *nextHop) named() bool { return h.query.Host != "" }

// hopTo is the next hop that a URI names (RFC 3263 §4). egress is the listener to use if it fits; -1 for any.
// ok is false for a URI that names no host, or a transport the gateway does not have.
func (c *Core) hopTo(uri *wire.URI, egress int) (hop nextHop, ok bool) {
	protocol, port, ok := transportOf(uri)
	if !ok {
		return hop, false
	}
	host := uri.Host
	if maddr, found := wire.Param(uri.Params, "maddr"); found && len(maddr) > 0 {
		host = maddr
	}
	hop.egress = egress
	addr, isAddr := wire.HostAddr(host)
	if !isAddr {
		_, given := wire.Param(uri.Params, "transport")
		hop.server = locate.Name(string(host))
		hop.query = locate.Query{Host: hop.server, Port: uri.Port, Protocol: protocol, Any: !given && uri.Scheme == wire.SchemeSIP}
		return hop, hop.named() && (hop.query.Any || c.cfg.has(protocol))
	}
	hop.flow = transport.Flow{Peer: netip.AddrPortFrom(addr, port), Protocol: protocol}
	if protocol == transport.TLS {
		hop.server = c.serverAt(addr)
	}
	return hop, c.chooseListener(&hop.flow, egress)
}

// secure keeps the hop to TLS (RFC 3261 §26.2.2). It is false if the hop names another transport.
func (h *nextHop) secure() bool {
	if h.query.Any {
		h.query.Any, h.query.Protocol = false, transport.TLS
	}
	if h.named() {
		return h.query.Protocol == transport.TLS
	}
	return h.flow.Protocol == transport.TLS
}

// choice is what came of choosing among the destinations of a next hop.
type choice uint8

const (
	chosen choice = iota
	exhausted
	forbidden
	waiting // the name is being located; the request will be resumed
)

// choose sets the flow of the hop to a destination that the request was not sent to before.
func (c *Core) choose(s *server, hop *nextHop) choice {
	if len(s.attempts) == maxAttempts {
		return exhausted
	}
	if !hop.named() {
		if len(s.attempts) > 0 {
			return exhausted
		}
		return chosen
	}
	list, ready := c.find(hop.query)
	if len(s.attempts) > 0 {
		list = c.names.known[hop.query].list // it has begun on this list, so it goes on with it
	} else if !ready {
		c.await(s, hop.query)
		return waiting
	}
	i := locate.Next(list, func(i int) locate.Standing {
		if s.tried(list[i]) {
			return locate.Tried
		}
		return locate.Open
	}, c.chance)
	if i < 0 {
		return exhausted
	}
	hop.flow = transport.Flow{Peer: list[i].Addr, Protocol: list[i].Protocol}
	switch {
	case !c.chooseListener(&hop.flow, hop.egress):
		return exhausted
	case c.relays(s.from, hop.flow.Peer):
		return forbidden
	default:
		return chosen
	}
}

// remains reports whether there would be another destination after the one being tried.
func (c *Core) remains(s *server, hop *nextHop) bool {
	if len(s.attempts) == maxAttempts || !hop.named() {
		return false
	}
	for _, d := range c.names.known[hop.query].list {
		if !s.tried(d) {
			return true
		}
	}
	return false
}

// transportOf is the protocol and port that a URI names (RFC 3263 §4.1, §4.2). SIPS is TLS, whichever
// transport is under it (RFC 5630 §3.1.4). ok is false for a URI of another scheme, or of a transport
// that the gateway does not have.
func transportOf(uri *wire.URI) (protocol transport.Protocol, port uint16, ok bool) {
	value, found := wire.Param(uri.Params, "transport")
	switch {
	case uri.Scheme != wire.SchemeSIP && uri.Scheme != wire.SchemeSIPS:
	case wire.EqualFold(value, "tls"), wire.EqualFold(value, "tcp") && uri.Scheme == wire.SchemeSIPS,
		!found && uri.Scheme == wire.SchemeSIPS:
		protocol, ok = transport.TLS, true
	case uri.Scheme == wire.SchemeSIPS:
	case wire.EqualFold(value, "tcp"):
		protocol, ok = transport.TCP, true
	case !found, wire.EqualFold(value, "udp"):
		ok = true
	}
	if port = uri.Port; port == 0 {
		port = defaultPort(protocol)
	}
	return protocol, port, ok
}

func defaultPort(protocol transport.Protocol) uint16 {
	if protocol == transport.TLS {
		return wire.DefaultPortTLS
	}
	return wire.DefaultPort
}

// serverAt is the name that the peer at an address proves to be over TLS: that of the configured target
// that is there, since peers name themselves by address in their Contact, and certificates seldom do.
func (c *Core) serverAt(addr netip.Addr) string {
	for _, t := range c.everywhere {
		for _, p := range t.places {
			if p.Addr.Addr() == addr && p.Protocol == transport.TLS {
				return t.Host
			}
		}
	}
	return ""
}

// hopToPlace is the next hop at a place of a configured target.
func (c *Core) hopToPlace(p *place) (hop nextHop, ok bool) {
	hop.egress = -1
	hop.flow = transport.Flow{Peer: p.Addr, Protocol: p.Protocol}
	hop.server = p.target.Host
	return hop, c.chooseListener(&hop.flow, -1)
}

// chooseListener sets the listener that a flow goes out from: the preferred one if it has the
// flow's protocol and address family, else the first that has.
func (c *Core) chooseListener(flow *transport.Flow, preferred int) bool {
	if preferred >= 0 && c.cfg.Listeners[preferred].Reaches(flow.Protocol, flow.Peer.Addr()) {
		flow.Listener = uint16(preferred)
		return true
	}
	for i := range c.cfg.Listeners {
		if c.cfg.Listeners[i].Reaches(flow.Protocol, flow.Peer.Addr()) {
			flow.Listener = uint16(i)
			return true
		}
	}
	return false
}

// Reaches reports whether the listener can send over a protocol to the family of an address; with the
// zero Addr, to any.
func (l *Listener) Reaches(protocol transport.Protocol, peer netip.Addr) bool {
	return l.Protocol == protocol && (!peer.IsValid() || peer.Is4() == l.Addr.Addr().Unmap().Is4())
}

// ours finds the listener that a URI names, -1 if it is not one of the gateway's.
func (c *Core) ours(uri *wire.URI) int {
	if uri.Scheme != wire.SchemeSIP && uri.Scheme != wire.SchemeSIPS {
		return -1
	}
	protocol, port, _ := transportOf(uri)
	addr, isAddr := wire.HostAddr(uri.Host)
	found := -1
	for i := range c.cfg.Listeners {
		l := &c.cfg.Listeners[i]
		if !(l.named(uri.Host, addr, isAddr) && port == l.Port || isAddr && netip.AddrPortFrom(addr, port) == l.Addr) {
			continue
		}
		if l.Protocol == protocol {
			return i
		}
		found = i
	}
	return found
}

// named reports whether host, which is addr if isAddr, is the name peers know the listener by.
func (l *Listener) named(host []byte, addr netip.Addr, isAddr bool) bool {
	if isAddr {
		return l.literal == addr
	}
	return wire.EqualFold(host, l.Host)
}
