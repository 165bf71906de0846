package proxy

import (
	"net/netip"
	"slices"

	"ringfence/sip/locate"
)

// departed is an address that a target's name does not lead to any more.
type departed struct {
	addr  netip.AddrPort
	until int64 // milliseconds
}

const (
	// departedFor is how long, in milliseconds, a PBX may still send from an address that left its name: a
	// server is taken out of the DNS first and stopped when its calls have ended.
	departedFor = 4 * 3600 * 1000
	maxDeparted = 64
)

// settle gives a target the places its name leads to. A place that stays keeps its state; nothing is
// lost while the DNS fails.
func (c *Core) settle(t *target, list []locate.Destination, err error) {
	if failing := err != nil; failing != t.failing {
		t.failing = failing
		if failing {
			c.log.Warn("the name of a target cannot be resolved; what is known of it stays in use", "target", t.Name, "addresses", len(t.places), "error", err)
		} else {
			c.log.Info("the name of a target is resolved again", "target", t.Name)
		}
	}
	if len(list) == 0 || slices.Equal(t.list, list) {
		return
	}
	old := t.places
	t.list, t.places = list, make([]*place, len(list))
	for i, d := range list {
		t.places[i] = &place{Destination: d, target: t}
		for _, o := range old {
			if o.Same(d) {
				o.Destination = d
				t.places[i] = o
			}
		}
	}
	for _, o := range old {
		if !slices.Contains(t.places, o) {
			t.left = append(t.left, departed{o.Addr, c.ms + departedFor})
		}
	}
	t.left = t.left[max(len(t.left)-maxDeparted, 0):]
	t.nextPing = c.ms
	c.log.Info("a target is located", "target", t.Name, "addresses", len(list))
	c.admitTargets()
}

// admitTargets lets PBX and divert targets send to us from where their names lead, or led not long ago.
func (c *Core) admitTargets() {
	peers := NewPeers(c.cfg)
	for _, t := range c.named {
		if !t.pbx {
			continue
		}
		t.left = slices.DeleteFunc(t.left, func(d departed) bool { return c.ms >= d.until })
		peers.addPlaces(t)
		for _, d := range t.left {
			peers.addTarget(d.addr)
		}
	}
	c.peers.Store(peers)
}
