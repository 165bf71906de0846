package transport

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ringfence/sip/transport/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options is a SIP request of a fair size, with the body given.
func options(body string) string {
	return "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\n" +
		"Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n" +
		"From: <sip:alice@192.0.2.1>;tag=1928301774\r\n" +
		"To: <sip:bob@192.0.2.2>\r\n" +
		"Call-ID: a84b4c76e66710\r\n" +
		"CSeq: 1 OPTIONS\r\n" +
		"Content-Length: " + decimal(len(body)) + "\r\n\r\n" + body
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + decimal(n%10)
}

// recorder is a handler that keeps what it is given, and answers as it is told.
type recorder struct {
	answer func(Packet, *Outbox) // nil answers nothing
	failed func(token uint64, out *Outbox)

	mu      sync.Mutex
	changed *sync.Cond
	packets []Packet
	tokens  []uint64
}

func newRecorder(answer func(Packet, *Outbox)) *recorder {
	r := &recorder{answer: answer}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *recorder) Receive(batch []Packet, out *Outbox) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range batch {
		r.packets = append(r.packets, Packet{p.Flow, slices.Clone(p.Data)})
		if r.answer != nil {
			r.answer(p, out)
		}
	}
	r.changed.Broadcast()
}

func (r *recorder) Failed(token uint64, out *Outbox) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, token)
	if r.failed != nil {
		r.failed(token, out)
	}
	r.changed.Broadcast()
}

// wait returns the packets received once there are n.
func (r *recorder) wait(n int) []Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.packets) < n {
		r.changed.Wait()
	}
	return slices.Clone(r.packets)
}

// waitFailed returns the tokens of failed messages, sorted, once there are n.
func (r *recorder) waitFailed(n int) []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.tokens) < n {
		r.changed.Wait()
	}
	return slices.Sorted(slices.Values(r.tokens))
}

func (r *recorder) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, p := range r.packets {
		texts = append(texts, string(p.Data))
	}
	return texts
}

func echo(p Packet, out *Outbox) { out.Add(p.Flow, p.Data, 0) }

// onWire makes options for a Network on an in-memory wire.
func onWire(w *memory.Wire) Options {
	return Options{ListenPacket: w.ListenPacket, ListenStream: w.Listen, Dial: w.Dial}
}

// start opens and serves a Network that the test closes at its end.
func start(t testing.TB, h Handler, o Options, specs ...Listener) *Network {
	t.Helper()
	n, err := Listen(specs, o)
	if err != nil {
		t.Fatal(err)
	}
	n.Serve(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

func send(n *Network, flow Flow, message string, token uint64) {
	var out Outbox
	out.Add(flow, []byte(message), token)
	n.Send(&out)
}

var (
	trunk   = netip.MustParseAddrPort("192.0.2.1:5060")
	gateway = netip.MustParseAddrPort("192.0.2.2:5060")
	pbx     = netip.MustParseAddrPort("192.0.2.3:5060")
)

func TestListenOpensAllOrNone(t *testing.T) {
	w := memory.New()
	_, err := Listen([]Listener{{UDP, gateway}, {TCP, gateway}, {UDP, gateway}}, onWire(w))
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "udp 192.0.2.2:5060") {
		t.Fatalf("error %v does not name the listener that is taken", err)
	}
	if _, err := Listen([]Listener{{Protocol(9), gateway}}, onWire(w)); err == nil {
		t.Error("a listener of no known protocol was opened")
	}
	n := start(t, newRecorder(nil), onWire(w), Listener{UDP, gateway}, Listener{TCP, gateway})
	if got := n.Addrs(); !slices.Equal(got, []netip.AddrPort{gateway, gateway}) {
		t.Errorf("addresses %v", got)
	}
}

func TestUndeliverableIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{UDP, gateway}, Listener{TCP, gateway})
		large := strings.Repeat("x", MaxMessage+1)
		send(n, Flow{Peer: pbx, Listener: 1}, options(""), 1)                // a TCP listener for UDP
		send(n, Flow{Peer: pbx, Listener: 7}, options(""), 2)                // no such listener
		send(n, Flow{Peer: pbx, Listener: 7, Protocol: TCP}, options(""), 3) // nor for TCP
		send(n, Flow{Listener: 1, Protocol: TCP}, options(""), 4)            // no peer
		send(n, Flow{Peer: pbx, Listener: 1, Protocol: TCP}, options(""), 5) // nobody listens there
		send(n, Flow{Peer: pbx, Listener: 0}, large, 6)                      // too large for UDP
		send(n, Flow{Peer: pbx, Listener: 1, Protocol: TCP}, large, 7)       // and for TCP
		send(n, Flow{Peer: pbx, Listener: 7}, options(""), 0)                // without token: not reported
		if got := h.waitFailed(7); !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6, 7}) {
			t.Errorf("failed: %v", got)
		}
		synctest.Wait()
		if got := n.Stats(); got.SendErrors != 8 || got.Oversize != 2 || got.DialFailures != 1 || got.Open != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestFailedMayTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		far := newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, trunk})
		h := newRecorder(nil)
		h.failed = func(_ uint64, out *Outbox) { // the next target, as a proxy would
			out.Add(Flow{Peer: trunk, Listener: 0, Protocol: TCP}, []byte(options("")), 2)
		}
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 1)
		far.wait(1)
	})
}

// A handler that answers each failure with a message that fails must not keep Close from ending.
func TestCloseEndsFailuresThatCauseFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		h := newRecorder(nil)
		h.failed = func(token uint64, out *Outbox) {
			out.Add(Flow{Peer: pbx, Protocol: TCP}, []byte(options("")), token)
		}
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 1)
		h.waitFailed(3)
	})
}
