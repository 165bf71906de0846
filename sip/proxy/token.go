package proxy

import (
	"github.com/dchest/siphash"

	"ringfence/sip/wire"
)

// A call that was passed carries, in the Record-Route the gateway inserts, a token: a keyed hash of
// its Call-ID and of its caller's tag. A request that comes back with it in a Route belongs to a call
// that was screened, so that nothing needs to be kept for an established call, and calls outlive a
// restart of the gateway. A request that claims to be inside a dialog without a token is treated as
// new.

const tokenParam = "rf"

const tokenLen = 16

// token is the token of a call.
func (c *Core) token(callID, callerTag []byte) uint64 {
	k := append(append(append(c.keyText[:0], callID...), 0), callerTag...)
	c.keyText = k
	return siphash.Hash(c.tokenKey[0], c.tokenKey[1], k)
}

// validToken reports whether text is the token of the call that the request m belongs to. The caller's
// tag is in From when the caller sends the request, and in To when the other side does. Tokens are
// compared as words, which takes the same time whatever the difference.
func (c *Core) validToken(text []byte, m *wire.Message) bool {
	got, ok := parseHex(text)
	if !ok {
		return false
	}
	callID := m.Value(wire.HeaderCallID)
	for _, tag := range [...][]byte{m.FromTag(), m.ToTag()} {
		if len(tag) > 0 && got == c.token(callID, tag) {
			return true
		}
	}
	return false
}

// appendHex appends v as 16 hexadecimal digits.
func appendHex(dst []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// parseHex reads what appendHex wrote.
func parseHex(b []byte) (v uint64, ok bool) {
	if len(b) != tokenLen {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
