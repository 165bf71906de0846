package callscript

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"ringfence/sip/locate"
)

// zone is what the DNS of a site holds.
type zone struct {
	hosts map[string]hostSpec
	srv   map[string][]locate.SRV
	naptr map[string][]locate.NAPTR
}

// hostSpec is what a host name resolves to.
type hostSpec struct {
	parties []string // empty: nothing
	after   time.Duration
	fails   bool // the DNS cannot say
}

func (z zone) clone() zone {
	c := zone{hosts: map[string]hostSpec{}, srv: map[string][]locate.SRV{}, naptr: map[string][]locate.NAPTR{}}
	for name, h := range z.hosts {
		c.hosts[name] = h
	}
	for name, records := range z.srv {
		c.srv[name] = slices.Clone(records)
	}
	for name, records := range z.naptr {
		c.naptr[name] = slices.Clone(records)
	}
	return c
}

// dns answers from the zone of the site.
type dns struct{ run *run }

func (d dns) zone() zone {
	d.run.mu.Lock()
	defer d.run.mu.Unlock()
	return d.run.site.zone
}

// NAPTR implements locate.Resolver.
func (d dns) NAPTR(_ context.Context, domain string) ([]locate.NAPTR, time.Duration, error) {
	records, err := found(d.zone().naptr[domain])
	return records, 0, err
}

// SRV implements locate.Resolver.
func (d dns) SRV(_ context.Context, service string) ([]locate.SRV, time.Duration, error) {
	records, err := found(d.zone().srv[service])
	return records, 0, err
}

// found is the answer that these records make.
func found[R any](records []R) ([]R, error) {
	if len(records) == 0 {
		return nil, locate.ErrNotFound
	}
	return records, nil
}

// Addrs implements locate.Resolver.
func (d dns) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	h := d.zone().hosts[host]
	if h.after > 0 {
		select {
		case <-time.After(h.after):
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	if h.fails {
		return nil, 0, errors.New("the DNS does not answer")
	}
	var addrs []netip.Addr
	d.run.mu.Lock()
	for _, name := range h.parties {
		if p := d.run.parties[name]; p != nil {
			addrs = append(addrs, p.addr.Addr())
		}
	}
	d.run.mu.Unlock()
	addrs, err := found(addrs)
	return addrs, 0, err
}
