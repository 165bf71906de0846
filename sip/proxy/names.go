package proxy

import (
	"net/netip"

	"ringfence/call"
)

// names remembers the addresses of host names for a while. Finding them is the resolver's work,
// away from the core; requests wait in their client transactions meanwhile.
type names struct {
	known   map[string]resolvedName
	pending map[string]bool
}

type resolvedName struct {
	addrs   []netip.Addr
	expires int64 // milliseconds
}

const (
	nameLifetime = 30_000 // milliseconds
	maxNames     = 1024   // names remembered; peers choose them, so they are bounded
)

// stale reports whether a name should be resolved again.
func (n *names) stale(host string, now int64) bool {
	if _, isAddr := literal(host); isAddr {
		return false
	}
	known, ok := n.known[host]
	return !ok || now >= known.expires
}

// resolve has a name resolved; the answer, now or later, comes to resolved.
func (c *Core) resolve(host string) {
	if known, ok := c.names.known[host]; ok && c.ms < known.expires {
		c.resolved(host, known.addrs)
		return
	}
	if c.names.pending == nil {
		c.names.pending = map[string]bool{}
	}
	if !c.names.pending[host] {
		c.names.pending[host] = true
		c.resolver.Lookup(host)
	}
}

// resolved goes on with everything that waits for the address of a name.
func (c *Core) resolved(host string, addrs []netip.Addr) {
	delete(c.names.pending, host)
	if c.names.known == nil || len(c.names.known) >= maxNames {
		c.names.known = map[string]resolvedName{}
	}
	if len(addrs) > 0 {
		c.names.known[host] = resolvedName{addrs, c.ms + nameLifetime}
	}
	for _, t := range c.targets {
		c.located(t, host, addrs)
	}
	for _, t := range c.diverts {
		c.located(t, host, addrs)
	}
	for _, t := range c.gateways {
		c.located(t, host, addrs)
	}
	c.clients.each(func(cl *client) {
		if cl.state == clientResolving && cl.host == host {
			c.proceed(cl, addrs)
		}
	})
}

// located gives a target its address, if it is the one whose name was resolved.
func (c *Core) located(t *target, host string, addrs []netip.Addr) {
	if t.Host == host && len(addrs) > 0 {
		t.addr = addrs[0].Unmap()
		c.admit(t)
	}
}

// proceed sends a request whose next hop was resolved, on the first address its listener reaches.
func (c *Core) proceed(cl *client, addrs []netip.Addr) {
	for _, addr := range addrs {
		cl.flow.Peer = netip.AddrPortFrom(addr.Unmap(), cl.flow.Peer.Port())
		if c.cfg.Listeners[cl.flow.Listener].reaches(&cl.flow) {
			cl.host = ""
			if s := c.servers.get(cl.server); s != nil && !s.initial && c.relays(s.from, cl.flow.Peer) {
				c.fail(s, 403, call.EndedByGateway)
				break
			}
			c.send(cl)
			return
		}
	}
	if cl.kind == kindProxied {
		c.attemptEnded(cl, 503, 0)
	} else {
		c.drop(DropUnresolved)
	}
	c.freeClient(cl)
}
