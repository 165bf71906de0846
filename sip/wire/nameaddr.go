package wire

import "bytes"

// NameAddr is the reading of one value of From, To, Contact, Route, P-Asserted-Identity and their
// kind (RFC 3261 §20.10). Its slices share the memory it was read from.
type NameAddr struct {
	Display []byte // as written: a quoted string with its quotes, or tokens; empty if there is none
	URI     []byte // between the angle brackets, or the bare addr-spec
	Params  []byte // header parameters, from the first ";"
	Angle   bool   // the URI stands in angle brackets
}

// ParseNameAddr reads one value; b must hold no other (see NextValue).
func ParseNameAddr(b []byte) (n NameAddr, ok bool) {
	b = trim(b)
	at := 0
	if len(b) > 0 && b[0] == '"' {
		at = quotedLen(b)
		if at < 2 || b[at-1] != '"' {
			return n, false
		}
	}
	open := bytes.IndexByte(b[at:], '<')
	if open < 0 {
		if at > 0 {
			return n, false // a display name needs angle brackets
		}
		n.URI, n.Params = cut(b, ';')
		n.URI = trim(n.URI)
		return n, len(n.URI) > 0 && bytes.IndexByte(n.URI, '?') < 0 && bytes.IndexByte(n.URI, '>') < 0
	}
	open += at
	if at > 0 && len(trim(b[at:open])) > 0 {
		return n, false // text between a quoted name and "<"
	}
	end := bytes.IndexByte(b[open:], '>')
	if end < 0 {
		return n, false
	}
	end += open
	n.Angle = true
	n.Display = trim(b[:open])
	n.URI = trim(b[open+1 : end])
	n.Params = trim(b[end+1:])
	if len(n.URI) == 0 || len(n.Params) > 0 && n.Params[0] != ';' {
		return n, false
	}
	return n, at > 0 || isDisplayTokens(n.Display)
}

// isDisplayTokens reports whether an unquoted display name is acceptable. The grammar asks for
// tokens; other printable characters are common in the field and harmless, structural ones are not.
func isDisplayTokens(b []byte) bool { return !structural.in(b) }

// Tag returns the tag parameter; empty if there is none.
func (n *NameAddr) Tag() []byte {
	tag, _ := Param(n.Params, "tag")
	return tag
}

// AppendDisplay appends the display name to dst with quotes and escapes removed.
func (n *NameAddr) AppendDisplay(dst []byte) []byte {
	d := n.Display
	if len(d) < 2 || d[0] != '"' {
		return append(dst, d...)
	}
	d = d[1 : len(d)-1]
	for i := 0; i < len(d); i++ {
		if d[i] == '\\' && i+1 < len(d) {
			i++
		}
		dst = append(dst, d[i])
	}
	return dst
}

// NextValue splits the first of the comma-separated values of a header off. Commas inside quoted
// strings and angle brackets do not separate. The value keeps its surrounding white space, so that
// its place in the message is exact; more is false after the last one.
func NextValue(b []byte) (value, rest []byte, more bool) {
	if bytes.IndexByte(b, ',') < 0 {
		return b, nil, false
	}
	angle := false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if !angle {
				i += quotedLen(b[i:]) - 1
			}
		case '<':
			angle = true
		case '>':
			angle = false
		case ',':
			if !angle {
				return b[:i:i], b[i+1:], true
			}
		}
	}
	return b, nil, false
}
