package proxy

import (
	"bytes"
	"net/netip"

	"github.com/dchest/siphash"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// forwarding is what a request is sent on with.
type forwarding struct {
	source netip.AddrPort // where it came from
	from   *peer
	flow   transport.Flow // where it goes
	branch uint64         // of our Via
	uri    []byte         // the Request-URI to send
}

// forward writes the request m, with the edits already made in c.edits and those that every
// forwarded request gets (RFC 3261 §16.6), to c.scratch. Insertions the caller made right behind the
// start line come before the Via.
func (c *Core) forward(m *wire.Message, f *forwarding) []byte {
	c.stampVia(m, f.source)
	c.pushVia(m, f)
	if !bytes.Equal(f.uri, m.Bytes(m.URI)) {
		c.edits.Replace(m.URI, f.uri)
	}
	c.countDown(m)
	c.guard(m, f.from, f.flow.Peer)
	if f.from.agent {
		c.nameContacts(m, &f.flow, isSIPS(f.uri))
	}
	c.frame(m, &f.flow)
	c.scratch = c.edits.Apply(c.scratch[:0], m)
	return c.scratch
}

// stampVia notes in the topmost Via where the request came from (§18.2.1, RFC 3581).
func (c *Core) stampVia(m *wire.Message, source netip.AddrPort) {
	via, ok := m.Via()
	if !ok {
		return
	}
	vias := m.Values(wire.HeaderVia)
	value, _ := vias.Next()
	c.piece = via.AppendStamp(c.piece[:0], source)
	if !bytes.Equal(c.piece, via.Raw) {
		c.edits.Replace(m.Trimmed(value.Span), c.piece)
	}
}

// pushVia puts our Via on top (§16.6 step 8).
func (c *Core) pushVia(m *wire.Message, f *forwarding) {
	c.piece = c.appendVia(c.piece[:0], &f.flow, f.branch, c.loopHash(m))
	c.edits.Insert(m.StartLine.End, c.piece)
}

// branchPrefix starts every branch of ours: the cookie of RFC 3261 and two letters.
const branchPrefix = wire.Cookie + "rf"

// viaStarts begin our Via lines, by protocol.
var viaStarts = [...]string{
	transport.UDP: "Via: SIP/2.0/UDP ", transport.TCP: "Via: SIP/2.0/TCP ", transport.TLS: "Via: SIP/2.0/TLS ",
}

// appendVia appends a Via line of ours. The branch names the client transaction, so that a response
// finds it at once, and ends in a hash by which a loop is told from a spiral (RFC 5393 §4.2).
func (c *Core) appendVia(dst []byte, flow *transport.Flow, branch, loop uint64) []byte {
	dst = append(dst, viaStarts[flow.Protocol]...)
	dst = c.listener(flow).appendHostPort(dst)
	dst = append(dst, ";branch="+branchPrefix...)
	dst = appendHex(dst, branch)
	dst = appendHex(dst, loop)
	if !flow.Protocol.Reliable() {
		dst = append(dst, ";rport"...)
	}
	return append(dst, "\r\n"...)
}

// parseBranch reads the two words of a branch of ours.
func parseBranch(branch []byte) (transaction, loop uint64, ok bool) {
	if len(branch) != len(branchPrefix)+2*tokenLen || string(branch[:len(branchPrefix)]) != branchPrefix {
		return 0, 0, false
	}
	branch = branch[len(branchPrefix):]
	transaction, ok1 := parseHex(branch[:tokenLen])
	loop, ok2 := parseHex(branch[tokenLen:])
	return transaction, loop, ok1 && ok2
}

// loopHash is a hash of all that decides where the request m goes: a request that comes back with
// the same is in a loop, one that comes back with another spirals (§16.3 step 4).
func (c *Core) loopHash(m *wire.Message) uint64 {
	k := append(c.keyText[:0], m.Bytes(m.URI)...)
	k = append(k, 0)
	k = append(k, m.Value(wire.HeaderCallID)...)
	k = append(k, 0)
	k = append(k, m.Value(wire.HeaderCSeq)...)
	k = append(append(k, 0), m.FromTag()...)
	k = append(append(k, 0), m.ToTag()...)
	if m.Count(wire.HeaderRoute) > 0 {
		for _, h := range m.Headers() {
			if h.ID == wire.HeaderRoute {
				k = append(append(k, 0), m.Bytes(h.Value)...)
			}
		}
	}
	c.keyText = k
	return siphash.Hash(c.tableKey[0], c.tableKey[1], k)
}

// looped reports whether the request m has been here before and would go the same way again.
func (c *Core) looped(m *wire.Message) bool {
	vias := m.Values(wire.HeaderVia)
	for {
		value, ok := vias.Next()
		if !ok {
			return false
		}
		via, ok := wire.ParseVia(m.Bytes(value.Span))
		if !ok {
			continue
		}
		if _, loop, ok := parseBranch(via.Branch); ok && loop == c.loopHash(m) {
			return true
		}
	}
}

// countDown takes one from Max-Forwards, or adds the header (§16.6 step 3).
func (c *Core) countDown(m *wire.Message) {
	h, ok := m.First(wire.HeaderMaxForwards)
	if !ok {
		c.edits.Insert(m.StartLine.End, []byte("Max-Forwards: 70\r\n"))
		return
	}
	hops, _ := wire.Uint(m.Bytes(h.Value))
	c.piece = wire.AppendUint(c.piece[:0], uint64(max(hops, 1)-1))
	c.edits.Replace(h.Value, c.piece)
}

// guard takes out of a message what must not cross the border between the trunks and the PBX.
func (c *Core) guard(m *wire.Message, from *peer, to netip.AddrPort) {
	// Only we speak of verdicts, and only to the PBX, whose copies of them stay inside.
	if !from.agent || !c.isPBX(to) {
		c.removeLines(m, wire.HeaderRingfence)
	}
	if from.trunk != nil {
		// An identity is asserted only by those we trust (RFC 3325 §5).
		if !from.trunk.Trusted {
			c.removeLines(m, wire.HeaderAsserted)
		}
		return
	}
	if m.Count(wire.HeaderAsserted) == 0 || to == AgentAddr || !privateID(m) {
		return
	}
	// To a trunk that is not of our trust domain no identity goes which its owner keeps private
	// (RFC 3325 §7).
	if p := c.peers.Load().find(to); p == nil || p.trunk != nil && !p.trunk.Trusted {
		c.removeLines(m, wire.HeaderAsserted)
	}
}

func (c *Core) removeLines(m *wire.Message, id wire.HeaderID) {
	if m.Count(id) == 0 {
		return
	}
	for _, h := range m.Headers() {
		if h.ID == id {
			c.edits.Remove(h.Line)
		}
	}
}

// privateID reports whether the Privacy header asks that the asserted identity be withheld.
func privateID(m *wire.Message) bool {
	for _, priv := range bytes.FieldsFunc(m.Value(wire.HeaderPrivacy), func(r rune) bool { return r == ';' || r == ' ' || r == ',' }) {
		if wire.EqualFold(priv, "id") {
			return true
		}
	}
	return false
}

// frame adds the Content-Length that a stream needs and a datagram may lack (§18.3).
func (c *Core) frame(m *wire.Message, flow *transport.Flow) {
	if flow.Protocol.Reliable() && m.Count(wire.HeaderContentLength) == 0 {
		c.piece = append(c.piece[:0], "Content-Length: "...)
		c.piece = wire.AppendUint(c.piece, uint64(m.Body.End-m.Body.Start))
		c.piece = append(c.piece, "\r\n"...)
		c.edits.Insert(m.StartLine.End, c.piece)
	}
}
