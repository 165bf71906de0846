package sip_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/locate/zone"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// edge is a whole gateway between a trunk and a PBX, on a wire in memory and in virtual time. What its
// peers say is written and read here as text, without the code under test.
type edge struct {
	t               *testing.T
	wire            *memory.Wire
	gateway         *sip.Gateway
	trunk, own, pbx netip.AddrPort
	trunkSide       *peer // its datagrams
	pbxSide         *peer // its datagrams and streams
	peers           []*peer
	calls           int
}

// ipv4 and ipv6 are where an edge may be.
var (
	ipv4 = [3]netip.AddrPort{netip.MustParseAddrPort("198.51.100.7:5060"), netip.MustParseAddrPort("192.0.2.10:5060"), netip.MustParseAddrPort("203.0.113.20:5060")}
	ipv6 = [3]netip.AddrPort{netip.MustParseAddrPort("[2001:db8::9:1]:5060"), netip.MustParseAddrPort("[2001:db8::1]:5060"), netip.MustParseAddrPort("[2001:db8::10]:5060")}
)

// allowAll is a screening that passes every call.
type allowAll struct{}

func (allowAll) Screen(*call.Facts) call.Verdict {
	return call.Verdict{Treatment: call.Allow{}, Reason: call.ReasonClean}
}
func (allowAll) Append(*call.Record) {}

// startEdge starts an edge that ends with the test. target is the PBX as the configuration names it: its
// address, or a name that is found to have it. It must be called within synctest.Test.
func startEdge(t *testing.T, addrs [3]netip.AddrPort, target string) *edge {
	t.Helper()
	e := &edge{t: t, wire: memory.New(), trunk: addrs[0], own: addrs[1], pbx: addrs[2]}
	e.trunkSide = e.datagrams(e.trunk, nil)
	e.pbxSide = e.datagrams(e.pbx, answerSane)
	listener, err := e.wire.Listen(e.pbx)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go e.pbxSide.read(conn)
		}
	}()
	g, err := sip.Start(sip.Options{
		Listeners: []sip.Listener{{Protocol: transport.UDP, Addr: e.own}, {Protocol: transport.TCP, Addr: e.own}},
		Proxy: proxy.Config{
			Trunks:  []proxy.Trunk{{Name: "carrier", Class: call.ClassDomestic, Trusted: true, Sources: []netip.Prefix{netip.PrefixFrom(e.trunk.Addr(), e.trunk.Addr().BitLen())}}},
			Targets: []proxy.Target{{Name: "pbx", Host: target, Port: e.pbx.Port()}},
			PBX:     []netip.Prefix{netip.PrefixFrom(e.pbx.Addr(), e.pbx.Addr().BitLen())},

			RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second, MaxSetup: 1000,
		},
		Transport: transport.Options{ListenPacket: e.wire.ListenPacket, ListenStream: e.wire.Listen, Dial: e.wire.Dial},
		Screener:  allowAll{}, Recorder: allowAll{}, Log: slog.New(slog.DiscardHandler),
		DNS: everyHost{zone.New(nil), e.pbx.Addr()},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.gateway = g
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = g.Shutdown(now) // calls it cuts off are what the test left behind
		_ = listener.Close()
		for _, p := range e.peers {
			p.close()
		}
		synctest.Wait()
	})
	return e
}

// everyHost is a DNS in which every host has the same address.
type everyHost struct {
	*zone.Zone
	addr netip.Addr
}

func (d everyHost) Addrs(context.Context, string) ([]netip.Addr, time.Duration, error) {
	return []netip.Addr{d.addr}, 0, nil
}

// peer is what speaks to the gateway from one address.
type peer struct {
	answer func(message string) string // at once; nil or "" for none
	mu     sync.Mutex
	socket net.PacketConn
	conns  []net.Conn
	got    []string // what came in and was not answered
}

func (e *edge) datagrams(addr netip.AddrPort, answer func(string) string) *peer {
	e.t.Helper()
	socket, err := e.wire.ListenPacket(addr)
	if err != nil {
		e.t.Fatal(err)
	}
	p := &peer{socket: socket, answer: answer}
	e.peers = append(e.peers, p)
	go func() {
		buf := make([]byte, 1<<17)
		for {
			n, from, err := socket.ReadFrom(buf)
			if err != nil {
				return
			}
			p.take(string(buf[:n]), func(b []byte) { _, _ = socket.WriteTo(b, from) })
		}
	}()
	return p
}

// stream connects the trunk to the gateway.
func (e *edge) stream() *peer {
	e.t.Helper()
	conn, err := e.wire.Dial(context.Background(), e.trunk.Addr(), e.own)
	if err != nil {
		e.t.Fatal(err)
	}
	p := &peer{}
	e.peers = append(e.peers, p)
	go p.read(conn)
	synctest.Wait()
	return p
}

var lengthLine = regexp.MustCompile(`(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)`)

// read cuts what a connection brings into messages until it ends.
func (p *peer) read(conn net.Conn) {
	p.mu.Lock()
	p.conns = append(p.conns, conn)
	p.mu.Unlock()
	var text string
	buf := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buf)
		text += string(buf[:n])
		for {
			head, body, whole := strings.Cut(text, "\r\n\r\n")
			length := 0
			if m := lengthLine.FindStringSubmatch(head); m != nil {
				length, _ = strconv.Atoi(m[1])
			}
			if !whole || len(body) < length {
				break
			}
			p.take(head+"\r\n\r\n"+body[:length], func(b []byte) { _, _ = conn.Write(b) })
			text = body[length:]
		}
		if err != nil {
			p.mu.Lock()
			p.got = append(p.got, "closed")
			p.mu.Unlock()
			_ = conn.Close()
			return
		}
	}
}

func (p *peer) take(message string, reply func([]byte)) {
	if p.answer != nil {
		if answer := p.answer(message); answer != "" {
			reply([]byte(answer))
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, message)
}

// received takes what came in, once nothing can happen any more without time passing.
func (p *peer) received() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

func (p *peer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.socket != nil {
		_ = p.socket.Close()
	}
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

// send sends text to the gateway: as a datagram, or in pieces of so many bytes on the stream.
func (e *edge) send(p *peer, text string, piece int) {
	e.t.Helper()
	if p.socket != nil {
		if _, err := p.socket.WriteTo([]byte(text), net.UDPAddrFromAddrPort(e.own)); err != nil {
			e.t.Fatal(err)
		}
		return
	}
	p.mu.Lock()
	conn := p.conns[0]
	p.mu.Unlock()
	for len(text) > 0 {
		n := min(piece, len(text))
		if _, err := conn.Write([]byte(text[:n])); err != nil {
			return // the gateway closed it: what it answered tells why
		}
		text = text[n:]
	}
}

// sane begins the Call-ID of the calls that the PBX answers by itself.
const sane = "sane-"

// answerSane answers the requests of a sane call with 200.
func answerSane(message string) string {
	if !strings.Contains(message, "\r\nCall-ID: "+sane) || strings.HasPrefix(message, "ACK ") || strings.HasPrefix(message, "SIP/") {
		return ""
	}
	return response(message, "200 OK")
}

// response is the response of a user agent to a plainly written request.
func response(request, status string) string {
	b := "SIP/2.0 " + status + "\r\n"
	for _, line := range strings.SplitAfter(request[:strings.Index(request, "\r\n\r\n")+2], "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "To":
			if !strings.Contains(line, ";tag=") {
				line = strings.TrimSuffix(line, "\r\n") + ";tag=callee\r\n"
			}
			b += line
		case "Via", "From", "Call-ID", "CSeq", "Record-Route":
			b += line
		}
	}
	return b + "Contact: <sip:callee@pbx.example>\r\nContent-Length: 0\r\n\r\n"
}

// request is a plain request of the trunk to the gateway.
func (e *edge) request(p *peer, method, callID, more string) string {
	protocol := "UDP"
	if p.socket == nil {
		protocol = "TCP"
	}
	e.calls++
	return fmt.Sprintf("%s sip:+862155500001@%s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s-%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:+8613800138000@%s>;tag=a\r\nTo: <sip:+862155500001@%s>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
		method, e.own, protocol, e.trunk, callID, e.calls, e.trunk, e.own, callID, method, more)
}

// call makes a call from the trunk's side and ends it. It returns what is wrong with it: it must be put
// through without any time passing.
func (e *edge) call(p *peer) error {
	callID := fmt.Sprint(sane, e.calls)
	e.send(p, e.request(p, "INVITE", callID, ""), 1<<16)
	answers := p.received()
	answered := slices.IndexFunc(answers, func(m string) bool { return strings.HasPrefix(m, "SIP/2.0 200 ") })
	if answered < 0 {
		return fmt.Errorf("a call is not answered: %q", answers)
	}
	var route string
	for _, line := range strings.Split(answers[answered], "\r\n") {
		if value, ok := strings.CutPrefix(line, "Record-Route: "); ok {
			route = "Route: " + value + "\r\n" + route
		}
	}
	inDialog := func(method string) string {
		text := strings.Replace(e.request(p, method, callID, route), ">\r\nCall-ID", ">;tag=callee\r\nCall-ID", 1)
		return strings.Replace(text, fmt.Sprintf("%s sip:+862155500001@%s", method, e.own), fmt.Sprintf("%s sip:callee@%s", method, e.pbx), 1)
	}
	e.pbxSide.received()
	e.send(p, inDialog("ACK"), 1<<16)
	if got := e.pbxSide.received(); len(got) != 1 || !strings.HasPrefix(got[0], "ACK ") {
		return fmt.Errorf("the PBX received %q in place of the ACK", got)
	}
	e.send(p, inDialog("BYE"), 1<<16)
	if answers = p.received(); len(answers) != 1 || !strings.HasPrefix(answers[0], "SIP/2.0 200 ") {
		return fmt.Errorf("a BYE is answered %q", answers)
	}
	return nil
}

// idle lets all timers run out and checks that nothing is left and nothing went wrong.
func (e *edge) idle() {
	e.t.Helper()
	time.Sleep(5 * time.Minute)
	if s, _ := e.gateway.Stats(); s.Transactions != 0 || s.Setup != 0 || s.Panics != 0 {
		e.t.Errorf("%d transactions and %d calls in setup are left, %d panics", s.Transactions, s.Setup, s.Panics)
	}
}
