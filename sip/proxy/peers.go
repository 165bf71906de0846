package proxy

import (
	"cmp"
	"net/netip"
	"slices"
)

// peer is who sent a message: a trunk, the agent, or the PBX side when it is neither.
type peer struct {
	trunk *Trunk
	agent bool
}

// same reports whether p and q are the same trunk, also after its configuration changed, or both the PBX, or both
// the agent.
func (p *peer) same(q *peer) bool {
	if p.trunk == nil || q.trunk == nil {
		return p.trunk == q.trunk && p.agent == q.agent
	}
	return p.trunk.Name == q.trunk.Name
}

// Peers tells senders apart by their address. It is immutable and may be read from any goroutine.
type Peers struct {
	exact    map[netip.AddrPort]*peer // PBX targets, which may share a host with a trunk
	hosts    map[netip.Addr]*peer
	networks []network // the narrowest first
}

type network struct {
	prefix netip.Prefix
	peer   *peer
}

var pbx = &peer{}

// NewPeers makes the table of a configuration. An exact PBX target comes first; then the narrowest
// network that holds the address.
func NewPeers(cfg *Config) *Peers {
	p := &Peers{exact: map[netip.AddrPort]*peer{}, hosts: map[netip.Addr]*peer{}}
	for i := range cfg.Trunks {
		from := &peer{trunk: &cfg.Trunks[i]}
		for _, prefix := range cfg.Trunks[i].Sources {
			p.add(prefix, from)
		}
	}
	for _, prefix := range cfg.PBX {
		p.add(prefix, pbx)
	}
	for _, t := range cfg.Targets {
		p.addPlaces(newTarget(t))
	}
	for _, d := range cfg.Diverts {
		p.addPlaces(newTarget(d))
	}
	slices.SortStableFunc(p.networks, func(a, b network) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
	return p
}

func literal(host string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}

func (p *Peers) add(prefix netip.Prefix, from *peer) {
	prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()).Masked()
	if prefix.IsSingleIP() {
		p.hosts[prefix.Addr()] = from
		return
	}
	p.networks = append(p.networks, network{prefix, from})
}

func (p *Peers) addPlaces(t *target) {
	for _, place := range t.places {
		p.addTarget(place.Addr)
	}
}

// addTarget makes an address a source of the PBX: with this port always, with any other port unless
// a trunk has the address. Only for use before the table is shared.
func (p *Peers) addTarget(addr netip.AddrPort) {
	p.exact[addr] = pbx
	if p.find(netip.AddrPortFrom(addr.Addr(), 0)) == nil {
		p.hosts[addr.Addr()] = pbx
	}
}

// Known reports whether messages from an address are looked at.
func (p *Peers) Known(addr netip.AddrPort) bool { return p.find(addr) != nil }

func (p *Peers) find(addr netip.AddrPort) *peer {
	if from, ok := p.exact[addr]; ok {
		return from
	}
	if from, ok := p.hosts[addr.Addr()]; ok {
		return from
	}
	for i := range p.networks {
		if p.networks[i].prefix.Contains(addr.Addr()) {
			return p.networks[i].peer
		}
	}
	return nil
}
