package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/sip/transport/authority"
	"ringfence/sip/transport/memory"
)

// withTLS makes options for a Network on an in-memory wire with an identity.
func withTLS(w *memory.Wire, id *Identity) Options {
	o := onWire(w)
	o.TLS = new(Credentials)
	o.TLS.Use(id)
	return o
}

// secure connects to the gateway as a peer that is no Network, and shakes hands.
func secure(t *testing.T, w *memory.Wire, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	conn := tls.Client(connect(t, w, trunk.Addr()), config)
	return conn, conn.HandshakeContext(t.Context())
}

func TestTLSCarriesMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		far, near := newRecorder(echo), newRecorder(nil)
		start(t, far, withTLS(w, &Identity{Certificate: ca.Issue(pbx.Addr().String())}), Listener{TLS, pbx})
		n := start(t, near, withTLS(w, &Identity{Roots: ca.Pool()}), Listener{TLS, gateway})
		large := strings.Repeat("b", 60_000)
		for i, body := range []string{"first", large, "third"} {
			send(n, Flow{Peer: pbx, Protocol: TLS}, options(body), uint64(i)+1)
		}
		for i, p := range near.wait(3) {
			if p.Flow.Protocol != TLS || p.Flow.Peer != pbx || p.Flow.Conn == 0 {
				t.Errorf("%d: flow %+v", i, p.Flow)
			}
		}
		if got := near.texts(); got[1] != options(large) {
			t.Errorf("the large message came back with %d bytes", len(got[1]))
		}
		if got := far.wait(3)[0].Flow; got.Protocol != TLS || got.Peer.Addr() != gateway.Addr() {
			t.Errorf("flow at the far end %+v", got)
		}
		if s := n.Stats(); s.Dialled != 1 || s.Open != 1 || s.SendErrors != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A connection serves messages for the server that its peer has proved to be, and for no other.
func TestTLSVerifiesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca, stranger := authority.New(t), authority.New(t)
		far, near := newRecorder(nil), newRecorder(nil)
		start(t, far, withTLS(w, &Identity{Certificate: ca.Issue("pbx.example", "sip.example")}), Listener{TLS, pbx})
		start(t, far, withTLS(w, &Identity{Certificate: stranger.Issue("pbx.example")}), Listener{TLS, trunk})
		start(t, far, onWire(w), Listener{TCP, gateway})
		var log strings.Builder
		o := withTLS(w, &Identity{Roots: ca.Pool()})
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		n := start(t, near, o, Listener{UDP, gateway})

		var out Outbox
		add := func(server string, flow Flow, token uint64) {
			flow.Protocol = TLS
			out.AddTo(server, flow, []byte(options("")), token)
		}
		add("pbx.example", Flow{Peer: pbx}, 1)
		add("pbx.example", Flow{Peer: pbx}, 2)
		add("SIP.example", Flow{Peer: pbx}, 3)
		add("mallory.example", Flow{Peer: pbx}, 11) // not its name
		add("", Flow{Peer: pbx}, 12)                // nor its address
		add("pbx.example", Flow{Peer: trunk}, 13)   // an authority nobody knows
		add("pbx.example", Flow{Peer: gateway}, 14) // does not speak TLS
		n.Send(&out)
		if got := near.waitFailed(4); !slices.Equal(got, []uint64{11, 12, 13, 14}) {
			t.Errorf("failed %v", got)
		}
		far.wait(3)
		synctest.Wait()
		if s := n.Stats(); s.Dialled != 2 || s.DialFailures != 4 || s.Open != 2 {
			t.Errorf("stats %+v", s)
		}
		if lines := strings.Count(log.String(), "a TLS handshake failed"); lines != 1 {
			t.Errorf("%d lines within a second, want one:\n%s", lines, log.String())
		}
	})
}

func TestMutualTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca, stranger := authority.New(t), authority.New(t)
		own := ca.Issue(gateway.Addr().String())
		n := start(t, newRecorder(echo), withTLS(w, &Identity{Certificate: own, ClientCAs: ca.Pool()}), Listener{TLS, gateway})
		for name, shown := range map[string][]tls.Certificate{
			"known": {ca.Issue("trunk.example")}, "unknown": {stranger.Issue("trunk.example")}, "none": nil,
		} {
			conn, err := secure(t, w, &tls.Config{RootCAs: ca.Pool(), ServerName: gateway.Addr().String(), Certificates: shown})
			if err != nil {
				t.Fatal(err)
			}
			if name == "known" {
				write(t, conn, options(""))
				expect(t, conn, options(""))
				continue
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("a client whose certificate is %s: %v, want an alert", name, err)
			}
		}
		// The gateway shows its own certificate where it is asked for one.
		far, near := newRecorder(nil), newRecorder(nil)
		start(t, far, withTLS(w, &Identity{Certificate: ca.Issue("pbx.example"), ClientCAs: ca.Pool()}), Listener{TLS, pbx})
		client := start(t, near, withTLS(w, &Identity{Certificate: own, Roots: ca.Pool()}), Listener{UDP, gateway})
		var out Outbox
		out.AddTo("pbx.example", Flow{Peer: pbx, Protocol: TLS}, []byte(options("")), 1)
		client.Send(&out)
		far.wait(1)
		if s := n.Stats(); s.HandshakeFailures != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTLSRefusesOldVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		n := start(t, newRecorder(nil), withTLS(w, &Identity{Certificate: ca.Issue("gateway.example")}), Listener{TLS, gateway})
		config := &tls.Config{RootCAs: ca.Pool(), ServerName: "gateway.example", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		if _, err := secure(t, w, config); err == nil {
			t.Error("TLS 1.1 was taken")
		}
		config.MaxVersion = tls.VersionTLS12
		if _, err := secure(t, w, config); err != nil {
			t.Errorf("TLS 1.2: %v", err)
		}
		synctest.Wait()
		if s := n.Stats(); s.HandshakeFailures != 1 || s.Open != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A peer that does not get on with its handshake holds nobody up, counts as one of its connections, and
// loses it.
func TestSlowHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		o := withTLS(w, &Identity{Certificate: ca.Issue("gateway.example")})
		o.MaxAcceptedPerPeer = 3
		n := start(t, newRecorder(echo), o, Listener{TLS, gateway})
		began := time.Now()
		silent, drip := connect(t, w, trunk.Addr()), connect(t, w, trunk.Addr())
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for _, err := drip.Write([]byte{0x16}); err == nil; _, err = drip.Write([]byte{3}) {
				time.Sleep(time.Second)
			}
		})
		conn, err := secure(t, w, &tls.Config{RootCAs: ca.Pool(), ServerName: "gateway.example"})
		if err != nil || time.Since(began) != 0 {
			t.Fatalf("a third connection: %v after %v", err, time.Since(began))
		}
		write(t, conn, options(""))
		expect(t, conn, options(""))
		expectClosed(t, connect(t, w, trunk.Addr())) // its fourth
		expectClosed(t, silent)
		if waited := time.Since(began); waited != 4*time.Second {
			t.Errorf("closed after %v", waited)
		}
		dripping.Wait()
		synctest.Wait()
		if s := n.Stats(); s.HandshakeFailures != 2 || s.Refused != 1 || s.Open != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A server that accepts and then says nothing fails what was meant for it, and nothing else.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		deaf, err := w.Listen(pbx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = deaf.Close() }()
		h := newRecorder(nil)
		n := start(t, h, withTLS(w, &Identity{Roots: ca.Pool()}), Listener{TLS, gateway})
		began := time.Now()
		send(n, Flow{Peer: pbx, Protocol: TLS}, options(""), 1)
		h.waitFailed(1)
		if waited := time.Since(began); waited != 4*time.Second {
			t.Errorf("failed after %v", waited)
		}
	})
}

// A certificate that is replaced is shown from then on; open connections stay.
func TestIdentityIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		o := withTLS(w, &Identity{Certificate: ca.Issue("old.example")})
		start(t, newRecorder(echo), o, Listener{TLS, gateway})
		before, err := secure(t, w, &tls.Config{RootCAs: ca.Pool(), ServerName: "old.example"})
		if err != nil {
			t.Fatal(err)
		}
		o.TLS.Use(&Identity{Certificate: ca.Issue("new.example")})
		if _, err := secure(t, w, &tls.Config{RootCAs: ca.Pool(), ServerName: "new.example"}); err != nil {
			t.Errorf("the new certificate: %v", err)
		}
		write(t, before, options(""))
		expect(t, before, options(""))
	})
}

func TestTLSNeedsAnIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		if _, err := Listen([]Listener{{TLS, gateway}}, onWire(w)); err == nil || !strings.Contains(err.Error(), "tls 192.0.2.2:5060") {
			t.Errorf("a listener without one: %v", err)
		}
		start(t, newRecorder(nil), onWire(w), Listener{TCP, pbx})
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		send(n, Flow{Peer: pbx, Protocol: TLS}, options(""), 1)
		h.waitFailed(1)
	})
}

// Close neither waits for handshakes nor leaves peers in doubt whether something was cut off.
func TestCloseOfTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		ca := authority.New(t)
		n, err := Listen([]Listener{{TLS, gateway}}, withTLS(w, &Identity{Certificate: ca.Issue("gateway.example")}))
		if err != nil {
			t.Fatal(err)
		}
		n.Serve(newRecorder(nil))
		conn, err := secure(t, w, &tls.Config{RootCAs: ca.Pool(), ServerName: "gateway.example"})
		if err != nil {
			t.Fatal(err)
		}
		silent := connect(t, w, trunk.Addr())
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
		if waited := expectClosed(t, conn); waited != 0 { // io.EOF: the end in good order
			t.Errorf("closed after %v", waited)
		}
		expectClosed(t, silent)
	})
}

// Over real sockets, with the options that the gateway runs with.
func TestTLSOverLoopback(t *testing.T) {
	ca := authority.New(t)
	own := new(Credentials)
	own.Use(&Identity{Certificate: ca.Issue("127.0.0.1"), Roots: ca.Pool(), ClientCAs: ca.Pool()})
	peer := start(t, newRecorder(echo), Options{TLS: own}, Listener{TLS, loopback4})
	near := newRecorder(nil)
	n := start(t, near, Options{TLS: own}, Listener{TLS, loopback4})
	send(n, Flow{Peer: peer.Addrs()[0], Protocol: TLS}, options("v=0"), 1)
	if got := near.wait(1)[0]; string(got.Data) != options("v=0") {
		t.Errorf("%+v %q", got.Flow, got.Data)
	}
	bad := "BYE sip:bob@192.0.2.2 SIP/2.0\r\nContent-Length: many\r\n\r\n"
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp4", peer.Addrs()[0].String(),
		&tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue("peer.example")}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	write(t, conn, bad+strings.Repeat("more ", 50_000))
	if got, err := io.ReadAll(conn); err != nil || string(got) != bad {
		t.Errorf("read %q, %v", got, err)
	}
}
