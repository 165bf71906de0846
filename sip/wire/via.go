package wire

import (
	"bytes"
	"net/netip"
)

// Via is the reading of one Via value (RFC 3261 §20.42). Its slices share the memory it was read from.
type Via struct {
	Raw       []byte // the value without surrounding white space
	Transport []byte // as written: "UDP", "tcp"
	SentBy    []byte // host and port as written
	Host      []byte // without brackets for IPv6
	Branch    []byte // empty if there is none
	Received  []byte
	Params    []byte
	Port      uint16 // 0 if none was written
	RPort     []byte // value of rport, empty if without
	HasRPort  bool   // RFC 3581
}

// ParseVia reads one Via value; b must hold no other (see NextValue). Protocol and version may be any: a
// request of another version must be answered along its Via (505), and a Via below the topmost is
// not for us to understand.
func ParseVia(b []byte) (v Via, ok bool) {
	v.Raw = trim(b)
	protocol, params := cut(v.Raw, ';')
	v.Params = params
	// "SIP / 2.0 / UDP host : port": white space is allowed around the slashes and the colon.
	name, rest, ok1 := cutToken(protocol, '/')
	ver, rest, ok2 := cutToken(rest, '/')
	if !ok1 || !ok2 || !isToken(name) || !isToken(ver) {
		return v, false
	}
	rest = trimLeft(rest)
	i := blank.index(rest)
	if i < 1 || !isToken(rest[:i]) {
		return v, false
	}
	v.Transport = rest[:i]
	v.SentBy = trim(rest[i:])
	if v.Host, v.Port, ok = parseSentBy(v.SentBy); !ok {
		return v, false
	}
	for p := params; len(p) > 0; {
		var one []byte
		one, p = nextParam(p)
		key, val := cut(one, '=')
		key = trim(key)
		if len(val) > 0 {
			val = trim(val[1:])
		}
		switch {
		case EqualFold(key, "branch"):
			v.Branch = val
		case EqualFold(key, "received"):
			v.Received = val
		case EqualFold(key, "rport"):
			v.RPort, v.HasRPort = val, true
		}
	}
	return v, true
}

// cutToken splits b at the first sep and trims what stands before it.
func cutToken(b []byte, sep byte) (token, rest []byte, ok bool) {
	i := bytes.IndexByte(b, sep)
	if i < 0 {
		return nil, nil, false
	}
	return trim(b[:i]), b[i+1:], true
}

// parseSentBy reads a sent-by, in which white space may surround the colon.
func parseSentBy(b []byte) ([]byte, uint16, bool) {
	if blank.in(b) {
		host, port, found := cutToken(b, ':')
		if !found || bytes.IndexByte(b, '[') >= 0 || !isHostname(host) {
			return nil, 0, false
		}
		n, ok := Uint(trim(port))
		return host, uint16(n), ok && n > 0 && n <= 65535
	}
	return parseHostPort(b)
}

// Cookie starts every branch of an RFC 3261 client (§8.1.1.7).
const Cookie = "z9hG4bK"

// HasCookie reports whether the branch identifies the transaction by itself.
func (v *Via) HasCookie() bool {
	return len(v.Branch) > len(Cookie) && string(v.Branch[:len(Cookie)]) == Cookie
}

// ResponseAddr is where a response to a request with this topmost Via goes when it came from peer
// over an unreliable transport (RFC 3261 §18.2.2, RFC 3581 §4): to where it came from if the client
// asked for that, else to its address and the port it names. maddr is not honoured: it would let a
// peer point our answers at anyone.
func (v *Via) ResponseAddr(peer netip.AddrPort) netip.AddrPort {
	if v.HasRPort {
		return peer
	}
	port := v.Port
	if port == 0 {
		port = DefaultPort
	}
	return netip.AddrPortFrom(peer.Addr(), port)
}

// The SIP ports where none is named (RFC 3261 §19.1.2).
const (
	DefaultPort    = 5060
	DefaultPortTLS = 5061
)

// AppendStamp appends the Via as its receiver passes it on: with the rport value that was asked for,
// and with received when the sender's address is not the one in the Via (RFC 3261 §18.2.1, RFC 3581
// §4). A received that the sender wrote itself is left out.
func (v *Via) AppendStamp(dst []byte, peer netip.AddrPort) []byte {
	dst = append(dst, trimRight(v.Raw[:len(v.Raw)-len(v.Params)])...)
	for p := v.Params; len(p) > 0; {
		one, rest := nextParam(p)
		name, _ := cut(one, '=')
		switch name = trim(name); {
		case EqualFold(name, "received"):
		case EqualFold(name, "rport"):
			dst = append(dst, ";rport="...)
			dst = AppendUint(dst, uint64(peer.Port()))
		default:
			dst = append(dst, p[:len(p)-len(rest)]...)
		}
		p = rest
	}
	if addr, ok := HostAddr(v.Host); v.HasRPort || !ok || addr != peer.Addr() {
		dst = append(dst, ";received="...)
		dst = peer.Addr().AppendTo(dst)
	}
	return dst
}
