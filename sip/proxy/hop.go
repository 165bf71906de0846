package proxy

import (
	"net/netip"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// nextHop is where a request goes: a flow, or a name whose address must be found first.
type nextHop struct {
	flow   transport.Flow // Peer holds the port only, while host is set
	host   string
	server string // who must be there, over TLS; empty: whoever has the address
}

func (h *nextHop) resolved() bool { return h.host == "" }

// hopTo is the next hop that a URI names (RFC 3263 §4, without NAPTR and SRV). egress is the
// listener to use if it fits; -1 for any. ok is false for a URI that names no host, or a transport
// the gateway does not have.
func (c *Core) hopTo(uri *wire.URI, egress int) (hop nextHop, ok bool) {
	protocol, port, ok := transportOf(uri)
	if !ok {
		return hop, false
	}
	host := uri.Host
	if maddr, found := wire.Param(uri.Params, "maddr"); found && len(maddr) > 0 {
		host = maddr
	}
	addr, isAddr := wire.HostAddr(host)
	if !isAddr {
		hop.host = string(host)
	}
	hop.flow = transport.Flow{Peer: netip.AddrPortFrom(addr, port), Protocol: protocol}
	if hop.server = hop.host; isAddr && protocol == transport.TLS {
		hop.server = c.serverAt(addr)
	}
	return hop, c.chooseListener(&hop.flow, egress)
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
	for _, t := range c.targets {
		if t.addr == addr && t.Protocol == transport.TLS {
			return t.Host
		}
	}
	for _, all := range [...]map[string]*target{c.gateways, c.diverts} {
		for _, t := range all {
			if t.addr == addr && t.Protocol == transport.TLS {
				return t.Host
			}
		}
	}
	return ""
}

// hopToTarget is the next hop of a configured target.
func (c *Core) hopToTarget(t *target) (hop nextHop, ok bool) {
	hop.flow = transport.Flow{Peer: netip.AddrPortFrom(t.addr, t.Port), Protocol: t.Protocol}
	hop.server = t.Host
	if !t.addr.IsValid() {
		hop.host = t.Host
	}
	return hop, c.chooseListener(&hop.flow, -1)
}

// chooseListener sets the listener that a flow goes out from: the preferred one if it has the
// flow's protocol and address family, else the first that has.
func (c *Core) chooseListener(flow *transport.Flow, preferred int) bool {
	if preferred >= 0 && c.cfg.Listeners[preferred].reaches(flow) {
		flow.Listener = uint16(preferred)
		return true
	}
	for i := range c.cfg.Listeners {
		if c.cfg.Listeners[i].reaches(flow) {
			flow.Listener = uint16(i)
			return true
		}
	}
	return false
}

// reaches reports whether the listener can send on the flow. A peer without an address yet is taken
// to be of the listener's family.
func (l *Listener) reaches(flow *transport.Flow) bool {
	peer := flow.Peer.Addr()
	return l.Protocol == flow.Protocol && (!peer.IsValid() || peer.Is4() == l.Addr.Addr().Unmap().Is4())
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
		own, err := netip.ParseAddr(l.Host)
		return err == nil && own.Unmap() == addr
	}
	return wire.EqualFold(host, l.Host)
}
