package proxy

import (
	"bytes"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// fault is why a request is refused before it is looked at any further.
type fault struct {
	status int // 0: there is none
	phrase string
	extra  []byte // header lines of the answer
}

// single lists the headers a request must have once, or may have at most once. Of two of them the
// next element might believe the one that was not screened.
var single = [...]struct {
	id       wire.HeaderID
	required bool
	missing  string
	twice    string
}{
	{wire.HeaderFrom, true, "Missing From", "Duplicate From"},
	{wire.HeaderTo, true, "Missing To", "Duplicate To"},
	{wire.HeaderCallID, true, "Missing Call-ID", "Duplicate Call-ID"},
	{wire.HeaderCSeq, true, "Missing CSeq", "Duplicate CSeq"},
	{wire.HeaderMaxForwards, false, "", "Duplicate Max-Forwards"},
	{wire.HeaderContentLength, false, "", "Duplicate Content-Length"},
	{wire.HeaderContentType, false, "", "Duplicate Content-Type"},
	{wire.HeaderPriority, false, "", "Duplicate Priority"},
	{wire.HeaderExpires, false, "", "Duplicate Expires"},
	{wire.HeaderMaxBreadth, false, "", "Duplicate Max-Breadth"},
}

// maxHeaders bounds the header lines of a request: with those that are added to it, what was sent on must
// still be readable when it is cancelled or acknowledged.
const maxHeaders = wire.MaxHeaders - 8

// validate checks a request as RFC 3261 §16.3 asks of a proxy, and §8.2 where an answer of our own
// depends on it.
func (c *Core) validate(m *wire.Message, protocol transport.Protocol) fault {
	if m.BadVersion {
		return fault{status: 505}
	}
	if m.Defect != "" {
		return fault{status: 400, phrase: m.Defect}
	}
	if len(m.Headers()) > maxHeaders {
		return fault{status: 400, phrase: "Too many headers"}
	}
	if f := validateHeaders(m); f.status != 0 {
		return f
	}
	if protocol.Reliable() && m.Count(wire.HeaderContentType) > 0 && m.Count(wire.HeaderContentLength) == 0 {
		return fault{status: 400, phrase: "Missing Content-Length"} // there is a body, lost in the stream (§20.14)
	}
	uri, ok := m.RequestURI()
	if !ok {
		return fault{status: 400, phrase: "Malformed Request-URI"}
	}
	if uri.Scheme == wire.SchemeOther {
		return fault{status: 416}
	}
	if len(uri.Headers) > 0 { // not allowed here (§19.1.1), and not to be passed on
		return fault{status: 400, phrase: "Headers in Request-URI"}
	}
	if m.Count(wire.HeaderMaxForwards) > 0 {
		hops, ok := wire.Uint(m.Value(wire.HeaderMaxForwards))
		if !ok || hops > 255 {
			return fault{status: 400, phrase: "Malformed Max-Forwards"}
		}
		// OPTIONS that has reached its end is answered as if it were for us (§11, §16.3 step 3).
		if hops == 0 && (m.Method != wire.MethodOptions || c.toTagged()) {
			return fault{status: 483}
		}
	}
	if m.Count(wire.HeaderMaxBreadth) > 0 {
		switch breadth, ok := wire.Uint(m.Value(wire.HeaderMaxBreadth)); {
		case !ok:
			return fault{status: 400, phrase: "Malformed Max-Breadth"}
		case breadth == 0: // not even one branch is left (RFC 5393 §5.3.3)
			return fault{status: 440}
		}
	}
	return c.validateExtensions(m)
}

// validateHeaders checks the headers that every request has (§8.1.1).
func validateHeaders(m *wire.Message) fault {
	for i := range single {
		s := &single[i]
		switch n := m.Count(s.id); {
		case n > 1:
			return fault{status: 400, phrase: s.twice}
		case n == 0 && s.required:
			return fault{status: 400, phrase: s.missing}
		}
	}
	if from, ok := m.From(); !ok || !validParty(from, m.Value(wire.HeaderFrom)) {
		return fault{status: 400, phrase: "Malformed From"}
	}
	if to, ok := m.To(); !ok || !validParty(to, m.Value(wire.HeaderTo)) {
		return fault{status: 400, phrase: "Malformed To"}
	}
	if len(m.Value(wire.HeaderCallID)) == 0 {
		return fault{status: 400, phrase: "Missing Call-ID"}
	}
	_, method, ok := m.CSeq()
	if !ok {
		return fault{status: 400, phrase: "Malformed CSeq"}
	}
	if !bytes.Equal(method, m.MethodBytes()) {
		return fault{status: 400, phrase: "CSeq Method Mismatch"}
	}
	if _, ok := m.Via(); !ok {
		return fault{status: 400, phrase: "Malformed Via"}
	}
	vias := m.Values(wire.HeaderVia)
	_, _ = vias.Next()
	for value, ok := vias.Next(); ok; value, ok = vias.Next() {
		if _, ok := wire.ParseVia(m.Bytes(value.Span)); !ok {
			return fault{status: 400, phrase: "Malformed Via"}
		}
	}
	return fault{}
}

// validParty checks what From or To names: one URI. Where it stands without angle brackets, a comma may
// be part of it.
func validParty(addr *wire.NameAddr, value []byte) bool {
	if _, _, more := wire.NextValue(value); more && addr.Angle {
		return false
	}
	_, ok := wire.ParseURI(addr.URI)
	return ok
}

// validateExtensions refuses what the sender requires of proxies: this one has no extensions that
// could be required (§16.3 step 5).
func (c *Core) validateExtensions(m *wire.Message) fault {
	if m.Count(wire.HeaderProxyRequire) == 0 || m.Method == wire.MethodAck || m.Method == wire.MethodCancel {
		return fault{}
	}
	line := append([]byte(nil), "Unsupported: "...)
	values := m.Values(wire.HeaderProxyRequire)
	for first := true; ; first = false {
		value, ok := values.Next()
		if !ok {
			break
		}
		if !first {
			line = append(line, ", "...)
		}
		line = append(line, bytes.TrimSpace(m.Bytes(value.Span))...)
	}
	return fault{status: 420, extra: append(line, "\r\n"...)}
}
