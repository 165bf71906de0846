package sip

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"ringfence/sip/locate"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
)

const (
	maxLookups    = 32              // under way at one time
	lookupTimeout = 4 * time.Second // of one, well before the caller gives up
)

// resolver locates names, each in a goroutine of its own, and tells the core.
type resolver struct {
	gateway *Gateway
	locator locate.Locator
	log     *slog.Logger
	pending atomic.Int32
}

// newResolver makes a resolver for a gateway with these listeners.
func newResolver(g *Gateway, dns locate.Resolver, listeners []proxy.Listener, log *slog.Logger) *resolver {
	reaches := func(p transport.Protocol, addr netip.Addr) bool {
		for i := range listeners {
			if listeners[i].Reaches(p, addr) {
				return true
			}
		}
		return false
	}
	return &resolver{gateway: g, locator: locate.Locator{Resolver: dns, Reaches: reaches}, log: log}
}

var errTooManyLookups = errors.New("too many names are being resolved at the same time")

// Locate implements proxy.Resolver. Beyond maxLookups a name counts as not found.
func (r *resolver) Locate(q locate.Query) {
	overloaded := r.pending.Add(1) > maxLookups
	r.gateway.running.Go(func() {
		defer r.pending.Add(-1)
		var answer locate.Answer
		err := errTooManyLookups
		if !overloaded {
			ctx, cancel := context.WithTimeout(r.gateway.closing, lookupTimeout)
			defer cancel()
			answer, err = r.locator.Locate(ctx, q)
		}
		if err != nil {
			r.log.Debug("a name could not be located", "host", q.Host, "error", err)
		}
		var out transport.Outbox
		r.gateway.core.Located(q, answer, err, &out)
		r.gateway.network.Send(&out)
	})
}
