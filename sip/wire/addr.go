package wire

import (
	"bytes"
	"net/netip"
)

// HostAddr reads a host as an IP address without allocating; ok is false for a domain name.
func HostAddr(host []byte) (netip.Addr, bool) {
	if len(host) == 0 || len(host) > 45 {
		return netip.Addr{}, false
	}
	if c := host[len(host)-1]; (c < '0' || c > '9') && bytes.IndexByte(host, ':') < 0 {
		return netip.Addr{}, false // a top-level domain does not end in a digit
	}
	if bytes.IndexByte(host, ':') < 0 {
		return parseIPv4(host)
	}
	a, ok := parseIPv6(host)
	return a.Unmap(), ok
}

// parseIPv6 reads an IPv6 address without a zone. The grammar of RFC 3261 allowed a third colon before an
// embedded IPv4 address, which must be tolerated (RFC 5118 §4.10).
func parseIPv6(b []byte) (netip.Addr, bool) {
	var ip [16]byte
	at, gap := 0, -1 // bytes of ip that are set, and where among them "::" stands
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, skipThirdColon(b[2:])
	}
	for len(b) > 0 {
		group, digits := hexGroup(b)
		if at == len(ip) || digits == 0 {
			return netip.Addr{}, false
		}
		if digits < len(b) && b[digits] == '.' {
			quad, ok := parseIPv4(b)
			if !ok || at > len(ip)-4 {
				return netip.Addr{}, false
			}
			four := quad.As4()
			at += copy(ip[at:], four[:])
			break
		}
		ip[at], ip[at+1] = byte(group>>8), byte(group)
		at += 2
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = at, skipThirdColon(b[1:])
		}
	}
	if (gap < 0) != (at == len(ip)) {
		return netip.Addr{}, false
	}
	if gap >= 0 { // what follows the "::" stands at the end
		copy(ip[len(ip)-(at-gap):], ip[gap:at])
		clear(ip[gap : len(ip)-(at-gap)])
	}
	return netip.AddrFrom16(ip), true
}

// skipThirdColon skips a colon that stands before an IPv4 address.
func skipThirdColon(b []byte) []byte {
	if len(b) > 0 && b[0] == ':' {
		if _, ok := parseIPv4(b[1:]); ok {
			return b[1:]
		}
	}
	return b
}

// hexGroup reads up to four hexadecimal digits.
func hexGroup(b []byte) (v, digits int) {
	for digits < len(b) && digits < 4 {
		d, ok := hexDigit(b[digits])
		if !ok {
			break
		}
		v = v<<4 | int(d)
		digits++
	}
	return v, digits
}

// parseIPv4 reads a dotted quad. Leading zeros are not taken: some would read them as octal.
func parseIPv4(b []byte) (netip.Addr, bool) {
	var quad [4]byte
	part, digits, v := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '.' {
			if digits == 0 || part > 3 {
				return netip.Addr{}, false
			}
			quad[part] = byte(v)
			part, digits, v = part+1, 0, 0
			continue
		}
		if b[i] < '0' || b[i] > '9' || digits > 0 && v == 0 {
			return netip.Addr{}, false
		}
		if v = v*10 + int(b[i]-'0'); v > 255 {
			return netip.Addr{}, false
		}
		digits++
	}
	return netip.AddrFrom4(quad), part == 4
}
