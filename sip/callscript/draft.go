package callscript

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// draft is a message being written.
type draft struct {
	start   string
	lines   []draftLine
	body    []byte
	hasBody bool
	length  bool // a Content-Length is still to be added
}

type draftLine struct {
	name    string // canonical; empty for a literal
	text    string // with its CRLF
	written bool   // by the script
}

func newDraft(format string, args ...any) *draft {
	return &draft{start: fmt.Sprintf(format, args...), length: true}
}

// header appends a default header.
func (d *draft) header(name, value string) {
	d.lines = append(d.lines, draftLine{canonical(name), name + ": " + value + "\r\n", false})
}

// set puts a header in place of the default, or behind the last of its name, or last.
func (d *draft) set(name, text string, replace bool) {
	line := draftLine{canonical(name), text, true}
	last := -1
	for i, l := range d.lines {
		if l.name != line.name {
			continue
		}
		if replace && !l.written {
			d.lines[i] = line
			return
		}
		last = i
	}
	if last < 0 {
		last = len(d.lines) - 1
	}
	d.lines = slices.Insert(d.lines, last+1, line)
}

// apply makes the changes that the lines under a message ask for. expand replaces variables.
func (d *draft) apply(parts []part, expand func(part) (string, error)) error {
	for _, p := range parts {
		value, err := expand(p)
		if err != nil {
			return err
		}
		switch p.kind {
		case partSet, partAdd:
			if canonical(p.name) == "content-length" {
				d.length = false
			}
			d.set(p.name, p.name+": "+value+"\r\n", p.kind == partSet)
		case partRemove:
			name := canonical(p.name)
			if name == "content-length" {
				d.length = false
			}
			d.lines = slices.DeleteFunc(d.lines, func(l draftLine) bool { return l.name == name })
		case partBody:
			d.writeBody(value)
		case partLiteral:
			if d.hasBody {
				d.writeBody(value)
			} else {
				d.lines = append(d.lines, draftLine{"", value, true})
			}
		}
	}
	return nil
}

// writeBody adds to the body that the script writes, which replaces the default.
func (d *draft) writeBody(text string) {
	if !d.hasBody {
		d.body, d.hasBody = nil, true
	}
	d.body = append(d.body, text...)
}

// bytes is the message as it is sent.
func (d *draft) bytes() []byte {
	b := []byte(d.start + "\r\n")
	typed := false
	for _, l := range d.lines {
		typed = typed || l.name == "content-type"
		b = append(b, l.text...)
	}
	if len(d.body) > 0 && !typed {
		b = append(b, "Content-Type: application/sdp\r\n"...)
	}
	if d.length {
		b = append(b, "Content-Length: "+strconv.Itoa(len(d.body))+"\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, d.body...)
}

// media is the default body of an offer or answer, or what body= asks for.
func media(kind, host string) []byte {
	family := "IP4"
	if strings.Contains(host, ":") {
		family = "IP6"
	}
	sdp := "v=0\r\no=- 1 1 IN " + family + " " + host + "\r\ns=-\r\nc=IN " + family + " " + host +
		"\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0\r\n"
	switch kind {
	case "none":
		return nil
	case "sdp", "":
		return []byte(sdp)
	case "video":
		return []byte(sdp + "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n")
	}
	size, _ := strconv.Atoi(kind) // a number: the parser checked it
	return []byte(strings.Repeat("0123456789abcde\n", size/16+1)[:size])
}
