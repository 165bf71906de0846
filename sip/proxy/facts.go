package proxy

import (
	"bytes"

	"ringfence/call"
	"ringfence/sip/wire"
)

// texts gathers the strings of one record, so that they take one allocation together.
type texts struct {
	buf  []byte
	refs []textRef
}

type textRef struct {
	dst        *string
	start, end int
}

func (t *texts) reset() { t.buf, t.refs = t.buf[:0], t.refs[:0] }

// add has *dst set to b, of which at most call.MaxRaw bytes are kept.
func (t *texts) add(dst *string, b []byte) {
	t.buf = append(t.buf, b[:min(len(b), call.MaxRaw)]...)
	t.end(dst, len(t.buf)-min(len(b), call.MaxRaw))
}

// end has *dst set to what was appended to buf since start.
func (t *texts) end(dst *string, start int) {
	if len(t.buf) > start {
		t.refs = append(t.refs, textRef{dst, start, len(t.buf)})
	}
}

// finish sets all the strings.
func (t *texts) finish() {
	all := string(t.buf)
	for _, r := range t.refs {
		*r.dst = all[r.start:r.end]
	}
}

// pbxName stands for the trunk in the records of calls that come from the PBX.
const pbxName = "pbx"

// readFacts reads all that screening looks at from the INVITE at hand into f.
func (c *Core) readFacts(in *ingress, f *call.Facts) {
	m := &c.msg
	f.Time = c.now.UTC()
	f.Peer = in.flow.Peer
	f.Transport = in.flow.Protocol.String()
	plan, trusted := &c.cfg.Plan, true
	if t := in.from.trunk; t != nil {
		f.Trunk, f.Class, plan, trusted = t.Name, t.Class, &t.Plan, t.Trusted
	} else {
		f.Trunk, f.Class = pbxName, call.ClassInternal
	}
	f.Format = plan.Format

	t := &c.texts
	t.reset()
	t.add(&f.CallID, m.Value(wire.HeaderCallID))
	t.add(&f.RawFrom, m.Value(wire.HeaderFrom))
	t.add(&f.RawAsserted, m.Value(wire.HeaderAsserted))
	t.add(&f.RawIdentity, m.Value(wire.HeaderIdentity))
	t.add(&f.UserAgent, m.Value(wire.HeaderUserAgent))
	t.party(&f.From, plan, m.Value(wire.HeaderFrom))
	c.readAsserted(f, plan)
	c.readForwarder(f, plan)
	if uri, ok := m.RequestURI(); ok {
		t.user(&f.Called, plan, uri)
		f.Emergency = isSOS(uri)
	}
	t.finish()

	f.Caller, f.Identity = f.From, call.IdentityFrom
	if trusted && f.Asserted.Text != "" {
		f.Caller, f.Identity = f.Asserted, call.IdentityAsserted
	}
	f.PSAPCallback = trusted && wire.EqualFold(m.Value(wire.HeaderPriority), "psap-callback")
	f.Private = f.From.Form == call.FormNone || hasPrivacy(m.Value(wire.HeaderPrivacy))
	if m.Body.End > m.Body.Start {
		f.Media.Audio, f.Media.Video = wire.OfferedMedia(m.Bytes(m.Body))
		f.Media.Offered = f.Media.Audio || f.Media.Video
	}
}

// readAsserted reads P-Asserted-Identity: of its up to two values (RFC 3325 §9.1) the first that is
// a number.
func (c *Core) readAsserted(f *call.Facts, plan *call.Plan) {
	values := c.msg.Values(wire.HeaderAsserted)
	for range 2 {
		value, ok := values.Next()
		if !ok || !f.Asserted.Number.IsZero() {
			return
		}
		c.texts.party(&f.Asserted, plan, c.msg.Bytes(value.Span))
	}
}

// readForwarder reads who forwarded the call last: the topmost Diversion (RFC 5806 §4), else the
// entry of History-Info before the last, which is the target before the current one (RFC 7044).
func (c *Core) readForwarder(f *call.Facts, plan *call.Plan) {
	m := &c.msg
	diversions := m.Values(wire.HeaderDiversion)
	if value, ok := diversions.Next(); ok {
		c.texts.party(&f.Diverted, plan, m.Bytes(value.Span))
		return
	}
	entries := m.Values(wire.HeaderHistoryInfo)
	var previous, last wire.Value
	n := 0
	for value, ok := entries.Next(); ok; value, ok = entries.Next() {
		previous, last = last, value
		n++
	}
	if n > 1 {
		c.texts.party(&f.Diverted, plan, m.Bytes(previous.Span))
	}
}

// party reads a header value that names a party.
func (t *texts) party(p *call.Party, plan *call.Plan, value []byte) {
	addr, ok := wire.ParseNameAddr(value)
	if !ok {
		return
	}
	start := len(t.buf)
	t.buf = addr.AppendDisplay(t.buf)
	t.end(&p.Display, start)
	if uri, ok := wire.ParseURI(addr.URI); ok {
		t.user(p, plan, &uri)
	}
}

// user reads the user part of a URI: percent-encoding is undone, since a number may hide in it, and
// the parameters of the number are left out.
func (t *texts) user(p *call.Party, plan *call.Plan, uri *wire.URI) {
	if bytes.Equal(uri.Host, anonymousHost) {
		return
	}
	start := len(t.buf)
	t.buf = wire.AppendUnescaped(t.buf, uri.User)
	if i := bytes.IndexByte(t.buf[start:], ';'); i >= 0 {
		t.buf = t.buf[:start+i]
	}
	text := t.buf[start:]
	for _, word := range anonymousUsers {
		if wire.EqualFold(text, word) {
			t.end(&p.Text, start)
			p.Number, p.Form = 0, call.FormNone
			return
		}
	}
	p.Number, p.Form = plan.Read(string(text))
	t.end(&p.Text, start)
}

// What callers without an identity are called (RFC 3323 §4.1, and custom).
var (
	anonymousHost  = []byte("anonymous.invalid")
	anonymousUsers = [...]string{"anonymous", "unavailable", "restricted", "unknown", "private"}
)

// hasPrivacy reports whether a Privacy header asks for any privacy (RFC 3323 §4.2).
func hasPrivacy(value []byte) bool { return len(value) > 0 && !wire.EqualFold(value, "none") }

// isSOS reports whether a URI is an emergency service (RFC 5031).
func isSOS(uri *wire.URI) bool {
	const sos = "service:sos"
	if uri.Scheme != wire.SchemeURN || len(uri.User) < len(sos) {
		return false
	}
	rest := uri.User[len(sos):]
	return wire.EqualFold(uri.User[:len(sos)], sos) && (len(rest) == 0 || rest[0] == '.')
}
