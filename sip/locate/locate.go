// Package locate finds where a SIP request goes: RFC 3263 §4 turns a host, and the port and transport
// that a URI gives or leaves open, into destinations to be tried one after the other.
package locate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ringfence/sip/transport"
)

// Bounds on what one name may lead to; what is beyond them is left out.
const (
	MaxRecords      = 32 // records used of one answer
	MaxDestinations = 16 // destinations of one name
)

// Query is what a URI says of its next hop. It is comparable, so that answers can be kept by it.
type Query struct {
	Host     string             // a name, as Name writes it
	Port     uint16             // 0: not given
	Protocol transport.Protocol // meaningless while Any is set
	Any      bool               // the URI names no transport: NAPTR and SRV choose it
}

// Destination is one place that a request may be sent to.
type Destination struct {
	Protocol transport.Protocol
	Addr     netip.AddrPort
	Rank     uint16 // those of the lowest rank come first: the SRV priority
	Weight   uint16 // share of a record among those of its rank (RFC 2782)
	Record   uint16 // numbers the record; the addresses of one target have the same
}

// Same reports whether d and other are one place, whatever their rank.
func (d Destination) Same(other Destination) bool {
	return d.Protocol == other.Protocol && d.Addr == other.Addr
}

// Answer is what was found for a Query: at least one destination, in order of rank and record.
type Answer struct {
	Destinations []Destination
	TTL          time.Duration // how long the records live; 0 if the resolver does not tell
}

// ErrNoService says that the owner of a domain offers no SIP there: its SRV target is "." (RFC 2782).
var ErrNoService = errors.New("the domain says that it has no such service")

// Locator finds destinations for a gateway.
type Locator struct {
	Resolver Resolver
	// Reaches reports whether the gateway has a listener that can send over a protocol to the family
	// of an address; with the zero Addr, to any. Nothing is located that it cannot reach (RFC 7984 §3.1).
	Reaches func(p transport.Protocol, addr netip.Addr) bool
}

// preference is the order in which transports are tried when neither URI nor NAPTR names one.
var preference = [...]transport.Protocol{transport.TLS, transport.TCP, transport.UDP}

// Locate finds the destinations of q. An error beside an answer says that the SRV records could not be
// asked for and that only addresses were: the answer may be poorer than one that is known already.
func (l *Locator) Locate(ctx context.Context, q Query) (Answer, error) {
	s := search{Locator: l, ctx: ctx}
	if addr, err := netip.ParseAddr(q.Host); err == nil {
		s.add(q.protocol(), netip.AddrPortFrom(addr.Unmap(), q.port(q.protocol())), SRV{}, 0)
		return s.answer(q, nil)
	}
	if q.Port != 0 { // §4.2: a port that is given forgoes SRV
		return s.answer(q, s.addresses(q.protocol(), SRV{Target: q.Host, Port: q.Port}, 0))
	}
	found, err := s.services(q)
	if found || errors.Is(err, ErrNoService) {
		return s.answer(q, err)
	}
	protocol := q.protocol()
	if q.Any && !l.Reaches(protocol, netip.Addr{}) {
		protocol = l.firstProtocol()
	}
	fallback := s.addresses(protocol, SRV{Target: q.Host, Port: q.port(protocol)}, 0)
	return s.answer(q, errors.Join(err, fallback))
}

// protocol is the transport of a URI that gives a port or a numeric host but no transport (§4.1).
func (q *Query) protocol() transport.Protocol {
	if q.Any {
		return transport.UDP
	}
	return q.Protocol
}

// port is the port given, or the protocol's own.
func (q *Query) port(p transport.Protocol) uint16 {
	switch {
	case q.Port != 0:
		return q.Port
	case p == transport.TLS:
		return DefaultTLSPort
	default:
		return DefaultPort
	}
}

// The ports of SIP (RFC 3261 §19.1.2).
const (
	DefaultPort    = 5060
	DefaultTLSPort = 5061
)

func (l *Locator) firstProtocol() transport.Protocol {
	for _, p := range preference {
		if l.Reaches(p, netip.Addr{}) {
			return p
		}
	}
	return transport.UDP
}

// search is one Locate under way.
type search struct {
	*Locator
	ctx  context.Context
	all  []Destination
	ttl  time.Duration
	next uint16 // number of the next record
}

// service is a transport and the name of its SRV records.
type service struct {
	protocol transport.Protocol
	name     string
}

// services looks for SRV records: of the transport that is given, else of what NAPTR names, else of
// each transport there is (§4.1). found says that there are some, wherever they lead.
func (s *search) services(q Query) (found bool, err error) {
	var candidates []service
	if !q.Any {
		candidates = []service{{q.Protocol, ServiceName(q.Protocol, q.Host)}}
	} else if candidates = s.pointers(q.Host); len(candidates) == 0 {
		for _, p := range preference {
			if s.Reaches(p, netip.Addr{}) {
				candidates = append(candidates, service{p, ServiceName(p, q.Host)})
			}
		}
	}
	var failed error
	for _, c := range candidates {
		records, ttl, err := s.Resolver.SRV(s.ctx, c.name)
		if len(records) > 0 {
			s.note(ttl)
			return true, s.targets(c.protocol, records)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = errors.Join(failed, err)
		}
	}
	return false, failed
}

// ServiceName is the name of the SRV records for a transport of a domain (RFC 3263 §4.1).
func ServiceName(p transport.Protocol, domain string) string {
	switch p {
	case transport.TLS:
		return "_sips._tcp." + domain
	case transport.TCP:
		return "_sip._tcp." + domain
	default:
		return "_sip._udp." + domain
	}
}

// pointers are the services that the NAPTR records of a domain name, best first, without those the
// gateway cannot use. A domain whose NAPTR records cannot be asked for counts as one without.
func (s *search) pointers(domain string) (usable []service) {
	records, ttl, err := s.Resolver.NAPTR(s.ctx, domain)
	if err != nil {
		return nil
	}
	records = slices.Clone(records[:min(len(records), MaxRecords)])
	slices.SortStableFunc(records, func(a, b NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	for _, r := range records {
		if p, ok := r.protocol(); ok && s.Reaches(p, netip.Addr{}) {
			usable = append(usable, service{p, Name(r.Replacement)})
		}
	}
	if len(usable) > 0 {
		s.note(ttl)
	}
	return usable
}

// targets adds the addresses of SRV records, in order of priority.
func (s *search) targets(p transport.Protocol, records []SRV) error {
	if len(records) == 1 && Name(records[0].Target) == "" {
		return ErrNoService
	}
	records = slices.Clone(records[:min(len(records), MaxRecords)])
	slices.SortStableFunc(records, func(a, b SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	var failed error
	for _, r := range records {
		if len(s.all) == MaxDestinations {
			break
		}
		if Name(r.Target) == "" || r.Port == 0 {
			continue
		}
		failed = errors.Join(failed, s.addresses(p, r, s.next))
		s.next++
	}
	if len(s.all) > 0 {
		return nil // one dead target does not spoil the others
	}
	return failed
}

// addresses adds the addresses of a record's target, in the order the resolver gives: that of RFC
// 6724, as RFC 7984 §4 asks.
func (s *search) addresses(p transport.Protocol, r SRV, record uint16) error {
	addrs, ttl, err := s.Resolver.Addrs(s.ctx, Name(r.Target))
	if err != nil {
		return err
	}
	s.note(ttl)
	for _, addr := range addrs[:min(len(addrs), MaxRecords)] {
		s.add(p, netip.AddrPortFrom(addr.Unmap().WithZone(""), r.Port), r, record)
	}
	return nil
}

// add appends a destination, if it can be reached and is not there yet.
func (s *search) add(p transport.Protocol, addr netip.AddrPort, r SRV, record uint16) {
	d := Destination{p, addr, r.Priority, r.Weight, record}
	if len(s.all) < MaxDestinations && s.Reaches(p, addr.Addr()) && !slices.ContainsFunc(s.all, d.Same) {
		s.all = append(s.all, d)
	}
}

// note shortens the life of the answer to that of a record it rests on.
func (s *search) note(ttl time.Duration) {
	if ttl > 0 && (s.ttl == 0 || ttl < s.ttl) {
		s.ttl = ttl
	}
}

// answer is the result of the search. With nothing found there is always an error.
func (s *search) answer(q Query, err error) (Answer, error) {
	if len(s.all) == 0 && err == nil {
		err = fmt.Errorf("%s has no address that a listener of this gateway reaches", q.Host)
	}
	return Answer{s.all, s.ttl}, err
}
