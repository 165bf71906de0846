package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/sip/transport/memory"
)

// connect dials the gateway as a peer that is no Network.
func connect(t *testing.T, w *memory.Wire, from netip.Addr) net.Conn {
	t.Helper()
	conn, err := w.Dial(t.Context(), from, gateway)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// expect reads exactly the text given.
func expect(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v; want %q", got[:n], err, text)
	}
}

// expectClosed waits for the other end to close and returns how long that took.
func expectClosed(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
	return time.Since(began)
}

func TestStreamAnswersOnItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		h := newRecorder(echo)
		n := start(t, h, onWire(w), Listener{UDP, gateway}, Listener{TCP, gateway})
		conn := connect(t, w, trunk.Addr())
		first, second := options("first"), options("second")
		write(t, conn, first[:20])
		synctest.Wait()
		write(t, conn, first[20:]+second+"\r\n\r\n")
		expect(t, conn, first+second+"\r\n")
		flow := h.wait(2)[0].Flow
		synctest.Wait()
		if flow.Peer != addrPort(conn.LocalAddr()) || flow.Conn == 0 || flow.Listener != 1 || flow.Protocol != TCP {
			t.Errorf("flow %+v", flow)
		}
		if got := n.Stats(); got.Received != 2 || got.Sent != 2 || got.KeepAlives != 1 || got.Accepted != 1 || got.Open != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestStreamDialsOnceAndReuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		far, near := newRecorder(echo), newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, pbx})
		n := start(t, near, onWire(w), Listener{TCP, gateway})
		var out Outbox
		for i := range uint64(5) {
			out.AddTo([]string{"", "pbx.example"}[i%2], Flow{Peer: pbx, Protocol: TCP}, []byte(options(decimal(int(i)))), i+1)
		}
		n.Send(&out)
		got := near.wait(5)
		for i, p := range got {
			if string(p.Data) != options(decimal(i)) || p.Flow != got[0].Flow || p.Flow.Peer != pbx {
				t.Errorf("%d: %+v %q", i, p.Flow, p.Data)
			}
		}
		// The connection serves the far side's own requests too.
		from := far.wait(5)[0].Flow
		if from.Peer.Addr() != gateway.Addr() {
			t.Errorf("dialled from %v", from.Peer)
		}
		send(n, got[0].Flow, options("by number"), 0)
		far.wait(6)
		if s := n.Stats(); s.Dialled != 1 || s.Open != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestResponseFindsAnotherWayWhenItsConnectionIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		far, near := newRecorder(nil), newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, trunk})
		n := start(t, near, onWire(w), Listener{TCP, gateway})
		conn := connect(t, w, trunk.Addr())
		write(t, conn, options(""))
		flow := near.wait(1)[0].Flow
		_ = conn.Close()
		synctest.Wait()
		flow.Peer = trunk // sent-by, as RFC 3261 §18.2.2 has it
		send(n, flow, options("answer"), 1)
		if got := far.wait(1)[0]; string(got.Data) != options("answer") {
			t.Errorf("got %q", got.Data)
		}
	})
}

func TestUnframeableStreamIsAnsweredAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		h := newRecorder(func(_ Packet, out *Outbox) {})
		h.answer = func(p Packet, out *Outbox) { out.Add(p.Flow, []byte("SIP/2.0 400 Bad Content-Length\r\n\r\n"), 0) }
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		conn := connect(t, w, trunk.Addr())
		bad := "BYE sip:bob@192.0.2.2 SIP/2.0\r\nContent-Length: many\r\n\r\n"
		write(t, conn, bad+strings.Repeat("and more", 1000))
		expect(t, conn, "SIP/2.0 400 Bad Content-Length\r\n\r\n")
		expectClosed(t, conn)
		if got := h.texts(); len(got) != 1 || got[0] != bad {
			t.Errorf("handed over: %q", got)
		}
		garbage := connect(t, w, trunk.Addr())
		write(t, garbage, "\x16\x03\x01")
		expectClosed(t, garbage)
		if s := n.Stats(); s.BadFraming != 1 || s.NotSIP != 1 || s.Received != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		far := newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, pbx})
		n, err := Listen([]Listener{{TCP, gateway}}, onWire(w))
		if err != nil {
			t.Fatal(err)
		}
		n.Serve(newRecorder(nil))
		message := options(strings.Repeat("b", 60_000))
		for range 5 {
			send(n, Flow{Peer: pbx, Protocol: TCP}, message, 0)
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
		far.wait(5)
	})
}

func TestCloseDoesNotWaitBeyondItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		w.Silence(pbx)
		h := newRecorder(nil)
		n, err := Listen([]Listener{{TCP, gateway}}, onWire(w))
		if err != nil {
			t.Fatal(err)
		}
		n.Serve(h)
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if got := h.waitFailed(1); got[0] != 1 {
			t.Errorf("failed %v", got)
		}
	})
}

// Over real sockets: a connection is dialled from its listener's address.
func TestStreamsOverLoopback(t *testing.T) {
	far := newRecorder(echo)
	peer := start(t, far, Options{}, Listener{TCP, loopback4}, Listener{TCP, loopback6})
	near := newRecorder(nil)
	n := start(t, near, Options{}, Listener{TCP, netip.MustParseAddrPort("127.0.0.2:0")}, Listener{UDP, loopback6})
	for i, to := range peer.Addrs() {
		flow := Flow{Peer: to, Listener: uint16(i), Protocol: TCP}
		send(n, flow, options("v=0"), 1)
		got := near.wait(i + 1)[i]
		if string(got.Data) != options("v=0") || got.Flow.Peer != to || got.Flow.Listener != uint16(i) {
			t.Errorf("%+v %q", got.Flow, got.Data)
		}
		if from := far.wait(i + 1)[i].Flow.Peer.Addr(); from != n.Addrs()[i].Addr() {
			t.Errorf("dialled from %v", from)
		}
	}
}

// The answer to what cannot be framed arrives, and no reset after it, although the peer sent more than
// was needed to see that.
func TestUnframeableStreamIsNotReset(t *testing.T) {
	n := start(t, newRecorder(echo), Options{}, Listener{TCP, loopback4})
	conn, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(n.Addrs()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	bad := "BYE sip:bob@192.0.2.2 SIP/2.0\r\nContent-Length: many\r\n\r\n"
	write(t, conn, bad+strings.Repeat("more ", 50_000))
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != bad {
		t.Errorf("read %q, %v", got, err)
	}
}
