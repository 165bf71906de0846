//go:build linux

package main

import (
	"bytes"
	"net/netip"
	"strconv"
)

// phones write the messages of the two ends of a call.
type phones struct {
	proxy, caller, callee, callerIP string
	prefix                          string // of the callers' numbers; four digits follow
	out                             []byte // the message being built
}

func newPhones(proxy, caller, callee netip.AddrPort) *phones {
	return &phones{proxy: proxy.String(), caller: caller.String(), callee: callee.String(), callerIP: caller.Addr().String()}
}

// session is the body of INVITEs and answers: a usual offer of a carrier.
const session = "v=0\r\no=- 20518 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"

// dialled is the number that all calls are for.
const dialled = "02155500001"

func (p *phones) put(parts ...string) {
	for _, part := range parts {
		p.out = append(p.out, part...)
	}
}

// request begins a request of the caller. What tells its branch from others of the call is kind.
func (p *phones) request(method, kind string, number uint32) {
	p.put(" SIP/2.0\r\nVia: SIP/2.0/UDP ", p.caller, ";rport;branch=z9hG4bK", kind)
	p.out = appendHex(p.out, number)
	p.put("\r\nMax-Forwards: 70\r\nFrom: <sip:")
	p.callerNumber(number)
	p.put("@", p.callerIP, ">;tag=c")
	p.out = appendHex(p.out, number)
	p.put("\r\nCall-ID: ")
	p.out = appendHex(p.out, number)
	p.put("@bench\r\nCSeq: ")
	if method == "BYE" {
		p.put("2 BYE\r\n")
	} else {
		p.put("1 ", method, "\r\n")
	}
}

func (p *phones) callerNumber(number uint32) {
	p.put(p.prefix)
	last := number % listed
	for unit := uint32(listed / 10); unit > 0; unit /= 10 {
		p.out = append(p.out, byte('0'+last/unit%10))
	}
}

func (p *phones) content(body string) []byte {
	if body != "" {
		p.put("Content-Type: application/sdp\r\n")
	}
	p.put("Content-Length: ")
	p.out = strconv.AppendInt(p.out, int64(len(body)), 10)
	p.put("\r\n\r\n", body)
	return p.out
}

// invite is the INVITE of a call. Built again it is the same.
func (p *phones) invite(number uint32) []byte {
	p.out = p.out[:0]
	p.put("INVITE sip:", dialled, "@", p.proxy)
	p.request("INVITE", "i", number)
	p.put("To: <sip:", dialled, "@", p.proxy, ">\r\nContact: <sip:")
	p.callerNumber(number)
	p.put("@", p.caller, ">\r\n")
	return p.content(session)
}

// refusalACK is the ACK to a final response that is no 2xx (RFC 3261 §17.1.1.3).
func (p *phones) refusalACK(number uint32, m *message) []byte {
	p.out = p.out[:0]
	p.put("ACK sip:", dialled, "@", p.proxy)
	p.request("ACK", "i", number)
	p.out = append(p.out, m.to...)
	return p.content("")
}

// inDialog is the ACK or BYE of the caller, by the answer's routes and Contact (RFC 3261 §12.2.1.1).
func (p *phones) inDialog(method, kind string, number uint32, answer *message) []byte {
	p.out = append(append(p.out[:0], method...), ' ')
	p.out = append(p.out, angled(answer.contact)...)
	p.request(method, kind, number)
	routes := answer.recordRoute.all()
	for i := len(routes) - 1; i >= 0; i-- {
		p.put("Route:")
		p.out = append(p.out, routes[i][len("Record-Route:"):]...)
	}
	p.out = append(p.out, answer.to...)
	return p.content("")
}

// response is a response of the callee to m.
func (p *phones) response(status string, number uint32, m *message, body string) []byte {
	p.out = p.out[:0]
	p.put("SIP/2.0 ", status, "\r\n")
	for _, line := range m.via.all() {
		p.out = append(p.out, line...)
	}
	for _, line := range m.recordRoute.all() {
		p.out = append(p.out, line...)
	}
	p.out = append(p.out, m.from...)
	p.out = append(p.out, bytes.TrimSuffix(m.to, lineEnd)...)
	if !bytes.Contains(m.to, []byte(";tag=")) {
		p.put(";tag=s")
		p.out = appendHex(p.out, number)
	}
	p.put("\r\n")
	p.out = append(append(p.out, m.callID...), m.cseq...)
	p.put("Contact: <sip:", dialled, "@", p.callee, ">\r\n")
	return p.content(body)
}
