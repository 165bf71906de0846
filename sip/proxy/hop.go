package proxy

import (
	"net/netip"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// nextHop is where a request goes: a flow, or a name whose address must be found first.
type nextHop struct {
	flow transport.Flow // Peer holds the port only, while host is set
	host string
}

func (h *nextHop) resolved() bool { return h.host == "" }

// hopTo is the next hop that a URI names (RFC 3263 §4, without NAPTR and SRV). egress is the
// listener to use if it fits; -1 for any. ok is false for a URI that names no host, or a transport
// the gateway does not have.
func (c *Core) hopTo(uri *wire.URI, egress int) (hop nextHop, ok bool) {
	if uri.Scheme != wire.SchemeSIP {
		return hop, false
	}
	protocol := transport.UDP
	if value, found := wire.Param(uri.Params, "transport"); found {
		switch {
		case wire.EqualFold(value, "udp"):
		case wire.EqualFold(value, "tcp"):
			protocol = transport.TCP
		default:
			return hop, false
		}
	}
	port := uri.Port
	if port == 0 {
		port = wire.DefaultPort
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
	return hop, c.chooseListener(&hop.flow, egress)
}

// hopToTarget is the next hop of a configured target.
func (c *Core) hopToTarget(t *target) (hop nextHop, ok bool) {
	hop.flow = transport.Flow{Peer: netip.AddrPortFrom(t.addr, t.Port), Protocol: t.Protocol}
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
	if uri.Scheme != wire.SchemeSIP {
		return -1
	}
	port := uri.Port
	if port == 0 {
		port = wire.DefaultPort
	}
	protocol := transport.UDP
	if value, ok := wire.Param(uri.Params, "transport"); ok && wire.EqualFold(value, "tcp") {
		protocol = transport.TCP
	}
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
