package wire

// Value is one of the values of a header that may be given as a list or on several lines.
type Value struct {
	Span   Span // where the value stands, with the white space around it
	Header int  // index of its line in Headers
}

// Values iterates over the values of every header with one ID, in order.
type Values struct {
	m    *Message
	id   HeaderID
	line int // index of the line being read
	at   int // place in it, 0 before its first value
}

// Values begins an iteration over the values of every header line with this ID.
func (m *Message) Values(id HeaderID) Values { return Values{m: m, id: id} }

// Next returns the next value; ok is false when there are no more.
func (v *Values) Next() (value Value, ok bool) {
	if v.m.first[v.id] == 0 {
		return Value{}, false
	}
	for v.line = max(v.line, int(v.m.first[v.id])-1); v.line < v.m.n; v.line++ {
		h := &v.m.headers[v.line]
		if h.ID != v.id {
			continue
		}
		start := max(int(h.Value.Start), v.at)
		one, _, more := NextValue(v.m.Raw[start:h.Value.End])
		value = Value{span(start, start+len(one)), v.line}
		if more {
			v.at = start + len(one) + 1
		} else {
			v.line, v.at = v.line+1, 0
		}
		return value, true
	}
	return Value{}, false
}

// Trimmed returns s without the white space at its ends.
func (m *Message) Trimmed(s Span) Span {
	for !s.Empty() && isSpace(m.Raw[s.Start]) {
		s.Start++
	}
	for !s.Empty() && isSpace(m.Raw[s.End-1]) {
		s.End--
	}
	return s
}
