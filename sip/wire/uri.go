package wire

import (
	"bytes"
	"net/netip"
)

// Scheme is the scheme of a URI.
type Scheme uint8

// The schemes.
const (
	SchemeOther Scheme = iota
	SchemeSIP
	SchemeSIPS
	SchemeTel
	SchemeURN
)

// URI is the reading of a SIP, SIPS or tel URI (RFC 3261 §19.1, RFC 3966). Its slices share the
// memory it was read from.
type URI struct {
	Raw     []byte // as read
	Scheme  Scheme
	User    []byte // user part without password; of a tel URI the number; of a URN what follows "urn:"
	Host    []byte // without brackets for IPv6
	HostRaw []byte // host and port as written
	Params  []byte // from the first ";", or empty
	Headers []byte // from "?", or empty
	Port    uint16 // 0 if none was written
}

// ParseURI reads a URI. ok is false if it is malformed; the scheme is then set as far as it could
// be read, so that an unknown scheme (416) can be told from a bad URI (400).
func ParseURI(b []byte) (u URI, ok bool) {
	u.Raw = b
	colon := bytes.IndexByte(b, ':')
	if colon < 1 {
		return u, false
	}
	rest := b[colon+1:]
	switch scheme := b[:colon]; {
	case EqualFold(scheme, "sip"):
		u.Scheme = SchemeSIP
	case EqualFold(scheme, "sips"):
		u.Scheme = SchemeSIPS
	case EqualFold(scheme, "tel"):
		u.Scheme = SchemeTel
		u.User, u.Params = cut(rest, ';')
		return u, len(u.User) > 0
	case EqualFold(scheme, "urn"):
		u.Scheme = SchemeURN
		u.User = rest
		return u, len(rest) > 0
	default:
		return u, isScheme(scheme)
	}
	if notInURI.in(rest) {
		return u, false
	}
	// A user part may hold ";" and "?", so it is cut off first; a host has no "@".
	if at := bytes.IndexByte(rest, '@'); at >= 0 {
		u.User, rest = rest[:at], rest[at+1:]
		u.User, _ = cut(u.User, ':') // a password is of no use to anyone
		if len(u.User) == 0 {
			return u, false
		}
	}
	rest, u.Headers = cut(rest, '?')
	u.HostRaw, u.Params = cut(rest, ';')
	u.Host, u.Port, ok = parseHostPort(u.HostRaw)
	return u, ok
}

// isScheme reports whether b has the form of a URI scheme (RFC 3986 §3.1).
func isScheme(b []byte) bool {
	for i, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(b) > 0
}

// cut splits b before the first sep, which stays with the second part.
func cut(b []byte, sep byte) (before, after []byte) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i:i], b[i:]
	}
	return b, nil
}

// parseHostPort reads "host", "host:port" or "[IPv6]:port".
func parseHostPort(b []byte) (host []byte, port uint16, ok bool) {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return nil, 0, false
		}
		host, b = b[1:end], b[end+1:]
		if _, ok := parseIPv6(host); !ok {
			return nil, 0, false
		}
	} else {
		host, b = cut(b, ':')
		if !isHostname(host) {
			return nil, 0, false
		}
	}
	if len(b) == 0 {
		return host, 0, true
	}
	n, ok := Uint(b[1:])
	if b[0] != ':' || !ok || n == 0 || n > 65535 {
		return nil, 0, false
	}
	return host, uint16(n), true
}

// isHostname reports whether b may be a domain name or IPv4 address. Underscores are not of the
// grammar, but names in the field have them.
func isHostname(b []byte) bool {
	return len(b) <= 255 && hostname.all(b)
}

// Param looks a parameter up in a ";name=value;name" list. The value is empty, not nil, for a
// parameter without one; name must be in lower case.
func Param(params []byte, name string) (value []byte, ok bool) {
	for len(params) > 0 {
		var p []byte
		p, params = nextParam(params)
		key, val := cut(p, '=')
		if EqualFold(trim(key), name) {
			if len(val) == 0 {
				return val, true
			}
			return trim(val[1:]), true
		}
	}
	return nil, false
}

// nextParam takes the first parameter of a list that begins with ";", minding quoted strings.
func nextParam(params []byte) (p, rest []byte) {
	if params[0] == ';' {
		params = params[1:]
	}
	if bytes.IndexByte(params, '"') < 0 {
		p, rest = cut(params, ';')
		return p, rest
	}
	for i := 0; i < len(params); i++ {
		switch params[i] {
		case ';':
			return params[:i], params[i:]
		case '"':
			i += quotedLen(params[i:]) - 1
		}
	}
	return params, nil
}

// quotedLen is the length of the quoted string that b begins with, all of b if it does not end.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// Addr returns the host as an IP address; ok is false for a domain name.
func (u *URI) Addr() (netip.Addr, bool) { return HostAddr(u.Host) }

// AppendUnescaped appends b with its percent-encoded characters decoded (RFC 3261 §19.1.2); a "%"
// that begins no such triplet stays.
func AppendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			hi, ok1 := hexDigit(b[i+1])
			lo, ok2 := hexDigit(b[i+2])
			if ok1 && ok2 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
