package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
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
		for i := range uint64(5) {
			send(n, Flow{Peer: pbx, Protocol: TCP}, options(decimal(int(i))), i+1)
		}
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

func TestDialTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		w.Silence(pbx)
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		began := time.Now()
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 1)
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 2)
		if got := h.waitFailed(2); !slices.Equal(got, []uint64{1, 2}) || time.Since(began) != 4*time.Second {
			t.Errorf("failed %v after %v", got, time.Since(began))
		}
		synctest.Wait()
		if s := n.Stats(); s.DialFailures != 1 || s.Open != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestDialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.MaxDialling = 2
		h := newRecorder(nil)
		n := start(t, h, o, Listener{TCP, gateway})
		for i := range uint16(3) {
			to := netip.AddrPortFrom(pbx.Addr(), 6000+i)
			w.Silence(to)
			send(n, Flow{Peer: to, Protocol: TCP}, options(""), uint64(i)+1)
		}
		began := time.Now()
		if got := h.waitFailed(1); got[0] != 3 || time.Since(began) != 0 {
			t.Errorf("failed %v after %v", got, time.Since(began))
		}
		h.waitFailed(3)
	})
}

func TestPeerThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		deaf, err := w.Listen(pbx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = deaf.Close() }()
		far, h := newRecorder(nil), newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, trunk})
		o := onWire(w)
		o.MaxQueue = 100_000
		n := start(t, h, o, Listener{TCP, gateway})
		message := options(strings.Repeat("b", 20_000))
		for i := range uint64(10) { // 3 fit the wire; 5 the queue, and the 6th ends it
			send(n, Flow{Peer: pbx, Protocol: TCP}, message, i+1)
			send(n, Flow{Peer: trunk, Protocol: TCP}, message, i+101)
			synctest.Wait()
		}
		far.wait(10)
		failed := h.waitFailed(5)
		if failed[0] < 2 || failed[len(failed)-1] > 100 {
			t.Errorf("failed: %v", failed)
		}
		if s := n.Stats(); s.QueueFull != 1 {
			t.Errorf("stats %+v", s)
		}
		conn, err := deaf.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	})
}

func TestPeerThatReadsNothingStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		deaf, err := w.Listen(pbx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = deaf.Close() }()
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		began := time.Now()
		for i := range uint64(4) {
			send(n, Flow{Peer: pbx, Protocol: TCP}, options(strings.Repeat("b", 20_000)), i+1)
		}
		h.waitFailed(1)
		if waited := time.Since(began); waited != 32*time.Second {
			t.Errorf("gave up after %v", waited)
		}
	})
}

func TestStreamTimeouts(t *testing.T) {
	tests := []struct {
		name   string
		opens  string        // written at once
		drip   string        // then a byte a second
		closes time.Duration // after the beginning
		stalls uint64
	}{
		{"idle", "", "", 10 * time.Minute, 0},
		{"idle after a message", options(""), "", 10 * time.Minute, 0},
		{"half a message", options("")[:30], "", 32 * time.Second, 1},
		{"slow loris", "", strings.Repeat("a", 40), 32 * time.Second, 1},
		{"kept alive", "", strings.Repeat("\n", 900), 899*time.Second + 10*time.Minute, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := memory.New()
				n := start(t, newRecorder(nil), onWire(w), Listener{TCP, gateway})
				conn := connect(t, w, trunk.Addr())
				began := time.Now()
				go func() {
					_, _ = io.WriteString(conn, test.opens)
					for i := range test.drip {
						if _, err := conn.Write([]byte{test.drip[i]}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				expectClosed(t, conn)
				if got := time.Since(began); got != test.closes {
					t.Errorf("closed after %v, want %v", got, test.closes)
				}
				synctest.Wait()
				if got := n.Stats(); got.Stalled != test.stalls || got.Open != 0 {
					t.Errorf("stats %+v", got)
				}
				time.Sleep(2 * time.Second) // for the drip to notice
			})
		})
	}
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

func TestAcceptBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.MaxAccepted, o.MaxAcceptedPerPeer = 3, 2
		n := start(t, newRecorder(nil), o, Listener{TCP, gateway})
		first := connect(t, w, trunk.Addr())
		connect(t, w, trunk.Addr())
		expectClosed(t, connect(t, w, trunk.Addr())) // its third
		connect(t, w, pbx.Addr())
		expectClosed(t, connect(t, w, netip.MustParseAddr("192.0.2.9"))) // everybody's fourth
		_ = first.Close()
		synctest.Wait()
		again := connect(t, w, trunk.Addr()) // there is room again
		write(t, again, "\r\n\r\n")
		expect(t, again, "\r\n")
		if s := n.Stats(); s.Accepted != 4 || s.Refused != 2 || s.Open != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestAdmissionOfStreamsFollowsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		var admitted atomic.Pointer[netip.Addr]
		peer := trunk.Addr()
		admitted.Store(&peer)
		o := onWire(w)
		o.Admit = func(a netip.Addr) bool { return a == *admitted.Load() }
		h := newRecorder(echo)
		n := start(t, h, o, Listener{TCP, gateway})
		expectClosed(t, connect(t, w, pbx.Addr()))
		conn := connect(t, w, trunk.Addr())
		write(t, conn, options(""))
		expect(t, conn, options(""))
		other := pbx.Addr()
		admitted.Store(&other)
		write(t, conn, options(""))
		expectClosed(t, conn)
		if s := n.Stats(); s.UnknownSource != 2 || s.Received != 1 {
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
