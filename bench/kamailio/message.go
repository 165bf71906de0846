//go:build linux

package main

import (
	"bytes"
	"strconv"
)

// message is what the generator reads of a SIP message: whole header lines with their line ends,
// which alias the datagram. It knows only spellings that the generator and the two proxies use.
type message struct {
	first                                     []byte // request or status line, without its end
	from, to, callID, cseq, contact, forwards []byte
	via, recordRoute, route                   lines
	body                                      []byte
}

// lines are the header lines of one name. More than fit are counted.
type lines struct {
	line [4][]byte
	n    int
}

func (l *lines) add(line []byte) {
	if l.n < len(l.line) {
		l.line[l.n] = line
	}
	l.n++
}

func (l *lines) all() [][]byte { return l.line[:min(l.n, len(l.line))] }

var lineEnd = []byte("\r\n")

// read is false when b is not a message.
func (m *message) read(b []byte) bool {
	*m = message{}
	end := bytes.Index(b, lineEnd)
	if end < 0 {
		return false
	}
	m.first, b = b[:end], b[end+2:]
	for {
		end := bytes.Index(b, lineEnd)
		switch {
		case end < 0:
			return false
		case end == 0:
			m.body = b[2:]
			return m.from != nil && m.to != nil && m.callID != nil && m.cseq != nil && m.via.n > 0
		}
		m.header(b[:end+2])
		b = b[end+2:]
	}
}

func (m *message) header(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return
	}
	switch string(line[:colon]) {
	case "Via":
		m.via.add(line)
	case "Record-Route":
		m.recordRoute.add(line)
	case "Route":
		m.route.add(line)
	case "From":
		m.from = line
	case "To":
		m.to = line
	case "Call-ID":
		m.callID = line
	case "CSeq":
		m.cseq = line
	case "Contact":
		m.contact = line
	case "Max-Forwards":
		m.forwards = line
	}
}

// status is the status code of a response, 0 for a request.
func (m *message) status() int {
	rest, ok := bytes.CutPrefix(m.first, []byte("SIP/2.0 "))
	if !ok || len(rest) < 3 {
		return 0
	}
	code, err := strconv.Atoi(string(rest[:3]))
	if err != nil {
		return 0
	}
	return code
}

func (m *message) isRequest(method string) bool { return bytes.HasPrefix(m.first, []byte(method+" ")) }

func (m *message) answers(method string) bool {
	return bytes.HasSuffix(m.cseq, []byte(" "+method+"\r\n"))
}

// number is the number of the call, which its Call-ID begins with.
func (m *message) number() (uint32, bool) {
	const start, digits = len("Call-ID: "), 8
	if len(m.callID) < start+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(m.callID[start:start+digits]), 16, 32)
	return uint32(n), err == nil
}

// angled is what stands between < and > in a line.
func angled(line []byte) []byte {
	open := bytes.IndexByte(line, '<')
	end := bytes.IndexByte(line, '>')
	if open < 0 || end < open {
		return nil
	}
	return line[open+1 : end]
}

const hexDigits = "0123456789abcdef"

// appendHex appends a number as eight digits.
func appendHex(b []byte, n uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[n>>shift&15])
	}
	return b
}
