package transport

import (
	"bytes"
	"errors"
)

// Why a stream cannot be framed any further.
var (
	errNotSIP   = errors.New("bytes that do not begin a SIP message")
	errFraming  = errors.New("bad Content-Length")
	errOversize = errors.New("message larger than MaxMessage")
)

const (
	minMessage  = 20   // bytes of the shortest start line and the empty line after it
	minBuffer   = 8192 // bytes a stream reads at a time at first; grows to hold a whole message
	maxBuffer   = MaxMessage + 1
	endOfHeader = "\r\n\r\n"
)

// framer cuts a stream into SIP messages by Content-Length (RFC 3261 §18.3). What comes out does not
// depend on how the bytes were cut into reads. The zero framer is ready for use.
type framer struct {
	buf     []byte
	start   int // of the bytes not yet handed out; they are buf[start:end]
	end     int
	scanned int // bytes after start searched for the end of the header already
	length  int // of the message at start, 0 while its header is not complete
	crlf    int // bytes of endOfHeader matched between messages
	pings   int // keep-alives seen since they were last taken
}

// space returns room for the next read. It invalidates the messages handed out before.
func (f *framer) space() []byte {
	switch {
	case f.start == f.end:
		f.start, f.end = 0, 0
		if len(f.buf) > maxRetainedStream || f.buf == nil {
			f.buf = make([]byte, minBuffer)
		}
	case f.start > 0:
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		f.buf = append(f.buf, make([]byte, min(len(f.buf), maxBuffer-len(f.buf)))...)
		f.buf = f.buf[:min(cap(f.buf), maxBuffer)]
	}
	return f.buf[f.end:]
}

// maxRetainedStream is the largest buffer, in bytes, that an idle connection keeps.
const maxRetainedStream = 16 << 10

// fill notes that n bytes were read into the space.
func (f *framer) fill(n int) { f.end += n }

// begun reports whether part of a message is waiting for the rest.
func (f *framer) begun() bool { return f.end > f.start }

// takePings returns the number of keep-alives seen since it was last called.
func (f *framer) takePings() int {
	n := f.pings
	f.pings = 0
	return n
}

// next returns the next message, nil when it is not complete. An error is final; the message that
// comes with it, if any, is as much of it as tells what is wrong, so that it can be answered.
func (f *framer) next() ([]byte, error) {
	if f.length == 0 {
		f.skipEmptyLines()
		if f.start == f.end {
			return nil, nil
		}
		if !startsMessage(f.buf[f.start]) {
			return nil, errNotSIP
		}
		message, err := f.readHeader()
		if err != nil || f.length == 0 {
			return message, err
		}
	}
	if f.end-f.start < f.length {
		return nil, nil
	}
	return f.take(f.length), nil
}

// readHeader sets the length of the message at start once its header is complete.
func (f *framer) readHeader() ([]byte, error) {
	data := f.buf[f.start:min(f.end, f.start+MaxMessage)]
	from := max(0, f.scanned-len(endOfHeader)+1)
	i := bytes.Index(data[from:], []byte(endOfHeader))
	if i < 0 {
		f.scanned = len(data)
		if len(data) == MaxMessage {
			return f.take(MaxMessage), errOversize
		}
		return nil, nil
	}
	header := from + i + len(endOfHeader)
	body, ok := contentLength(data[:header])
	switch {
	case header+body < minMessage:
		return nil, errNotSIP
	case !ok:
		return f.take(header), errFraming
	case header+body > MaxMessage:
		return f.take(header), errOversize
	}
	f.length = header + body
	return nil, nil
}

// take hands out the first n bytes. Their capacity ends with them, so that appending to a message
// cannot damage the next.
func (f *framer) take(n int) []byte {
	message := f.buf[f.start : f.start+n : f.start+n]
	f.start += n
	f.scanned, f.length, f.crlf = 0, 0, 0
	return message
}

// skipEmptyLines skips what may stand between messages (RFC 3261 §7.5) and counts each double CRLF,
// which asks for a single one in return (RFC 5626 §4.4.1).
func (f *framer) skipEmptyLines() {
	for ; f.start < f.end; f.start++ {
		switch c := f.buf[f.start]; {
		case c != '\r' && c != '\n':
			return
		case c == endOfHeader[f.crlf]:
			f.crlf++
		case c == '\r':
			f.crlf = 1
		default:
			f.crlf = 0
		}
		if f.crlf == len(endOfHeader) {
			f.crlf = 0
			f.pings++
		}
	}
}

// startsMessage reports whether c may begin a method or "SIP/2.0": whether it is a token character
// (RFC 3261 §25.1). STUN, RTP, DTLS and TLS all begin otherwise.
func startsMessage(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("-.!%*_+`'~"), c) >= 0
}

// contentLength reads the length of the body from a message's header, 0 when none is stated. It is
// false when the value is not a number, or when two values differ: such a header has no one meaning,
// and a message hidden in the difference must not get through. Numbers beyond MaxMessage are returned
// as some number beyond it.
func contentLength(header []byte) (length int, ok bool) {
	found := false
	_, rest, _ := bytes.Cut(header, []byte("\r\n")) // past the start line
	for len(rest) > 0 {
		var line []byte
		line, rest = cutField(rest)
		if c := line[0] | 0x20; c != 'c' && c != 'l' {
			continue // most fields, and cheaply
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !isContentLength(bytes.TrimRight(name, " \t")) {
			continue
		}
		n, numeric := parseLength(bytes.Trim(value, " \t\r\n"))
		if !numeric || found && n != length {
			return 0, false
		}
		length, found = n, true
	}
	return length, true
}

// cutField cuts the first header field from a header, with the lines it is folded over (§7.3.1).
func cutField(header []byte) (field, rest []byte) {
	end := 0
	for {
		i := bytes.Index(header[end:], []byte("\r\n"))
		if i < 0 {
			return header, nil
		}
		end += i + 2
		if end == len(header) || header[end] != ' ' && header[end] != '\t' {
			return header[:end], header[end:]
		}
	}
}

func isContentLength(name []byte) bool {
	return len(name) == 1 && name[0]|0x20 == 'l' || bytes.EqualFold(name, []byte("Content-Length"))
}

func parseLength(digits []byte) (n int, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), MaxMessage+1)
	}
	return n, len(digits) > 0
}
