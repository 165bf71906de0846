package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"ringfence/sip/transport"
)

const (
	maxLookups    = 32              // under way at one time
	lookupTimeout = 4 * time.Second // of one, well before the caller gives up
)

// resolver finds the addresses of names, each in a goroutine of its own, and tells the core.
type resolver struct {
	gateway *Gateway
	lookup  func(context.Context, string) ([]netip.Addr, error)
	log     *slog.Logger
	pending atomic.Int32
}

// Lookup implements proxy.Resolver. Beyond maxLookups a name counts as not found.
func (r *resolver) Lookup(host string) {
	overloaded := r.pending.Add(1) > maxLookups
	r.gateway.running.Go(func() {
		defer r.pending.Add(-1)
		var addrs []netip.Addr
		if !overloaded {
			ctx, cancel := context.WithTimeout(r.gateway.closing, lookupTimeout)
			defer cancel()
			var err error
			if addrs, err = r.lookup(ctx, host); err != nil {
				r.log.Warn("a host name could not be resolved", "host", host, "error", err)
			}
		}
		var out transport.Outbox
		r.gateway.core.Resolved(host, addrs, &out)
		r.gateway.network.Send(&out)
	})
}
