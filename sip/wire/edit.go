package wire

// maxEdits bounds the edits made to one message: two for each of its lines, and what is added to it. So
// there is always room, and no sender can have an edit left out by filling a message with headers.
const maxEdits = 2*MaxHeaders + 32

// Edits is a set of changes to a message, each a range of its bytes and what comes in its place.
// Apply writes the message with them; what no edit covers comes out byte for byte. The zero value
// is ready, and is reused after Reset without allocating.
type Edits struct {
	edits [maxEdits]edit
	n     int
	text  []byte // replacement texts, one after the other
}

type edit struct {
	span       Span
	start, end uint32 // of the replacement in text
}

// Reset forgets all edits and keeps the memory.
func (e *Edits) Reset() { e.n, e.text = 0, e.text[:0] }

// Replace begins an edit: the bytes of s are replaced by what is appended to Text until the edit is
// ended by Done. An empty span is an insertion before s.Start; insertions at one place come out in
// the order they were made, and before a replacement that starts there. An edit inside a range that
// another takes out is void; otherwise edits must not overlap.
// ok is false when there are too many.
func (e *Edits) Replace(s Span, text ...[]byte) bool {
	if e.n == maxEdits {
		return false
	}
	start := uint32(len(e.text))
	for _, t := range text {
		e.text = append(e.text, t...)
	}
	i := e.n
	for i > 0 && after(e.edits[i-1].span, s) {
		e.edits[i] = e.edits[i-1]
		i--
	}
	e.edits[i] = edit{s, start, uint32(len(e.text))}
	e.n++
	return true
}

// after reports whether an edit of a belongs behind one of b that was made later.
func after(a, b Span) bool {
	return a.Start > b.Start || a.Start == b.Start && !a.Empty() && b.Empty()
}

// Insert puts text before the byte at offset at.
func (e *Edits) Insert(at uint16, text ...[]byte) bool { return e.Replace(Span{at, at}, text...) }

// Remove takes the bytes of s out.
func (e *Edits) Remove(s Span) bool { return e.Replace(s) }

// Apply appends the message m, up to the end of its body, with the edits to dst.
func (e *Edits) Apply(dst []byte, m *Message) []byte {
	at := uint16(0)
	for i := range e.edits[:e.n] {
		ed := &e.edits[i]
		if ed.span.Start < at {
			continue // what it edits is gone
		}
		dst = append(dst, m.Raw[at:ed.span.Start]...)
		dst = append(dst, e.text[ed.start:ed.end]...)
		at = max(ed.span.End, ed.span.Start)
	}
	return append(dst, m.Raw[at:m.Body.End]...)
}

// KeepValues removes all values of a header, counted over its lines from 0, but those from first up
// to, not including, end. A line that keeps no value goes as a whole. Nothing else may edit them.
func (e *Edits) KeepValues(m *Message, id HeaderID, first, end int) bool {
	ok := true
	values := m.Values(id)
	value, more := values.Next()
	for i := 0; more; {
		line, kept, keep := value.Header, Span{}, false
		for ; more && value.Header == line; i++ {
			if i >= first && i < end {
				if !keep {
					kept.Start, keep = value.Span.Start, true
				}
				kept.End = value.Span.End
			}
			value, more = values.Next()
		}
		h := &m.headers[line]
		if !keep {
			ok = e.Remove(h.Line) && ok
			continue
		}
		if kept.Start > h.Value.Start {
			ok = e.Remove(Span{h.Value.Start, kept.Start}) && ok
		}
		if kept.End < h.Value.End {
			ok = e.Remove(Span{kept.End, h.Value.End}) && ok
		}
	}
	return ok
}

// AppendUint appends n in decimal.
func AppendUint(dst []byte, n uint64) []byte {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(dst, b[i:]...)
		}
	}
}
