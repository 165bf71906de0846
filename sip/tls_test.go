package sip_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/locate/zone"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/authority"
)

// Where the ends of a call over TLS are, over real sockets.
var (
	tlsTrunk = netip.MustParseAddr("127.0.0.2")
	tlsOwn   = netip.MustParseAddr("127.0.0.1")
	tlsPBX   = netip.MustParseAddr("127.0.0.3")
)

const pbxName = "pbx.example"

// secureSite is a gateway between a trunk and a PBX that all speak TLS.
type secureSite struct {
	t          *testing.T
	ca         *authority.Authority
	own        netip.AddrPort
	pbx, trunk net.Listener
}

// startSecureSite starts the gateway; it believes the authority roots when it connects.
func startSecureSite(t *testing.T, roots *authority.Authority) *secureSite {
	t.Helper()
	s := &secureSite{t: t, ca: authority.New(t)}
	if roots == nil {
		roots = s.ca
	}
	s.pbx, s.trunk = s.listen(tlsPBX, pbxName), s.listen(tlsTrunk, tlsTrunk.String())
	credentials := new(transport.Credentials)
	credentials.Use(&transport.Identity{Certificate: s.ca.Issue(tlsOwn.String()), ClientCAs: s.ca.Pool(), Roots: roots.Pool()})
	port := netip.MustParseAddrPort(s.pbx.Addr().String()).Port()
	g, err := sip.Start(sip.Options{
		Listeners: []sip.Listener{{Protocol: transport.TLS, Addr: netip.AddrPortFrom(tlsOwn, 0)}},
		Proxy: proxy.Config{
			Trunks:      []proxy.Trunk{{Name: "carrier", Class: call.ClassDomestic, Sources: []netip.Prefix{netip.PrefixFrom(tlsTrunk, 32)}}},
			Targets:     []proxy.Target{{Name: "pbx", Host: pbxName, Port: port, Protocol: transport.TLS}},
			PBX:         []netip.Prefix{netip.PrefixFrom(tlsPBX, 32)},
			RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second, MaxSetup: 10,
		},
		Transport: transport.Options{TLS: credentials},
		Screener:  allowAll{}, Recorder: allowAll{}, Log: slog.New(slog.DiscardHandler),
		DNS: zone.New(map[string]zone.Records{pbxName: {Addrs: []netip.Addr{tlsPBX}}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.own = g.Addrs()[0]
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listen opens a listener that asks whoever connects for a certificate.
func (s *secureSite) listen(addr netip.Addr, name string) net.Listener {
	s.t.Helper()
	l, err := tls.Listen("tcp4", netip.AddrPortFrom(addr, 0).String(), &tls.Config{
		Certificates: []tls.Certificate{s.ca.Issue(name)}, ClientAuth: tls.RequireAnyClientCert,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	return l
}

// end is one end of a connection, with the messages on it.
type end struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

func (s *secureSite) end(conn net.Conn) *end {
	s.t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return &end{s.t, conn, bufio.NewReader(conn)}
}

func (s *secureSite) accept(l net.Listener) *end {
	s.t.Helper()
	conn, err := l.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.end(conn)
}

// dial connects the trunk to the gateway, without TLS as yet.
func (s *secureSite) dial() net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: tlsTrunk.AsSlice()}, Timeout: time.Second}
	conn, err := d.Dial("tcp4", s.own.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// connect connects the trunk to the gateway.
func (s *secureSite) connect() *end {
	return s.end(tls.Client(s.dial(), &tls.Config{
		RootCAs: s.ca.Pool(), ServerName: tlsOwn.String(), Certificates: []tls.Certificate{s.ca.Issue("carrier.example")},
	}))
}

func (e *end) send(text string) {
	e.t.Helper()
	if _, err := e.conn.Write([]byte(text)); err != nil {
		e.t.Fatal(err)
	}
}

// receive returns the next message, which must begin with prefix. None of them has a body.
func (e *end) receive(prefix string) string {
	e.t.Helper()
	var b strings.Builder
	for {
		line, err := e.reader.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			e.t.Fatalf("%v after %q; want %s", err, b.String(), prefix)
		}
		if line == "\r\n" {
			break
		}
	}
	if !strings.HasPrefix(b.String(), prefix) {
		e.t.Fatalf("received\n%swant %s", b.String(), prefix)
	}
	return b.String()
}

// request is a request of the dialog that the test plays; route is a header line or empty.
func (s *secureSite) request(method, uri, from, to, route string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/TLS peer.example;branch=z9hG4bK-%s\r\nMax-Forwards: 70\r\n%sFrom: %s\r\nTo: %s\r\n"+
		"Call-ID: over-tls\r\nCSeq: 1 %s\r\nContact: <sip:carrier@%s;transport=tls>\r\nContent-Length: 0\r\n\r\n",
		method, uri, method, route, from, to, method, s.trunk.Addr())
}

const (
	caller = "<sip:+8613800138000@carrier.example>;tag=a"
	called = "<sip:+862155500001@gw.example>"
)

// A call over TLS on both sides, to its end, which comes from the PBX. Peers that do not get on with
// their handshakes are there all the while.
func TestCallOverTLS(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
	s := startSecureSite(t, nil)
	for range 3 {
		_ = s.dial() // and says nothing
	}
	trunk := s.connect()
	trunk.send(s.request("INVITE", fmt.Sprintf("sip:+862155500001@%s;transport=tls", s.own), caller, called, ""))
	pbx := s.accept(s.pbx)
	invite := pbx.receive(fmt.Sprintf("INVITE sip:+862155500001@%s:", pbxName))
	state := pbx.conn.(*tls.Conn).ConnectionState()
	if state.ServerName != pbxName || state.PeerCertificates[0].VerifyHostname(tlsOwn.String()) != nil {
		t.Errorf("the PBX was called %q by %v", state.ServerName, state.PeerCertificates[0].Subject)
	}
	if !strings.Contains(invite, "\r\nVia: SIP/2.0/TLS "+s.own.String()+";branch=") {
		t.Errorf("no Via of TLS in\n%s", invite)
	}
	trunk.receive("SIP/2.0 100 ")
	contact := fmt.Sprintf("<sip:callee@%s;transport=tls>", s.pbx.Addr())
	pbx.send(strings.Replace(response(invite, "200 OK"), "<sip:callee@pbx.example>", contact, 1))
	ok := trunk.receive("SIP/2.0 200 ")
	_, rest, _ := strings.Cut(ok, "\r\nRecord-Route: ")
	recorded, _, _ := strings.Cut(rest, "\r\n")
	if want := fmt.Sprintf("<sip:%s;transport=tls;lr;", s.own); !strings.HasPrefix(recorded, want) || strings.Contains(rest, "Record-Route") {
		t.Errorf("Record-Route %s, want %s and no other", recorded, want)
	}
	route := "Route: " + recorded + "\r\n"
	trunk.send(s.request("ACK", strings.Trim(contact, "<>"), caller, called+";tag=callee", route))
	pbx.receive("ACK ") // on the same connection, although its Contact is an address
	pbx.send(s.request("BYE", fmt.Sprintf("sip:carrier@%s;transport=tls", s.trunk.Addr()), called+";tag=callee", caller, route))
	back := s.accept(s.trunk)
	back.send(response(back.receive("BYE "), "200 OK"))
	pbx.receive("SIP/2.0 200 ")
}

// A PBX whose certificate is of an authority that the gateway does not know gets no call.
func TestPBXOfAnUnknownAuthority(t *testing.T) {
	s := startSecureSite(t, authority.New(t))
	trunk := s.connect()
	trunk.send(s.request("INVITE", fmt.Sprintf("sip:+862155500001@%s;transport=tls", s.own), caller, called, ""))
	pbx := s.accept(s.pbx)
	if n, err := pbx.conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the PBX read %d bytes, %v", n, err)
	}
	trunk.receive("SIP/2.0 100 ")
	trunk.receive("SIP/2.0 503 ")
}
