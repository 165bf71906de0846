// Package zone is a DNS in memory, for tests and call scripts.
package zone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"ringfence/sip/locate"
)

// Records are all that is known of one name.
type Records struct {
	NAPTR []locate.NAPTR
	SRV   []locate.SRV
	Addrs []netip.Addr
	CNAME string        // the name is an alias of this one
	TTL   time.Duration // of every record; 0: not told
	Delay time.Duration // every answer takes so long
	Fails bool          // no server answers
}

// Zone answers from a map that can change at any time. It implements locate.Resolver.
type Zone struct {
	mu      sync.Mutex
	names   map[string]Records
	queries []string
}

// New makes a zone with these names.
func New(names map[string]Records) *Zone {
	z := &Zone{names: map[string]Records{}}
	for name, r := range names {
		z.names[name] = r
	}
	return z
}

// Set replaces the records of a name.
func (z *Zone) Set(name string, r Records) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.names[name] = r
}

// Queries returns every question asked so far, such as "SRV _sip._udp.example.com".
func (z *Zone) Queries() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return append([]string(nil), z.queries...)
}

var errDown = errors.New("the name servers do not answer")

// maxAliases is how many CNAMEs are followed.
const maxAliases = 8

func (z *Zone) find(ctx context.Context, kind, name string) (Records, error) {
	z.mu.Lock()
	z.queries = append(z.queries, kind+" "+name)
	r := z.names[name]
	for i := 0; r.CNAME != "" && i < maxAliases; i++ {
		r = z.names[r.CNAME]
	}
	z.mu.Unlock()
	if r.Delay > 0 {
		select {
		case <-time.After(r.Delay):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
	if r.Fails {
		return r, fmt.Errorf("%s %s: %w", kind, name, errDown)
	}
	return r, nil
}

func records[T any](all []T, r Records, err error) ([]T, time.Duration, error) {
	if err == nil && len(all) == 0 {
		err = locate.ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	return all, r.TTL, nil
}

// NAPTR implements locate.Resolver.
func (z *Zone) NAPTR(ctx context.Context, domain string) ([]locate.NAPTR, time.Duration, error) {
	r, err := z.find(ctx, "NAPTR", domain)
	return records(r.NAPTR, r, err)
}

// SRV implements locate.Resolver.
func (z *Zone) SRV(ctx context.Context, service string) ([]locate.SRV, time.Duration, error) {
	r, err := z.find(ctx, "SRV", service)
	return records(r.SRV, r, err)
}

// Addrs implements locate.Resolver.
func (z *Zone) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	r, err := z.find(ctx, "A", host)
	return records(r.Addrs, r, err)
}
