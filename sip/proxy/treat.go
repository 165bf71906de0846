package proxy

import (
	"ringfence/call"
	"ringfence/sip/redress"
	"ringfence/sip/wire"
)

// treat makes the edits that a verdict asks of a call on its way to target t.
func (c *Core) treat(s *server, m *wire.Message, t *target) {
	if s.from.agent {
		if t == s.divert {
			c.noteDiversion(m, t)
		}
		return
	}
	switch v := s.record.Verdict.Treatment.(type) {
	case call.Label:
		s.labelled = true
		c.label(m, v.Prefix, v.HideName)
		c.announceVerdict(m, s.record)
	case call.Divert:
		c.announceVerdict(m, s.record)
		if t == s.divert {
			c.noteDiversion(m, t)
		}
	case call.Warn: // untreated
		if v.Prefix != "" || v.HideName {
			s.labelled = true
			c.label(m, v.Prefix, v.HideName)
		}
		c.announceVerdict(m, s.record)
	case call.Announce, call.Challenge: // untreated
		c.announceVerdict(m, s.record)
	}
}

// label puts the prefix before the display name in From and P-Asserted-Identity, where telephones
// show it; or before the number, where the name is to be hidden. The number is never touched: no device may
// alter it.
func (c *Core) label(m *wire.Message, prefix string, hideName bool) {
	for _, h := range m.Headers() {
		if h.ID != wire.HeaderFrom && h.ID != wire.HeaderAsserted {
			continue
		}
		value, _, _ := wire.NextValue(m.Bytes(h.Value)) // of two asserted identities the first is shown
		addr, ok := wire.ParseNameAddr(value)
		if !ok {
			continue
		}
		b := append(c.piece[:0], '"')
		b = appendQuoted(b, []byte(prefix))
		c.nameText = c.nameText[:0]
		if !hideName {
			c.nameText = addr.AppendDisplay(c.nameText)
		}
		if len(c.nameText) == 0 {
			if uri, ok := wire.ParseURI(addr.URI); ok {
				c.nameText = append(c.nameText, uri.User...)
			}
		}
		b = appendQuoted(b, c.nameText)
		b = append(b, `" <`...)
		b = append(b, addr.URI...)
		b = append(b, '>')
		b = append(b, addr.Params...)
		c.piece = b
		c.edits.Replace(wire.Span{Start: h.Value.Start, End: h.Value.Start + uint16(len(value))}, b)
	}
}

// appendQuoted appends text for use inside a quoted string (RFC 3261 §25.1).
func appendQuoted(dst, text []byte) []byte {
	for _, ch := range text {
		switch {
		case ch == '"' || ch == '\\':
			dst = append(dst, '\\', ch)
		case ch == '\r' || ch == '\n' || ch == 0: // of a folded line: a blank
			dst = append(dst, ' ')
		default:
			dst = append(dst, ch)
		}
	}
	return dst
}

// announceVerdict tells the PBX what was found, in a header that its dial plan can act on.
func (c *Core) announceVerdict(m *wire.Message, r *call.Record) {
	b := append(c.piece[:0], "X-Ringfence: verdict="...)
	b = append(b, r.Verdict.Treatment.Name()...)
	b = append(append(b, ";rule="...), r.Verdict.Rule...)
	b = append(append(b, ";reason="...), r.Verdict.Reason...)
	if r.Verdict.Category != call.CategoryNone {
		b = append(append(b, ";category="...), r.Verdict.Category...)
	}
	b = wire.AppendUint(append(b, ";score="...), uint64(max(r.Verdict.Score, 0)))
	b = append(append(b, ";ref="...), r.Reference...)
	b = append(b, "\r\n"...)
	c.piece = b
	c.edits.Insert(m.StartLine.End, b)
}

// noteDiversion says for whom the call was before it was diverted: Diversion (RFC 5806), for PBXs of
// the field, and History-Info (RFC 7044). The original target is what the Request-URI named.
func (c *Core) noteDiversion(m *wire.Message, t *target) {
	original := m.Bytes(m.URI)
	b := append(c.piece[:0], "Diversion: <"...)
	b = append(b, original...)
	b = append(b, ">;reason=unconditional;counter=1\r\n"...)
	index, entries := lastIndex(m)
	if entries == 0 {
		b = append(b, "History-Info: <"...)
		b = append(b, original...)
		b = append(b, ">;index=1\r\n"...)
		index = []byte("1")
	}
	c.piece = b
	c.edits.Insert(m.StartLine.End, b)

	uri, _ := wire.ParseURI(original)
	b = append(c.piece[:0], "History-Info: <"...)
	b = append(b, c.retarget(&uri, t)...)
	b = append(b, ";cause=302>;index="...) // RFC 4458: unconditional
	b = append(b, index...)
	b = append(append(b, ".1;mp="...), index...)
	b = append(b, "\r\n"...)
	c.piece = b
	c.edits.Insert(endOf(m, wire.HeaderHistoryInfo), b)
}

// lastIndex is the index of the last History-Info entry, and how many entries there are.
func lastIndex(m *wire.Message) (index []byte, entries int) {
	values := m.Values(wire.HeaderHistoryInfo)
	for value, ok := values.Next(); ok; value, ok = values.Next() {
		entries++
		if addr, ok := wire.ParseNameAddr(m.Bytes(value.Span)); ok {
			index, _ = wire.Param(addr.Params, "index")
		}
	}
	return index, entries
}

// diversionLoop reports whether the call was already sent to t: a target that sends it back would
// get it for ever.
func (c *Core) diversionLoop(m *wire.Message, t *target) bool {
	values := m.Values(wire.HeaderHistoryInfo)
	for value, ok := values.Next(); ok; value, ok = values.Next() {
		addr, ok := wire.ParseNameAddr(m.Bytes(value.Span))
		if !ok {
			continue
		}
		uri, ok := wire.ParseURI(addr.URI)
		if ok && t.User != "" && string(uri.User) == t.User && wire.EqualFold(uri.Host, t.Host) {
			return true
		}
	}
	return countValues(m, wire.HeaderDiversion) >= maxDiversions
}

// maxDiversions is how often a call may have been forwarded before it is not diverted any more.
const maxDiversions = 5

// refuse answers the call m with the final response of a refusal and what the caller may do about it. Which rule fired
// is not told: a fraudster would learn from it.
func (c *Core) refuse(s *server, m *wire.Message, verdict call.Refuse) {
	c.piece = c.cfg.Redress.AppendHeaders(c.piece[:0], verdict.Class, s.record.Reference)
	c.conclude(s, m, verdict.Class.Status(), redress.Phrase(verdict.Class), c.piece, call.EndedByGateway)
}

// refuseForNow answers the call m with 503: it is the gateway or the PBX that cannot take it.
func (c *Core) refuseForNow(s *server, m *wire.Message, cause call.Reason) {
	s.record.Outcome.Cause = cause
	c.conclude(s, m, 503, "", retryAfter, call.EndedByGateway)
}

// fail ends a transaction from what was stored of its request.
func (c *Core) fail(s *server, status int, how call.Ender) {
	if c.stored.Parse(s.request) != nil {
		c.freeServer(s)
		return
	}
	c.conclude(s, &c.stored, status, "", nil, how)
}

// conclude sends a final response of our own to the request m of a transaction, and records the
// outcome of a new call.
func (c *Core) conclude(s *server, m *wire.Message, status int, phrase string, extra []byte, how call.Ender) {
	if s.state != serverProceeding {
		return
	}
	if phrase == "" {
		phrase = wire.Phrase(status)
	}
	var tag [tokenLen]byte
	c.scratch = m.AppendResponse(c.scratch[:0], status, phrase, c.appendTag(tag[:0], s.key), s.source)
	c.scratch = append(c.scratch, extra...)
	c.scratch = appendWay(c.scratch, s)
	c.scratch = wire.AppendEnd(c.scratch)
	c.stats.Answered[status/100]++
	c.finish(s, status, how)
	c.reply(s, status, c.scratch)
}

// finish hands the record of a new call over, with its outcome, at the first final response.
func (c *Core) finish(s *server, status int, how call.Ender) {
	c.recall(s)
	r := s.record
	if r == nil || s.from.agent {
		return
	}
	s.record = nil
	r.Outcome.Status, r.Outcome.By, r.Outcome.Attempts = status, how, len(s.attempts)
	r.Outcome.Elapsed = c.now.Sub(r.Facts.Time)
	c.recorder.Append(r)
}

// endOf is where a line goes that must come after the lines of a header, or after the start line.
func endOf(m *wire.Message, id wire.HeaderID) uint16 {
	end := m.StartLine.End
	for _, h := range m.Headers() {
		if h.ID == id {
			end = h.Line.End
		}
	}
	return end
}
