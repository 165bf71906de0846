package sip_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// A large INVITE goes over TCP where the PBX takes it and over UDP where it does not (RFC 3261 §18.1.1), and
// is one call in each case.
func TestLargeRequests(t *testing.T) {
	tests := []struct {
		name     string
		listens  bool // the PBX takes connections
		silent   bool // it drops attempts to connect instead of refusing them
		via      string
		answered time.Duration
	}{
		{"takes TCP", true, false, "SIP/2.0/TCP", 0},
		{"refuses TCP", false, false, "SIP/2.0/UDP", 0},
		{"drops TCP", false, true, "SIP/2.0/UDP", transport.DialTimeout},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &edge{t: t, wire: memory.New(), trunk: ipv4[0], own: ipv4[1], pbx: ipv4[2]}
				e.trunkSide, e.pbxSide = e.datagrams(e.trunk, nil), e.datagrams(e.pbx, nil)
				if test.listens {
					e.acceptAtPBX()
				}
				if test.silent {
					e.wire.Silence(e.pbx)
				}
				e.startForLarge()
				e.send(e.trunkSide, e.request(e.trunkSide, "INVITE", "large", "Subject: "+strings.Repeat("s", 1300)+"\r\n"), 0)
				time.Sleep(test.answered)
				got := e.pbxSide.received()
				if len(got) != 1 || !strings.HasPrefix(got[0], "INVITE ") || !strings.Contains(got[0], "\r\nVia: "+test.via+" 192.0.2.10:5060;") {
					t.Fatalf("the PBX received %q", got)
				}
				e.answer(response(got[0], "200 OK"))
				answers := e.trunkSide.received()
				if last := answers[len(answers)-1]; !strings.HasPrefix(last, "SIP/2.0 200 ") || strings.Count(last, "\r\nVia: ") != 1 {
					t.Errorf("the trunk received %q", answers)
				}
				time.Sleep(time.Minute)
				if s, _ := e.gateway.Stats(); s.Transactions != 0 || s.Panics != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

// acceptAtPBX lets the PBX take connections.
func (e *edge) acceptAtPBX() {
	e.t.Helper()
	listener, err := e.wire.Listen(e.pbx)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go e.pbxSide.read(conn)
		}
	}()
}

// startForLarge starts the gateway of an edge, which tries large requests over TCP.
func (e *edge) startForLarge() {
	e.t.Helper()
	g, err := sip.Start(sip.Options{
		Listeners: []sip.Listener{{Protocol: transport.UDP, Addr: e.own}, {Protocol: transport.TCP, Addr: e.own}},
		Proxy: proxy.Config{
			Trunks:       []proxy.Trunk{{Name: "carrier", Class: call.ClassDomestic, Sources: []netip.Prefix{netip.PrefixFrom(e.trunk.Addr(), 32)}}},
			Targets:      []proxy.Target{{Name: "pbx", Host: e.pbx.Addr().String(), Port: e.pbx.Port()}},
			LargeOverTCP: true,
			RingTimeout:  200 * time.Second, TryNextAfter: 500 * time.Millisecond, MaxSetup: 10,
		},
		Transport: transport.Options{ListenPacket: e.wire.ListenPacket, ListenStream: e.wire.Listen, Dial: e.wire.Dial},
		Screener:  allowAll{}, Recorder: allowAll{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.gateway = g
	e.t.Cleanup(func() {
		if err := g.Shutdown(context.Background()); err != nil {
			e.t.Error(err)
		}
		for _, p := range e.peers {
			p.close()
		}
	})
}

// answer sends a response of the PBX the way its request came.
func (e *edge) answer(text string) {
	e.t.Helper()
	var err error
	if e.pbxSide.mu.Lock(); len(e.pbxSide.conns) > 0 {
		_, err = e.pbxSide.conns[0].Write([]byte(text))
	} else {
		_, err = e.pbxSide.socket.WriteTo([]byte(text), net.UDPAddrFromAddrPort(e.own))
	}
	e.pbxSide.mu.Unlock()
	if err != nil {
		e.t.Fatal(err)
	}
}
