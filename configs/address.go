package configs

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The transports of listeners and URIs.
const (
	transportUDP = "udp"
	transportTCP = "tcp"
	transportTLS = "tls"
)

// defaultPort is the SIP port where none is written (RFC 3261 §19.1.2).
func defaultPort(transport string) uint16 {
	if transport == transportTLS {
		return 5061
	}
	return 5060
}

// Network is a range of addresses in CIDR form; a single address stands for itself alone.
type Network struct{ netip.Prefix }

// UnmarshalText reads 192.0.2.0/24, 192.0.2.1, 2001:db8::/32 or 2001:db8::1.
func (n *Network) UnmarshalText(text []byte) error {
	s := string(text)
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p.Addr().Is4In6():
		return fmt.Errorf("%q is not an address or network (write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32; no names)", s)
	case p != p.Masked():
		return fmt.Errorf("%q has bits beyond its length; write %s for the network or %s for the address", s, p.Masked(), p.Addr())
	}
	n.Prefix = p
	return nil
}

// MarshalText writes n as UnmarshalText reads it, a single address without its length.
func (n Network) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// String is n as MarshalText writes it.
func (n Network) String() string {
	if n.IsSingleIP() {
		return n.Addr().String()
	}
	return n.Prefix.String()
}

// Listener is an address the gateway listens on, written udp://0.0.0.0:5060, tcp://[::]:5060 or
// tls://192.0.2.1:5061.
type Listener struct {
	Transport string // "udp", "tcp" or "tls"
	Addr      netip.AddrPort
}

// UnmarshalText reads the form that Listener describes; without a port it is 5060, or 5061 for TLS.
func (l *Listener) UnmarshalText(text []byte) error {
	s := string(text)
	bad := fmt.Errorf("%q is not an address to listen on (write udp://192.0.2.1:5060, tcp://[::]:5060 or tls://192.0.2.1:5061)", s)
	transport, rest, ok := strings.Cut(s, "://")
	if !ok || transport != transportUDP && transport != transportTCP && transport != transportTLS {
		return bad
	}
	host, port, err := splitHostPort(rest)
	if port == 0 {
		port = defaultPort(transport)
	}
	addr, addrErr := netip.ParseAddr(host)
	if err != nil || addrErr != nil || addr.Zone() != "" {
		return bad
	}
	*l = Listener{transport, netip.AddrPortFrom(addr.Unmap(), port)}
	return nil
}

// MarshalText writes l as UnmarshalText reads it.
func (l Listener) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String is l as MarshalText writes it.
func (l Listener) String() string { return l.Transport + "://" + l.Addr.String() }

// URI is a SIP URI that calls are sent to: sip:[user@]host[:port][;transport=udp|tcp|tls]. What is not
// written of a name is found in the DNS (RFC 3263); an address has port 5060, or 5061 for TLS, and UDP.
type URI struct {
	User      string // empty when the user part of the call stays as it is
	Host      string // IP address (IPv6 without brackets) or name
	Port      uint16 // 0 for a name without one: its SRV records tell
	Transport string // "udp", "tcp" or "tls"; empty for a name with neither port nor transport: its SRV records tell
}

// UnmarshalText reads the form that URI describes. Other schemes, headers and parameters are
// refused rather than passed over.
func (u *URI) UnmarshalText(text []byte) error {
	s := string(text)
	rest, ok := strings.CutPrefix(s, "sip:")
	if !ok {
		return fmt.Errorf("%q is not a SIP URI (write sip:HOST, sip:HOST:PORT or sip:USER@HOST;transport=tcp)", s)
	}
	rest, params, _ := strings.Cut(rest, ";")
	transport := transportUDP
	switch params {
	case "":
		transport = ""
	case "transport=udp":
	case "transport=tcp":
		transport = transportTCP
	case "transport=tls":
		transport = transportTLS
	default:
		return fmt.Errorf("%q has the parameters %q; only transport=udp, transport=tcp and transport=tls are known", s, params)
	}
	var user string
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if user, rest = rest[:i], rest[i+1:]; !validUser(user) {
			return fmt.Errorf("%q has a user part that may not stand in a SIP URI", s)
		}
	}
	host, port, err := splitHostPort(rest)
	if err != nil {
		return fmt.Errorf("%q: %w", s, err)
	}
	_, noAddr := netip.ParseAddr(host)
	if transport == "" && (noAddr == nil || port != 0) {
		transport = transportUDP
	}
	if noAddr == nil && port == 0 {
		port = defaultPort(transport)
	}
	*u = URI{user, host, port, transport}
	return nil
}

// MarshalText writes u as UnmarshalText reads it, the port always.
func (u URI) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String is u as MarshalText writes it.
func (u URI) String() string {
	var b strings.Builder
	b.WriteString("sip:")
	if u.User != "" {
		b.WriteString(u.User + "@")
	}
	b.WriteString(joinHostPort(u.Host, u.Port))
	if u.Transport != "" && (u.Transport != transportUDP || u.Port == 0) {
		b.WriteString(";transport=" + u.Transport)
	}
	return b.String()
}

// Host is an address or name under which peers reach the gateway; empty where none is set.
type Host string

// UnmarshalText reads an IP address (IPv6 with or without brackets) or a host name, without a port.
func (h *Host) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*h = ""
		return nil
	}
	s := strings.TrimSuffix(strings.TrimPrefix(string(text), "["), "]")
	addr, err := netip.ParseAddr(s)
	if err != nil && !validName(s) {
		return fmt.Errorf("%q is not an address or host name (write it without scheme and port)", text)
	}
	if err == nil && (addr.IsUnspecified() || addr.Zone() != "") {
		return fmt.Errorf("%q cannot be reached by a peer", text)
	}
	*h = Host(s)
	return nil
}

// splitHostPort reads host, host:port, [v6] and [v6]:port, with 0 for no port. The host is an
// IP address, without brackets, or a name.
func splitHostPort(s string) (host string, port uint16, err error) {
	host, digits, given := s, "", false
	if rest, ok := strings.CutPrefix(s, "["); ok {
		var tail string
		if host, tail, ok = strings.Cut(rest, "]"); !ok {
			return "", 0, errors.New(`there is no "]" after the address`)
		}
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", 0, fmt.Errorf("%q is not an IPv6 address", host)
		}
		if tail != "" {
			if digits, given = strings.CutPrefix(tail, ":"); !given {
				return "", 0, fmt.Errorf("%q after the address is not a port", tail)
			}
		}
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, digits, given = s[:i], s[i+1:], true
		}
		if _, err := netip.ParseAddr(host); err != nil && !validName(host) {
			return "", 0, fmt.Errorf("%q is not a host name or address (an IPv6 address stands in brackets: [2001:db8::1])", host)
		}
	}
	if !given {
		return host, 0, nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is not a port (1 to 65535)", digits)
	}
	return host, uint16(n), nil
}

// joinHostPort is the reverse of splitHostPort.
func joinHostPort(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 0 {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}

// validName reports whether s is a host name: dotted labels of letters, digits and hyphens, the
// last of them not a number (RFC 3261 §25.1, hostname).
func validName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && !letter(c) && !digit(c) {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return !digit(last[0])
}

// validUser reports whether s may stand as the user part of a SIP URI (RFC 3261 §25.1, user),
// without escapes and parameters.
func validUser(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && !strings.ContainsRune("-_.!~*'()&=+$,?/", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
