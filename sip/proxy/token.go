package proxy

import (
	"github.com/dchest/siphash"
)

// A call that was passed carries, in the Record-Route the gateway inserts, a token: a keyed hash of
// its Call-ID. A request that comes back with it in a Route belongs to a call that was screened, so
// that nothing needs to be kept for an established call, and calls outlive a restart of the
// gateway. A request that claims to be inside a dialog without a token is treated as new.

const tokenParam = "rf"

const tokenLen = 16

// appendToken appends the token of a call.
func (c *Core) appendToken(dst, callID []byte) []byte {
	return appendHex(dst, siphash.Hash(c.tokenKey[0], c.tokenKey[1], callID))
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

// validToken reports whether token is the one of the call. Its value is compared as a word, which
// takes the same time whatever the difference.
func (c *Core) validToken(token, callID []byte) bool {
	got, ok := parseHex(token)
	return ok && got == siphash.Hash(c.tokenKey[0], c.tokenKey[1], callID)
}
