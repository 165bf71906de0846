package callscript

import (
	"bytes"
	"strconv"
	"strings"
)

// sipText is a SIP message as text: its lines and its body. It is read leniently; what is wrong with
// a message that must be right shows in problem.
type sipText struct {
	raw     []byte
	start   string
	lines   []textLine
	body    []byte
	problem string // empty if the message is well-formed
}

// textLine is one header line with the lines that it is folded over.
type textLine struct {
	name  string // canonical
	raw   string // with its CRLF
	value string // unfolded, without surrounding white space
}

// compact maps the compact forms of header names (RFC 3261 §7.3.3 and others) to the long ones.
var compact = map[string]string{
	"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
	"s": "subject", "k": "supported", "e": "content-encoding", "o": "event", "r": "refer-to", "b": "referred-by",
	"u": "allow-events", "x": "session-expires", "y": "identity",
}

// canonical is a header's name as headers are compared by.
func canonical(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if long, ok := compact[name]; ok {
		return long
	}
	return name
}

// readText reads a message.
func readText(raw []byte) *sipText {
	m := &sipText{raw: raw}
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		m.problem = "no empty line ends its headers"
	}
	m.body = body
	lines := strings.SplitAfter(string(head)+"\r\n", "\r\n")
	m.start = strings.TrimRight(lines[0], "\r\n")
	for _, l := range lines[1:] {
		if l == "" {
			continue
		}
		if n := len(m.lines); (l[0] == ' ' || l[0] == '\t') && n > 0 {
			m.lines[n-1].raw += l
			continue
		}
		name, _, ok := strings.Cut(l, ":")
		if !ok {
			m.problem = "a header without a colon: " + strconv.Quote(l)
		}
		m.lines = append(m.lines, textLine{name: canonical(name), raw: l})
	}
	for i := range m.lines {
		_, value, _ := strings.Cut(m.lines[i].raw, ":")
		fields := strings.Split(value, "\r\n")
		for j := range fields {
			fields[j] = strings.Trim(fields[j], " \t")
		}
		m.lines[i].value = strings.TrimSpace(strings.Join(fields, " "))
	}
	if length := m.all("content-length"); len(length) > 0 {
		n, err := strconv.Atoi(length[0])
		if err == nil && n >= 0 && n < len(body) {
			m.body = body[:n] // what follows is no part of the message (RFC 3261 §18.3)
		}
		if err != nil || n != len(body) || len(length) > 1 {
			m.problem = "Content-Length " + strings.Join(length, ", ") + " before a body of " + strconv.Itoa(len(body)) + " bytes"
		}
	}
	return m
}

// all returns the values of the lines with this name.
func (m *sipText) all(name string) (values []string) {
	for _, l := range m.lines {
		if l.name == name {
			values = append(values, l.value)
		}
	}
	return values
}

// get returns the first value with this name, empty if there is none.
func (m *sipText) get(name string) string {
	if all := m.all(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// values returns the values with this name, those of one line taken apart.
func (m *sipText) values(name string) (values []string) {
	for _, l := range m.all(name) {
		depth, quoted, start := 0, false, 0
		for i := range len(l) {
			switch c := l[i]; {
			case c == '"' && (i == 0 || l[i-1] != '\\'):
				quoted = !quoted
			case quoted:
			case c == '<':
				depth++
			case c == '>':
				depth--
			case c == ',' && depth == 0:
				values = append(values, strings.TrimSpace(l[start:i]))
				start = i + 1
			}
		}
		values = append(values, strings.TrimSpace(l[start:]))
	}
	return values
}

// request reports whether the message is a request.
func (m *sipText) request() bool { return !strings.HasPrefix(m.start, "SIP/2.0 ") }

// status is the status of a response, 0 for a request.
func (m *sipText) status() int {
	if m.request() || len(m.start) < 11 {
		return 0
	}
	n, _ := strconv.Atoi(m.start[8:11]) // 0 is as good as any other status that is none
	return n
}

// method is the method of a request, or that in the CSeq of a response.
func (m *sipText) method() string {
	if m.request() {
		method, _, _ := strings.Cut(m.start, " ")
		return method
	}
	if words := strings.Fields(m.get("cseq")); len(words) == 2 {
		return words[1]
	}
	return ""
}

// sequence is the number in the CSeq, 0 if there is none.
func (m *sipText) sequence() int {
	words := strings.Fields(m.get("cseq"))
	if len(words) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(words[0])
	return n
}

// uri is the Request-URI, or the reason phrase of a response.
func (m *sipText) uri() string {
	_, rest, _ := strings.Cut(m.start, " ")
	if m.request() {
		rest, _, _ = cutLast(rest, " ")
		return rest
	}
	_, phrase, _ := strings.Cut(rest, " ")
	return phrase
}

// label is what a ladder shows of a message.
func (m *sipText) label() string {
	if len(m.lines) == 0 {
		return "?"
	}
	if m.request() {
		return m.method()
	}
	return strconv.Itoa(m.status()) + " " + m.method()
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// parameter returns a parameter of a header's value that stands behind its URI.
func parameter(value, name string) string {
	if i := strings.LastIndexByte(value, '>'); i >= 0 {
		value = value[i+1:]
	}
	for _, p := range strings.Split(value, ";")[1:] {
		if key, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// addressOf returns the URI of a header's value that names a party.
func addressOf(value string) string {
	if i := strings.LastIndexByte(value, '<'); i >= 0 {
		uri, _, _ := strings.Cut(value[i+1:], ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}
