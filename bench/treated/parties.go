//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"ringfence/bench/program"
)

// parties are the trunk and the PBX of the gateway's calls: user agents that know no more of SIP than calls
// that go well need.
type parties struct {
	gateway    netip.AddrPort
	trunk, pbx *net.UDPConn
	media      [2]netip.AddrPort // where callers and called hear

	mu    sync.Mutex
	calls map[int]*sipCall // by their number, which is the end of the caller's
}

// sipCall is what the parties know of a call.
type sipCall struct {
	caller, called uint16 // ports of the gateway, 0: not known yet
	keys           byte   // payload type of keys to the called leg
	up             bool   // the ACK of the called leg came
}

// The gateway tells the two apart by their addresses.
var trunkAddr, pbxAddr = netip.AddrFrom4([4]byte{127, 0, 0, 2}), netip.AddrFrom4([4]byte{127, 0, 0, 3})

// callRate is how many calls a second are set up.
const callRate = 100

func openParties(gateway netip.AddrPort, media [2]netip.AddrPort) (p *parties, err error) {
	p = &parties{gateway: gateway, media: media, calls: make(map[int]*sipCall)}
	if p.trunk, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(trunkAddr, 0))); err != nil {
		return nil, err
	}
	if p.pbx, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(pbxAddr, 0))); err != nil {
		return nil, errors.Join(err, p.trunk.Close())
	}
	go p.serve(p.trunk, p.atTrunk)
	go p.serve(p.pbx, p.atPBX)
	return p, nil
}

func (p *parties) close() { _, _ = p.trunk.Close(), p.pbx.Close() }

// serve hands messages over until the socket is closed.
func (p *parties) serve(conn *net.UDPConn, take func(message)) {
	for b := make([]byte, 65536); ; {
		n, err := conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			take(message(b[:n]))
		}
	}
}

// message is a SIP message.
type message string

// first is the request or status line.
func (m message) first() string { line, _, _ := strings.Cut(string(m), "\r\n"); return line }

// lines are the header lines of a name, with their ends.
func (m message) lines(name string) string {
	head, _, _ := strings.Cut(string(m), "\r\n\r\n")
	var b strings.Builder
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.HasPrefix(line, name+": ") {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String()
}

// number is that of the call, from the user of its From.
func (m message) number() int {
	_, rest, _ := strings.Cut(m.lines("From"), "sip:+86138")
	digits, _, _ := strings.Cut(rest, "@")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// audio is the port of the audio in the message's description, and keys the payload type of its keys.
func (m message) audio() (port uint16, keys byte) {
	port, _ = audioPort([]byte(m))
	before, _, found := strings.Cut(string(m), " telephone-event/8000")
	if i := strings.LastIndexByte(before, ':'); found && i >= 0 {
		n, _ := strconv.ParseUint(before[i+1:], 10, 7) // 0 where there is none
		keys = byte(n)
	}
	return port, keys
}

// atTrunk takes what comes to the trunk: of its INVITEs it wants to know where the gateway receives, and
// acknowledges the answer.
func (p *parties) atTrunk(m message) {
	if !strings.HasPrefix(m.first(), "SIP/2.0 200") || !strings.Contains(m.lines("CSeq"), "INVITE") {
		return
	}
	port, _ := m.audio()
	p.mu.Lock()
	if c := p.calls[m.number()]; c != nil {
		c.caller = port
	}
	p.mu.Unlock()
	contact := strings.Trim(strings.TrimPrefix(m.lines("Contact"), "Contact: "), "<>\r\n")
	p.send(p.trunk, fmt.Sprintf("ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-ack-%d\r\n%s%s%s%sCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		contact, p.trunk.LocalAddr(), m.number(), strings.ReplaceAll(m.lines("Record-Route"), "Record-Route", "Route"), m.lines("From"), m.lines("To"), m.lines("Call-ID")))
}

// atPBX answers the gateway's INVITEs at once, and its other requests.
func (p *parties) atPBX(m message) {
	method, _, _ := strings.Cut(m.first(), " ")
	body, extra := "", ""
	switch method {
	case "SIP/2.0":
		return
	case "ACK":
		p.mu.Lock()
		if c := p.calls[m.number()]; c != nil {
			c.up = true
		}
		p.mu.Unlock()
		return
	case "INVITE":
		port, keys := m.audio()
		p.mu.Lock()
		if c := p.calls[m.number()]; c != nil {
			c.called, c.keys = port, keys
		}
		p.mu.Unlock()
		body = description(p.media[1]) // which says telephone-event after the codec:
		body = strings.Replace(body, "RTP/AVP 8\r\n", fmt.Sprintf("RTP/AVP 8 %d\r\na=rtpmap:%d telephone-event/8000\r\n", keys, keys), 1)
		extra = fmt.Sprintf("Contact: <sip:pbx@%s>\r\nContent-Type: application/sdp\r\n", p.pbx.LocalAddr())
	}
	to := m.lines("To")
	if !strings.Contains(to, ";tag=") {
		to = strings.TrimSuffix(to, "\r\n") + ";tag=pbx\r\n"
	}
	p.send(p.pbx, "SIP/2.0 200 OK\r\n"+m.lines("Via")+m.lines("Record-Route")+m.lines("From")+to+m.lines("Call-ID")+m.lines("CSeq")+
		extra+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
}

// send sends a message to the gateway. What is lost shows as a call that does not come up.
func (p *parties) send(conn *net.UDPConn, text string) {
	_, _ = conn.WriteToUDPAddrPort([]byte(text), p.gateway)
}

// setUp waits for the gateway, sets calls up, and has them taken by the key 1 if they are to be relayed.
func (p *parties) setUp(process *program.Process, calls int, s scene, called *socket) (ports [2][]uint16, err error) {
	if err := p.await(process); err != nil {
		return ports, err
	}
	for i := range calls {
		p.invite(i)
		time.Sleep(time.Second / callRate)
	}
	if err := p.until(calls, func(c *sipCall) bool { return c.up }); err != nil {
		return ports, fmt.Errorf("the person called: %w", err)
	}
	if !s.prompts {
		for i := range calls {
			p.press(i, called)
			time.Sleep(time.Second / callRate)
		}
		if err := p.until(calls, func(c *sipCall) bool { return c.caller != 0 }); err != nil {
			return ports, fmt.Errorf("the caller: %w", err)
		}
	}
	for i := range calls {
		ports[0], ports[1] = append(ports[0], p.calls[i].caller), append(ports[1], p.calls[i].called)
	}
	return ports, nil
}

// await waits until the gateway answers.
func (p *parties) await(process *program.Process) error {
	probe, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)), net.UDPAddrFromAddrPort(p.gateway))
	if err != nil {
		return err
	}
	defer probe.Close()
	for range 200 {
		if err := process.Ended(); err != nil {
			return err
		}
		// Once the port is bound, nothing says that it is closed.
		if _, err := probe.Write([]byte("\r\n\r\n")); err == nil {
			time.Sleep(50 * time.Millisecond)
			if _, err := probe.Write([]byte("\r\n\r\n")); err == nil {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the gateway does not listen")
}

// invite begins a call.
func (p *parties) invite(i int) {
	p.mu.Lock()
	p.calls[i] = new(sipCall)
	p.mu.Unlock()
	body := description(p.media[0])
	p.send(p.trunk, fmt.Sprintf("INVITE sip:+862155500%03d@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:+86138%08d@%[3]s>;tag=caller\r\nTo: <sip:+862155500%03[1]d@%[2]s>\r\nCall-ID: %[4]d@bench\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:trunk@%[3]s>\r\nContent-Type: application/sdp\r\nContent-Length: %[6]d\r\n\r\n%[7]s",
		i%1000, p.gateway, p.trunk.LocalAddr(), i, i, len(body), body))
}

// press sends the end of the key 1, three times (RFC 4733).
func (p *parties) press(i int, from *socket) {
	p.mu.Lock()
	c := *p.calls[i]
	p.mu.Unlock()
	for n := range byte(3) {
		b := append([]byte{2 << 6, c.keys, 0, n, 0, 0, 0, 0}, bytes.Repeat([]byte{1}, 4)...)
		_, _ = from.conn.WriteToUDPAddrPort(append(b, 1, 0x8a, 3, 32), netip.AddrPortFrom(loopback, c.called))
	}
}

// until waits until all calls are as they should be.
func (p *parties) until(calls int, as func(*sipCall) bool) error {
	n := 0
	for range 300 {
		p.mu.Lock()
		n = 0
		for _, c := range p.calls {
			if as(c) {
				n++
			}
		}
		p.mu.Unlock()
		if n >= calls {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%d of %d calls came up within 30 s", n, calls)
}
