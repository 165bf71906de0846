package proxy

import (
	"bytes"

	"ringfence/sip/wire"
)

// routing is where a request is to go, by its Route headers and Request-URI.
type routing struct {
	proven bool     // a Route of ours came with the token of this call
	egress int      // listener it should leave by; -1 if nothing says
	target wire.URI // the Request-URI it had before any strict router
	uri    []byte   // the Request-URI to send
	hop    wire.URI // the URI the next hop is found by
	routed bool     // hop is a Route left over, not the Request-URI
}

// route does what RFC 3261 §16.4 and §16.6 step 6 ask with the request m: routes that name the gateway
// are taken off, a strict router's rewriting is undone, and if the next hop is a strict router the
// rewriting is done for it. The Route headers are edited in c.edits; the Request-URI is left to the
// caller. ok is false if a Route cannot be read.
func (c *Core) route(m *wire.Message) (r routing, ok bool) {
	r.egress = -1
	named, ok := m.RequestURI()
	if !ok {
		return r, false
	}
	r.target = *named
	first, end := 0, countValues(m, wire.HeaderRoute)
	if end > 0 && c.isRecordRoute(&r.target, m) {
		// A strict router put our Record-Route into the Request-URI, and the target last (§16.4).
		r.proven, r.egress = true, c.ours(&r.target)
		end--
		if r.target, ok = routeAt(m, end); !ok {
			return r, false
		}
	}
	r.hop = r.target
	for ; first < end; first++ {
		if r.hop, ok = routeAt(m, first); !ok {
			return r, false
		}
		listener := c.ours(&r.hop)
		if listener < 0 {
			r.routed = true
			break
		}
		// Ours; there are two when the call crosses from one listener to another (RFC 5658).
		r.egress = listener
		token, found := wire.Param(r.hop.Params, tokenParam)
		r.proven = r.proven || found && c.validToken(token, m)
		r.hop = r.target
	}
	uri := r.target.Raw
	if _, loose := wire.Param(r.hop.Params, "lr"); r.routed && !loose {
		// The next hop is a strict router: its URI becomes the Request-URI, which goes last (§16.6 step 6).
		c.edits.Insert(endOf(m, wire.HeaderRoute), []byte("Route: <"), uri, []byte(">\r\n"))
		uri = r.hop.Raw
		first++
	}
	c.edits.KeepValues(m, wire.HeaderRoute, first, end)
	r.uri = uri
	return r, true
}

// routeAt reads the Route value with this index.
func routeAt(m *wire.Message, index int) (uri wire.URI, ok bool) {
	values := m.Values(wire.HeaderRoute)
	value, ok := values.Next()
	for ; ok && index > 0; index-- {
		value, ok = values.Next()
	}
	if !ok {
		return uri, false
	}
	addr, ok := wire.ParseNameAddr(m.Bytes(value.Span))
	if !ok {
		return uri, false
	}
	return wire.ParseURI(addr.URI)
}

func countValues(m *wire.Message, id wire.HeaderID) (n int) {
	values := m.Values(id)
	for {
		if _, ok := values.Next(); !ok {
			return n
		}
		n++
	}
}

// isRecordRoute reports whether a URI is one the gateway put into the Record-Route of the call that
// the request m belongs to.
func (c *Core) isRecordRoute(uri *wire.URI, m *wire.Message) bool {
	token, ok := wire.Param(uri.Params, tokenParam)
	return ok && c.ours(uri) >= 0 && c.validToken(token, m)
}

// appendRecordRoute appends a Record-Route line that names a listener and carries the call's token.
// It is a SIPS URI for a call to one (RFC 3261 §16.6 step 4).
func (c *Core) appendRecordRoute(dst []byte, listener int, token uint64, secure bool) []byte {
	l := &c.cfg.Listeners[listener]
	dst = append(append(dst, "Record-Route: <"...), scheme(secure)...)
	dst = l.appendAddress(dst, secure)
	dst = append(dst, ";lr;"+tokenParam+"="...)
	dst = appendHex(dst, token)
	return append(dst, ">\r\n"...)
}

// appendAddress appends what stands behind the user in a URI of the gateway: host, port and transport, as
// peers see them.
func (l *Listener) appendAddress(dst []byte, secure bool) []byte {
	dst = l.appendHostPort(dst)
	if l.Protocol.Reliable() && !secure {
		dst = append(dst, ";transport="...)
		dst = append(dst, l.Protocol.String()...)
	}
	return dst
}

// scheme begins the URIs of a call, by whether it must go over TLS all the way.
func scheme(secure bool) string {
	if secure {
		return "sips:"
	}
	return "sip:"
}

// appendHostPort appends host and port as peers see them.
func (l *Listener) appendHostPort(dst []byte) []byte { return append(dst, l.sentBy...) }

// appendHostPort appends a host and, unless it is 0, a port.
func appendHostPort(dst []byte, host string, port uint16) []byte {
	if bytes.IndexByte([]byte(host), ':') >= 0 {
		dst = append(dst, '[')
		dst = append(dst, host...)
		dst = append(dst, ']')
	} else {
		dst = append(dst, host...)
	}
	if port == 0 {
		return dst
	}
	dst = append(dst, ':')
	return wire.AppendUint(dst, uint64(port))
}
