package locate_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/sip/locate"
	"ringfence/sip/locate/zone"
	"ringfence/sip/transport"
)

func addrs(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// example is a zone with a bit of everything.
func example() *zone.Zone {
	return zone.New(map[string]zone.Records{
		"plain.example":                    {Addrs: addrs("192.0.2.1", "2001:db8::1", "192.0.2.2"), TTL: 60 * time.Second},
		"alias.example":                    {CNAME: "plain.example"},
		"six.example":                      {Addrs: addrs("2001:db8::6")},
		"mapped.example":                   {Addrs: addrs("::ffff:192.0.2.9")},
		"_sip._udp.srv.example":            {TTL: 40 * time.Second, SRV: []locate.SRV{{20, 0, 5080, "plain.example"}, {10, 5, 5070, "six.example."}}},
		"_sip._tcp.both.example":           {SRV: []locate.SRV{{1, 1, 5062, "plain.example"}}},
		"_sip._udp.both.example":           {SRV: []locate.SRV{{1, 1, 5061, "plain.example"}}},
		"_sips._tcp.both.example":          {SRV: []locate.SRV{{1, 1, 5063, "six.example"}}},
		"both.example":                     {Addrs: addrs("192.0.2.50")},
		"_sip._udp.none.example":           {SRV: []locate.SRV{{0, 0, 0, "."}}},
		"none.example":                     {Addrs: addrs("192.0.2.60")},
		"_sip._udp.partly.example":         {SRV: []locate.SRV{{1, 0, 5060, "gone.example"}, {2, 0, 5060, "six.example"}, {3, 0, 5060, "."}}},
		"_sip._udp.dangling.example":       {SRV: []locate.SRV{{1, 0, 5060, "gone.example"}}},
		"dangling.example":                 {Addrs: addrs("192.0.2.70")},
		"_sip._udp.broken.example":         {Fails: true},
		"broken.example":                   {Addrs: addrs("192.0.2.80")},
		"down.example":                     {Fails: true},
		"_sip._udp.twice.example":          {SRV: []locate.SRV{{1, 0, 5060, "plain.example"}, {2, 0, 5060, "alias.example"}}},
		"naptr.example":                    {TTL: 30 * time.Second, NAPTR: naptr("20 10 s SIP+D2U _sip._udp.srv.example", "10 20 S sip+d2t gone.example", "10 10 s SIPS+D2T _sips._tcp.both.example", "1 1 u SIP+D2U _sip._udp.none.example", "1 2 s SMTP+D2T _sip._udp.none.example")},
		"unusable.example":                 {Addrs: addrs("192.0.2.90"), NAPTR: naptr("1 1 s SIP+D2S _sip._sctp.unusable.example")},
		"_sip._udp.many.example":           {SRV: manyRecords(100)},
		"lame.example":                     {Fails: true},
		"_sip._tcp.lame.example":           {SRV: []locate.SRV{{1, 0, 5060, "plain.example"}}},
		"_sip._udp.unknown-target.example": {SRV: []locate.SRV{{1, 0, 5060, "down.example"}, {2, 0, 5060, "six.example"}}},
	})
}

func naptr(lines ...string) (all []locate.NAPTR) {
	for _, line := range lines {
		var r locate.NAPTR
		if _, err := fmt.Sscan(line, &r.Order, &r.Preference, &r.Flags, &r.Service, &r.Replacement); err != nil {
			panic(err)
		}
		all = append(all, r)
	}
	return all
}

func manyRecords(n int) (all []locate.SRV) {
	for i := range n {
		all = append(all, locate.SRV{Priority: uint16(n - i), Port: uint16(6000 + i), Target: "six.example"})
	}
	return all
}

// reaches makes Locator.Reaches of listeners such as "udp4 tcp6".
func reaches(listeners string) func(transport.Protocol, netip.Addr) bool {
	return func(p transport.Protocol, addr netip.Addr) bool {
		for _, l := range strings.Fields(listeners) {
			name, family := l[:len(l)-1], l[len(l)-1:]
			if name == p.String() && (!addr.IsValid() || (family == "4") == addr.Is4()) {
				return true
			}
		}
		return false
	}
}

const everywhere = "udp4 udp6 tcp4 tcp6 tls4 tls6"

func show(all []locate.Destination) string {
	var texts []string
	for _, d := range all {
		texts = append(texts, d.Protocol.String()+" "+d.Addr.String())
	}
	return strings.Join(texts, ", ")
}

// What RFC 3263 §4 says of each kind of URI.
func TestLocate(t *testing.T) {
	named := func(host string, p transport.Protocol) locate.Query { return locate.Query{Host: host, Protocol: p} }
	open := func(host string) locate.Query { return locate.Query{Host: host, Any: true} }
	for name, test := range map[string]struct {
		query     locate.Query
		listeners string // everywhere when empty
		want      string
		fails     error // errAny: some error
	}{
		"numeric":                          {query: locate.Query{Host: "192.0.2.1", Any: true}, want: "udp 192.0.2.1:5060"},
		"numeric with port and transport":  {query: locate.Query{Host: "2001:db8::1", Port: 5090, Protocol: transport.TCP}, want: "tcp [2001:db8::1]:5090"},
		"numeric over TLS":                 {query: named("192.0.2.1", transport.TLS), want: "tls 192.0.2.1:5061"},
		"numeric out of reach":             {query: named("2001:db8::1", transport.UDP), listeners: "udp4", fails: errAny},
		"a port forgoes SRV":               {query: locate.Query{Host: "both.example", Port: 5060, Any: true}, want: "udp 192.0.2.50:5060"},
		"a port, all addresses":            {query: locate.Query{Host: "plain.example", Port: 5099, Protocol: transport.TCP}, want: "tcp 192.0.2.1:5099, tcp [2001:db8::1]:5099, tcp 192.0.2.2:5099"},
		"no SRV: addresses":                {query: open("plain.example"), want: "udp 192.0.2.1:5060, udp [2001:db8::1]:5060, udp 192.0.2.2:5060"},
		"no SRV, no UDP":                   {query: open("plain.example"), listeners: "tcp4", want: "tcp 192.0.2.1:5060, tcp 192.0.2.2:5060"},
		"no SRV over TLS":                  {query: named("six.example", transport.TLS), want: "tls [2001:db8::6]:5061"},
		"an alias":                         {query: open("alias.example"), listeners: "udp6", want: "udp [2001:db8::1]:5060"},
		"IPv6 only":                        {query: open("six.example"), want: "udp [2001:db8::6]:5060"},
		"IPv6 only, from IPv4":             {query: open("six.example"), listeners: "udp4", fails: errAny},
		"a mapped address":                 {query: open("mapped.example"), listeners: "udp4", want: "udp 192.0.2.9:5060"},
		"SRV by priority":                  {query: named("srv.example", transport.UDP), want: "udp [2001:db8::6]:5070, udp 192.0.2.1:5080, udp [2001:db8::1]:5080, udp 192.0.2.2:5080"},
		"SRV of the families there are":    {query: named("srv.example", transport.UDP), listeners: "udp4", want: "udp 192.0.2.1:5080, udp 192.0.2.2:5080"},
		"SRV of the transport given":       {query: named("both.example", transport.UDP), listeners: "udp4 tcp4", want: "udp 192.0.2.1:5061, udp 192.0.2.2:5061"},
		"SRV chooses TLS first":            {query: open("both.example"), want: "tls [2001:db8::6]:5063"},
		"SRV chooses TCP without TLS":      {query: open("both.example"), listeners: "udp4 tcp4", want: "tcp 192.0.2.1:5062, tcp 192.0.2.2:5062"},
		"SRV chooses UDP alone":            {query: open("both.example"), listeners: "udp6", want: "udp [2001:db8::1]:5061"},
		"the service is denied":            {query: named("none.example", transport.UDP), fails: locate.ErrNoService},
		"a target without addresses":       {query: named("partly.example", transport.UDP), want: "udp [2001:db8::6]:5060"},
		"a target that nobody can say":     {query: named("unknown-target.example", transport.UDP), want: "udp [2001:db8::6]:5060"},
		"no target has addresses":          {query: named("dangling.example", transport.UDP), fails: locate.ErrNotFound},
		"SRV cannot be asked for":          {query: named("broken.example", transport.UDP), want: "udp 192.0.2.80:5060", fails: errAny},
		"DNS is down":                      {query: open("down.example"), fails: errAny},
		"nothing there":                    {query: open("nowhere.example"), fails: locate.ErrNotFound},
		"two targets at one place":         {query: named("twice.example", transport.UDP), listeners: "udp6", want: "udp [2001:db8::1]:5060"},
		"NAPTR by order and preference":    {query: open("naptr.example"), want: "tls [2001:db8::6]:5063"},
		"NAPTR that points to nothing":     {query: open("naptr.example"), listeners: "udp6 tcp6", want: "udp [2001:db8::6]:5070, udp [2001:db8::1]:5080"},
		"NAPTR is not for given transport": {query: named("naptr.example", transport.UDP), fails: locate.ErrNotFound},
		"NAPTR of unknown transports":      {query: open("unusable.example"), want: "udp 192.0.2.90:5060"},
		"NAPTR cannot be asked for":        {query: open("lame.example"), listeners: "udp4 tcp4", want: "tcp 192.0.2.1:5060, tcp 192.0.2.2:5060"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.listeners == "" {
				test.listeners = everywhere
			}
			l := locate.Locator{Resolver: example(), Reaches: reaches(test.listeners)}
			answer, err := l.Locate(t.Context(), test.query)
			if got := show(answer.Destinations); got != test.want {
				t.Errorf("located at %q, want %q (error: %v)", got, test.want, err)
			}
			if (err == nil) != (test.fails == nil) || test.fails != nil && test.fails != errAny && !errors.Is(err, test.fails) {
				t.Errorf("error %v, want %v", err, test.fails)
			}
		})
	}
}

var errAny = errors.New("any error")

// Not more is asked for than RFC 3263 asks: a given port asks for addresses alone, a given transport for
// its own SRV records.
func TestQuestions(t *testing.T) {
	for name, test := range map[string]struct {
		query locate.Query
		want  string
	}{
		"numeric":   {locate.Query{Host: "192.0.2.1"}, ""},
		"port":      {locate.Query{Host: "both.example", Port: 5060}, "A both.example"},
		"transport": {locate.Query{Host: "plain.example", Protocol: transport.TCP}, "SRV _sip._tcp.plain.example, A plain.example"},
		"neither":   {locate.Query{Host: "plain.example", Any: true}, "NAPTR plain.example, SRV _sip._tcp.plain.example, SRV _sip._udp.plain.example, A plain.example"},
		"NAPTR":     {locate.Query{Host: "naptr.example", Any: true}, "NAPTR naptr.example, SRV gone.example, SRV _sip._udp.srv.example, A six.example, A plain.example"},
	} {
		z := example()
		l := locate.Locator{Resolver: z, Reaches: reaches("udp4 tcp4")}
		_, _ = l.Locate(t.Context(), test.query)
		if got := strings.Join(z.Queries(), ", "); got != test.want {
			t.Errorf("%s: asked for %q, want %q", name, got, test.want)
		}
	}
}

// An answer lives as long as the shortest-lived record it rests on.
func TestLifetime(t *testing.T) {
	l := locate.Locator{Resolver: example(), Reaches: reaches("udp4")}
	for host, want := range map[string]time.Duration{
		"plain.example": 60 * time.Second, "srv.example": 40 * time.Second, "naptr.example": 30 * time.Second, "broken.example": 0,
	} {
		answer, _ := l.Locate(t.Context(), locate.Query{Host: host, Any: true})
		if answer.TTL != want {
			t.Errorf("%s lives %v, want %v", host, answer.TTL, want)
		}
	}
}

// However many records a domain has, few are used, and few questions asked.
func TestBounds(t *testing.T) {
	z := example()
	l := locate.Locator{Resolver: z, Reaches: reaches("udp6")}
	answer, err := l.Locate(t.Context(), locate.Query{Host: "many.example", Protocol: transport.UDP})
	if err != nil || len(answer.Destinations) != locate.MaxDestinations {
		t.Fatalf("%d destinations, want %d (%v)", len(answer.Destinations), locate.MaxDestinations, err)
	}
	if n := len(z.Queries()); n > 1+locate.MaxRecords {
		t.Errorf("%d questions", n)
	}
}
