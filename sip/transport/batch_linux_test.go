package transport

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echoer answers every message with itself, and keeps nothing.
type echoer struct{}

func (echoer) Failed(uint64, *Outbox) {}

func (echoer) Receive(batch []Packet, out *Outbox) {
	for _, p := range batch {
		out.Add(p.Flow, p.Data, 0)
	}
}

// load is a peer that keeps a window of messages under way.
type load struct {
	io      packetIO
	out     Outbox
	window  []int
	waiting int // echoes still to come
	take    func([]Packet) bool
}

func newLoad(tb testing.TB, to netip.AddrPort, message string, window int) *load {
	tb.Helper()
	conn, err := listenPacket(loopback4)
	if err != nil {
		tb.Fatal(err)
	}
	io, err := newPacketIO(conn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = io.close() })
	l := &load{io: io}
	l.take = func(batch []Packet) bool {
		l.waiting -= len(batch)
		return l.waiting > 0
	}
	for i := range window {
		l.out.Add(Flow{Peer: to}, []byte(message), 0)
		l.window = append(l.window, i)
	}
	return l
}

// round sends the window and waits for its echo.
func (l *load) round(tb testing.TB) {
	for sent := 0; sent < len(l.window); {
		n, err := l.io.send(&l.out, l.window[sent:])
		if err != nil {
			tb.Fatal(err)
		}
		sent += n
	}
	l.waiting = len(l.window)
	if err := l.io.receive(l.take); err != nil {
		tb.Fatal(err)
	}
}

// From socket to handler to socket nothing is allocated, neither here nor by the peer of the test.
func TestDatagramsAreMovedWithoutAllocating(t *testing.T) {
	for name, o := range map[string]Options{"batched": {}, "single": {ListenPacket: listenSingle}} {
		t.Run(name, func(t *testing.T) {
			n := start(t, echoer{}, o, Listener{UDP, loopback4})
			l := newLoad(t, n.Addrs()[0], options(strings.Repeat("b", 700)), 32)
			l.round(t)
			// AllocsPerRun counts the whole process, the reader's goroutine with it.
			if allocs := testing.AllocsPerRun(200, func() { l.round(t) }); allocs != 0 {
				t.Errorf("%v allocations for 32 messages", allocs)
			}
		})
	}
}

func TestStreamsAreMovedWithoutAllocating(t *testing.T) {
	n := start(t, echoer{}, Options{}, Listener{TCP, loopback4})
	conn, err := net.Dial("tcp4", n.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	message := []byte(strings.Repeat(options("v=0"), 8))
	buf := make([]byte, len(message))
	round := func() {
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(buf); {
			n, err := conn.Read(buf[got:])
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}
	for range 100 {
		round()
	}
	if allocs := testing.AllocsPerRun(200, round); allocs != 0 {
		t.Errorf("%v allocations for 8 messages", allocs)
	}
}

// BenchmarkEcho echoes 1 KB datagrams over loopback, moved in batches and one by one; one operation is
// one message there and back. The peer that makes the load moves batches in both cases, in a thread of
// its own; cpu-ns/op is the CPU time of all the other threads, which is what the gateway costs.
func BenchmarkEcho(b *testing.B) {
	for _, way := range []struct {
		name    string
		options Options
	}{{"batched", Options{}}, {"single", Options{ListenPacket: listenSingle}}} {
		b.Run(way.name, func(b *testing.B) {
			n := start(b, echoer{}, way.options, Listener{UDP, loopback4})
			message := options(strings.Repeat("b", 1024-len(options(""))-2))
			l := newLoad(b, n.Addrs()[0], message, batchSize)
			l.round(b)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			runtime.GC()
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			messages := 0
			began := gatewayCPU(b)
			for b.Loop() {
				if messages%batchSize == 0 {
					l.round(b)
				}
				messages++
			}
			b.ReportMetric(float64(gatewayCPU(b)-began)/float64(messages), "cpu-ns/op")
		})
	}
}

// gatewayCPU is the CPU time of the process without that of the calling thread.
func gatewayCPU(tb testing.TB) time.Duration {
	var process, thread unix.Rusage
	if err := errors.Join(unix.Getrusage(unix.RUSAGE_SELF, &process), unix.Getrusage(unix.RUSAGE_THREAD, &thread)); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(process.Utime.Nano() + process.Stime.Nano() - thread.Utime.Nano() - thread.Stime.Nano())
}
