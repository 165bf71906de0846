package locate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// System is the resolver of the operating system. Names of /etc/hosts and search domains count, as
// they do for every other program, and lifetimes are not told.
type System struct{}

// SRV implements Resolver.
func (System) SRV(ctx context.Context, service string) ([]SRV, time.Duration, error) {
	_, answers, err := net.DefaultResolver.LookupSRV(ctx, "", "", service)
	if len(answers) == 0 {
		return nil, 0, classify(err) // beside records, an error says that some had bad names
	}
	records := make([]SRV, min(len(answers), MaxRecords))
	for i := range records {
		a := answers[i]
		records[i] = SRV{a.Priority, a.Weight, a.Port, a.Target}
	}
	return records, 0, nil
}

// Addrs implements Resolver.
func (System) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, 0, classify(err)
	}
	return addrs, 0, nil
}

// classify tells a name that does not exist from a server that does not answer.
func classify(err error) error {
	var failure *net.DNSError
	switch {
	case err == nil:
		return ErrNotFound
	case errors.As(err, &failure) && failure.IsNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	default:
		return err
	}
}
