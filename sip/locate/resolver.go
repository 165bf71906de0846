package locate

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"ringfence/sip/transport"
)

// Resolver asks the DNS. Each method returns the records of a name and how long they live, 0 if it
// cannot tell. The error is, or wraps, ErrNotFound when the name or its records do not exist, and
// another when nobody could say. Names have no dot at their end.
type Resolver interface {
	NAPTR(ctx context.Context, domain string) ([]NAPTR, time.Duration, error)
	SRV(ctx context.Context, service string) ([]SRV, time.Duration, error)
	// Addrs returns the A and AAAA records of a host in the order of RFC 6724, CNAMEs followed.
	Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error)
}

// ErrNotFound says that a name does not exist or has no records of the kind asked for.
var ErrNotFound = errors.New("no such records")

// SRV is an SRV record (RFC 2782).
type SRV struct {
	Priority, Weight, Port uint16
	Target                 string // "." or empty: there is no such service
}

// NAPTR is a NAPTR record (RFC 3403), of which SIP uses those that point to SRV records.
type NAPTR struct {
	Order, Preference uint16
	Flags, Service    string
	Regexp            string
	Replacement       string
}

// protocol is the transport that the record offers; ok is false for one that is of no use here (RFC
// 3263 §4.1).
func (r *NAPTR) protocol() (p transport.Protocol, ok bool) {
	if !strings.EqualFold(r.Flags, "s") || r.Regexp != "" || Name(r.Replacement) == "" {
		return p, false
	}
	switch strings.ToUpper(r.Service) {
	case "SIP+D2U":
		return transport.UDP, true
	case "SIP+D2T":
		return transport.TCP, true
	case "SIPS+D2T":
		return transport.TLS, true
	default:
		return p, false
	}
}

// Name writes a host name in the one form used here: lower case, no dot at its end.
func Name(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
