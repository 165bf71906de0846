package wire

import (
	"bytes"
	"errors"
)

// Errors of Parse: what cannot be read as a SIP message at all, so that no answer is possible.
var (
	ErrTooLarge  = errors.New("message is larger than 65,535 bytes")
	ErrStartLine = errors.New("the first line is neither a request line nor a status line of SIP")
)

// Parse reads the message in raw, which it keeps. It fails only where nothing can be answered; any
// other fault is noted in Defect and BadVersion, and the rest is read as far as it goes, so that
// the sender can be told.
func (m *Message) Parse(raw []byte) error {
	m.Raw, m.n = raw, 0
	m.Request, m.BadVersion, m.Defect = false, false, ""
	m.Method, m.Status = MethodOther, 0
	m.MethodName, m.URI, m.Phrase = Span{}, Span{}, Span{}
	clear(m.first[:])
	clear(m.counts[:])
	m.readings.have = 0
	if len(raw) > MaxMessage {
		return ErrTooLarge
	}
	end := bytes.IndexByte(raw, '\n')
	if end < 1 {
		return ErrStartLine
	}
	m.StartLine = span(0, end+1)
	if err := m.parseStartLine(end); err != nil {
		return err
	}
	at := m.parseHeaders(end + 1)
	if hasNUL(raw[:at]) {
		m.defect("NUL in header")
	}
	m.parseBody(at)
	return nil
}

func span(start, end int) Span { return Span{uint16(start), uint16(end)} }

// parseStartLine reads the start line, whose LF is at end.
func (m *Message) parseStartLine(end int) error {
	if m.Raw[end-1] != '\r' {
		m.defect("Bare LF")
		end++
	}
	line := m.Raw[:end-1]
	if len(line) > 4 && EqualFold(line[:4], "sip/") {
		return m.parseStatusLine(line)
	}
	return m.parseRequestLine(line)
}

// parseStatusLine reads "SIP/2.0 200 OK" (RFC 3261 §7.2).
func (m *Message) parseStatusLine(line []byte) error {
	if len(line) < 12 || line[7] != ' ' || !EqualFold(line[:7], "sip/2.0") {
		return ErrStartLine
	}
	for _, c := range line[8:11] {
		if c < '0' || c > '9' {
			return ErrStartLine
		}
		m.Status = m.Status*10 + int(c-'0')
	}
	if line[11] != ' ' || m.Status < 100 || m.Status > 699 {
		return ErrStartLine
	}
	m.Phrase = span(12, len(line))
	return nil
}

// parseRequestLine reads "INVITE sip:a@b SIP/2.0" (RFC 3261 §7.1). The version is looked for from
// the end, so that a Request-URI with blanks in it gets a 400 and not silence.
func (m *Message) parseRequestLine(line []byte) error {
	method := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(bytes.TrimRight(line, " "), ' ')
	if method < 1 || last <= method || !isToken(line[:method]) {
		return ErrStartLine
	}
	v := line[last+1:]
	switch {
	case EqualFold(v, "sip/2.0"):
	case len(v) > 4 && EqualFold(v[:4], "sip/"):
		if v[len(v)-1] == ' ' {
			m.defect("Malformed Request-Line")
		} else {
			m.BadVersion = true
		}
	default:
		return ErrStartLine
	}
	m.Request = true
	m.MethodName = span(0, method)
	m.Method = methodOf(line[:method])
	m.URI = span(method+1, last)
	if uri := line[method+1 : last]; len(uri) == 0 || bytes.IndexByte(uri, ' ') >= 0 || bytes.IndexByte(uri, '\t') >= 0 {
		m.defect("Malformed Request-URI")
	}
	return nil
}

// parseHeaders reads the header lines from at and returns where the body begins.
func (m *Message) parseHeaders(at int) int {
	raw := m.Raw
	for at < len(raw) {
		lf := bytes.IndexByte(raw[at:], '\n')
		if lf < 0 {
			m.defect("Header without end of line")
			return len(raw)
		}
		if lf == 1 && raw[at] == '\r' {
			return at + 2 // the empty line
		}
		end := at + lf + 1
		first := end
		for end < len(raw) && (raw[end] == ' ' || raw[end] == '\t') { // folding, §7.3.1
			next := bytes.IndexByte(raw[end:], '\n')
			if next < 0 {
				m.defect("Header without end of line")
				return len(raw)
			}
			end += next + 1
		}
		m.addHeader(at, end, end > first)
		at = end
	}
	m.defect("No empty line after the headers")
	return len(raw)
}

// addHeader notes the header line raw[start:end], whose last byte is LF, and which may be folded.
func (m *Message) addHeader(start, end int, folded bool) {
	raw := m.Raw
	if raw[end-2] != '\r' {
		m.defect("Bare LF")
		return
	}
	nameEnd := start
	for token[raw[nameEnd]] { // the LF is none
		nameEnd++
	}
	colon := nameEnd
	for raw[colon] == ' ' || raw[colon] == '\t' {
		colon++
	}
	if raw[colon] != ':' || nameEnd == start {
		if bytes.IndexByte(raw[colon:end], ':') < 0 {
			m.defect("Header without colon")
		} else {
			m.defect("Malformed header name")
		}
		return
	}
	name := raw[start:nameEnd]
	if m.n == MaxHeaders {
		m.defect("Too many headers")
		return
	}
	from, to := colon+1, end
	for from < to && isSpace(raw[from]) {
		from++
	}
	for to > from && isSpace(raw[to-1]) {
		to--
	}
	if folded && hasBareBreak(raw[from:to]) || !folded && bytes.IndexByte(raw[colon:], '\r') != end-2-colon {
		m.defect("Bare CR or LF")
	}
	id := headerID(name)
	m.headers[m.n] = Header{id, span(start, end), span(from, to)}
	m.n++
	if m.first[id] == 0 {
		m.first[id] = uint8(m.n)
	}
	m.counts[id]++
}

// parseBody bounds the body that begins at start by the Content-Length (RFC 3261 §18.3).
func (m *Message) parseBody(start int) {
	m.Body = span(start, len(m.Raw))
	if m.Count(HeaderContentLength) == 0 {
		return
	}
	n, ok := Uint(m.Value(HeaderContentLength))
	switch {
	case !ok:
		m.defect("Malformed Content-Length")
	case int(n) > len(m.Raw)-start:
		m.defect("Content-Length beyond the end of the message")
	default:
		m.Body.End = uint16(start + int(n)) // what follows the body is discarded
	}
}

// Uint reads an unsigned decimal below 2^31 that fills b.
func Uint(b []byte) (uint32, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n >= 1<<31 {
			return 0, false
		}
	}
	return uint32(n), true
}

// hasNUL reports a NUL in b that is not the second character of a quoted-pair (RFC 3261 §25.1).
func hasNUL(b []byte) bool {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return false
		}
		if i == 0 || b[i-1] != '\\' {
			return true
		}
		b = b[i+1:]
	}
}

// hasBareBreak reports a CR or LF in b that is not part of a folding.
func hasBareBreak(b []byte) bool {
	for i := 0; i < len(b); {
		cr := bytes.IndexByte(b[i:], '\r')
		lf := bytes.IndexByte(b[i:], '\n')
		if cr < 0 && lf < 0 {
			return false
		}
		if lf != cr+1 || cr < 0 {
			return true
		}
		i += lf + 1
	}
	return false
}
