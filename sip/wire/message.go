// Package wire reads and edits SIP messages as bytes. One pass over a message notes where its
// headers lie; what a proxy must change is written over those places, and everything else goes
// through byte for byte (RFC 3261 §16.6: a proxy must not reorder or rewrite what it need not).
//
// Nothing here allocates in steady state: a Message is reused, and what it returns are slices of
// the bytes it was parsed from.
package wire

// Span is a range of bytes of a message: Start up to, but not including, End.
type Span struct{ Start, End uint16 }

// Empty reports whether the span covers nothing.
func (s Span) Empty() bool { return s.Start >= s.End }

// Header is one header line of a message.
type Header struct {
	ID    HeaderID
	Line  Span // the whole line with its folded continuations and final CRLF
	Value Span // the value without surrounding white space
}

// MaxHeaders bounds the header lines of one message; a message with more is refused.
const MaxHeaders = 200

// MaxMessage bounds a message, in bytes.
const MaxMessage = 65535

// Message is the reading of one SIP message. The zero value is ready for Parse.
type Message struct {
	Raw     []byte // the bytes parsed
	Request bool
	Method  Method // of a request, or of the CSeq of a response once CSeq was read
	// of a request
	MethodName Span
	URI        Span
	// of a response
	Status int
	Phrase Span

	BadVersion bool   // the start line names another version than SIP/2.0 (505)
	Defect     string // first syntax error found, for the 400 reason phrase; empty if there was none

	StartLine Span // with its CRLF
	Body      Span // as bounded by Content-Length, or to the end

	headers [MaxHeaders]Header
	n       int
	first   [numHeaderIDs]uint8 // index+1 of the first header with this ID
	counts  [numHeaderIDs]uint8

	readings readings
}

// Headers returns every header line in order. The slice is valid until the next Parse.
func (m *Message) Headers() []Header { return m.headers[:m.n] }

// Count is the number of header lines with this ID (not of values: a line may hold several).
func (m *Message) Count(id HeaderID) int { return int(m.counts[id]) }

// First returns the first header line with this ID.
func (m *Message) First(id HeaderID) (Header, bool) {
	if i := m.first[id]; i > 0 {
		return m.headers[i-1], true
	}
	return Header{}, false
}

// Value returns the value of the first header line with this ID, nil if there is none.
func (m *Message) Value(id HeaderID) []byte {
	if i := m.first[id]; i > 0 {
		return m.Bytes(m.headers[i-1].Value)
	}
	return nil
}

// Bytes returns the bytes of a span of the message.
func (m *Message) Bytes(s Span) []byte { return m.Raw[s.Start:s.End:s.End] }

// MethodBytes is the method of a request as received.
func (m *Message) MethodBytes() []byte { return m.Bytes(m.MethodName) }

// defect notes the first syntax error.
func (m *Message) defect(what string) {
	if m.Defect == "" {
		m.Defect = what
	}
}
