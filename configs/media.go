package configs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Media is the RTP of treated calls: those in which the gateway speaks, or listens for keys. All other
// calls send their RTP past it.
type Media struct {
	// Addresses are those that RTP is received at, at most one IPv4 and one IPv6 address. Default: those
	// of the first listeners.
	Addresses []Address `yaml:"addresses" reload:"restart"`
	// Advertise is the address that peers send RTP to, where it is not that of this machine. Default:
	// sip.advertise, if that is an address.
	Advertise Address `yaml:"advertise" reload:"restart"`
	// Ports are the UDP ports of RTP and RTCP: FIRST-LAST, the first even and the last odd. Each side of
	// a treated call takes two. Default: 20000-29999.
	Ports PortRange `yaml:"ports" reload:"restart"`
	// Silence ends a treated call of which one side has sent neither RTP nor RTCP for so long although it
	// should. 5s to 1h; 0: never. Default: 60s.
	Silence Duration `yaml:"silence" reload:"restart"`
	// NAT is how long after it was agreed where a peer sends from its first packet may come from
	// elsewhere, as from behind an address translator. Whoever finds the port can send that packet. At
	// most 30s. Default: 0, never.
	NAT Duration `yaml:"nat" reload:"restart"`
}

// Address is an IP address.
type Address struct{ netip.Addr }

// UnmarshalText reads 192.0.2.1 or 2001:db8::1; an empty text is no address.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	addr, err := netip.ParseAddr(string(text))
	if err != nil || addr.Zone() != "" || addr.IsMulticast() {
		return fmt.Errorf("%q is not an IP address (write 192.0.2.1 or 2001:db8::1; no names)", text)
	}
	a.Addr = addr.Unmap()
	return nil
}

// String is a as UnmarshalText reads it.
func (a Address) String() string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr.String()
}

// PortRange is a range of UDP ports, both ends included.
type PortRange struct{ First, Last uint16 }

// UnmarshalText reads FIRST-LAST.
func (p *PortRange) UnmarshalText(text []byte) error {
	from, to, _ := strings.Cut(string(text), "-")
	first, err := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err != nil || err2 != nil || first < 1024 || first%2 != 0 || last%2 == 0 || last < first {
		return fmt.Errorf("%q is not a range of ports (write 20000-29999: from 1024 on, the first even and the last odd)", text)
	}
	*p = PortRange{uint16(first), uint16(last)}
	return nil
}

// MarshalText writes p as UnmarshalText reads it.
func (p PortRange) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String is p as MarshalText writes it.
func (p PortRange) String() string { return fmt.Sprintf("%d-%d", p.First, p.Last) }

// Pairs is how many sockets for RTP, each with one for RTCP, the range has room for.
func (p PortRange) Pairs() int { return (int(p.Last) - int(p.First) + 1) / 2 }

// Local is the address of a family that RTP is received at, and Reached the one that peers send it to.
// Both are zero where the gateway has none of the family.
func (m *Media) Local(v6 bool) (local, reached netip.Addr) {
	for _, a := range m.Addresses {
		if a.Is6() != v6 {
			continue
		}
		if m.Advertise.IsValid() && m.Advertise.Is6() == v6 {
			return a.Addr, m.Advertise.Addr
		}
		return a.Addr, a.Addr
	}
	return netip.Addr{}, netip.Addr{}
}

// complete takes what is not written of the media from the listeners. Where these are on every address
// of the machine, and nothing says which of them peers reach, the family has no media.
func (m *Media) complete(s *SIP) {
	if addr, err := netip.ParseAddr(string(s.Advertise)); err == nil && !m.Advertise.IsValid() {
		m.Advertise = Address{addr.Unmap()}
	}
	if len(m.Addresses) > 0 {
		return
	}
	for _, v6 := range []bool{false, true} {
		for _, l := range s.Listen {
			addr := l.Addr.Addr()
			if !addr.IsValid() || addr.Is6() != v6 {
				continue
			}
			if !addr.IsUnspecified() || m.Advertise.IsValid() && m.Advertise.Is6() == v6 {
				m.Addresses = append(m.Addresses, Address{addr})
			}
			break
		}
	}
}

func (m *Media) validate(d *document, s *SIP) {
	families := map[bool]bool{}
	for i, a := range m.Addresses {
		path := fmt.Sprintf("media.addresses[%d]", i)
		_, reached := m.Local(a.Is6())
		switch {
		case !a.IsValid():
			d.reject(path, "must not be empty")
		case families[a.Is6()]:
			d.reject(path, "%s is the second address of its family: RTP needs one", a)
		case reached.IsUnspecified():
			d.reject(path, "%s is every address of this machine, and none that a peer could send to: set media.advertise to the one peers see", a)
		}
		families[a.Is6()] = true
	}
	if m.Advertise.IsValid() && m.Advertise.IsUnspecified() {
		d.reject("media.advertise", "%s cannot be reached by a peer", m.Advertise)
	}
	for i, l := range s.Listen {
		if port := l.Addr.Port(); l.Transport == transportUDP && port >= m.Ports.First && port <= m.Ports.Last {
			d.reject("media.ports", "%s holds the port of %s (sip.listen[%d]): calls would take it away", m.Ports, l, i)
		}
	}
	if m.Silence != 0 {
		within(d, "media.silence", m.Silence, Duration(5*time.Second), Duration(time.Hour))
	}
	within(d, "media.nat", m.NAT, 0, Duration(30*time.Second))
}
