package memory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	a = netip.MustParseAddrPort("192.0.2.1:5060")
	b = netip.MustParseAddrPort("192.0.2.2:5060")
)

func listenPacket(t *testing.T, w *Wire, addr netip.AddrPort) net.PacketConn {
	t.Helper()
	conn, err := w.ListenPacket(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func writeTo(t *testing.T, conn net.PacketConn, text string, to netip.AddrPort) {
	t.Helper()
	if _, err := conn.WriteTo([]byte(text), net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
}

func TestDatagramsTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		near, far := listenPacket(t, w, a), listenPacket(t, w, b)
		writeTo(t, near, "nobody", netip.MustParseAddrPort("192.0.2.3:5060"))
		writeTo(t, near, "hello", b)
		buf := make([]byte, 10)
		n, from, err := far.ReadFrom(buf)
		if err != nil || string(buf[:n]) != "hello" || from.String() != a.String() {
			t.Errorf("%q from %v, %v", buf[:n], from, err)
		}
	})
}

// The fate of datagrams is decided by direction: here those from a are lost, doubled or late.
func TestImpairment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		near, far := listenPacket(t, w, a), listenPacket(t, w, b)
		fates := map[string][]time.Duration{
			"lost": nil, "twice": {0, time.Second}, "late": {3 * time.Second}, "back": {0},
		}
		w.Impair(func(from, _ netip.AddrPort, data []byte) []time.Duration {
			if from != a {
				return []time.Duration{0}
			}
			return fates[string(data)]
		})
		began := time.Now()
		for _, text := range []string{"late", "lost", "twice"} {
			writeTo(t, near, text, b)
		}
		writeTo(t, far, "lost", a)
		for _, want := range []string{"twice 0s", "twice 1s", "late 3s"} {
			buf := make([]byte, 10)
			n, _, err := far.ReadFrom(buf)
			if got := string(buf[:n]) + " " + time.Since(began).String(); err != nil || got != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		}
		if n, _, err := near.ReadFrom(make([]byte, 10)); n != 4 || err != nil {
			t.Errorf("the other direction brought %d bytes, %v", n, err)
		}
	})
}

func TestPacketsBeyondTheBufferAreLost(t *testing.T) {
	w := New()
	near, far := listenPacket(t, w, a), listenPacket(t, w, b)
	for i := range maxWaiting + 10 {
		writeTo(t, near, strconv.Itoa(i), b)
	}
	if err := far.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for i := range maxWaiting {
		if n, _, err := far.ReadFrom(buf); err != nil || string(buf[:n]) != strconv.Itoa(i) {
			t.Fatalf("%d: %q, %v", i, buf[:n], err)
		}
	}
	if err := far.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := far.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("there was more: %v", err)
	}
}

func TestClosedPacketConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		conn := listenPacket(t, w, a)
		if _, err := w.ListenPacket(a); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second listener: %v", err)
		}
		if _, err := w.ListenPacket(netip.MustParseAddrPort("0.0.0.0:5060")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("an unspecified address: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = conn.Close()
		}()
		if _, _, err := conn.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		if _, err := conn.WriteTo(nil, net.UDPAddrFromAddrPort(b)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
		again := listenPacket(t, w, a)
		_ = conn.Close() // must not take the address from the new one
		writeTo(t, again, "me", a)
		if n, _, err := again.ReadFrom(make([]byte, 10)); n != 2 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// connect returns the two ends of a connection from a's address to b.
func connect(t *testing.T, w *Wire) (near, far net.Conn) {
	t.Helper()
	l, err := w.Listen(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if near, err = w.Dial(t.Context(), a.Addr(), b); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(near.Close(), far.Close()) })
	return near, far
}

func TestStreamsCarryBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New())
		if near.LocalAddr().String() != far.RemoteAddr().String() || near.RemoteAddr().String() != b.String() {
			t.Errorf("%v - %v, %v - %v", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
		}
		sent := bytes.Repeat([]byte("0123456789"), pipeBuffer/4) // more than fits
		go func() {
			_, _ = near.Write(sent)
			_ = near.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
		}
		if _, err := far.Write([]byte("back")); err != nil {
			t.Errorf("the other direction is closed: %v", err)
		}
		buf := make([]byte, 10)
		if n, err := near.Read(buf); string(buf[:n]) != "back" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
	})
}

func TestStreamDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := connect(t, New())
		began := time.Now()
		if err := near.SetDeadline(began.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("read: %v after %v", err, time.Since(began))
		}
		if err := near.SetDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := near.Write(make([]byte, pipeBuffer+1))
		if n != pipeBuffer || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 2*time.Second {
			t.Errorf("write: %d bytes, %v after %v", n, err, time.Since(began))
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
	})
}

func TestClosedStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New())
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read from a closed peer: %v", err)
		}
		if _, err := near.Write(make([]byte, 1)); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: %v", err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after Close: %v", err)
		}
		if _, err := far.Write(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: %v", err)
		}
	})
}

func TestDialFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		if _, err := w.Dial(t.Context(), a.Addr(), b); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
		w.Silence(b)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if _, err := w.Dial(ctx, a.Addr(), b); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 4*time.Second {
			t.Errorf("silent: %v after %v", err, time.Since(began))
		}
	})
}

func TestClosedListenerDropsWhatItDidNotAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		l, err := w.Listen(b)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := w.Dial(t.Context(), a.Addr(), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v", err)
		}
		if _, err := w.Dial(t.Context(), a.Addr(), b); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
	})
}
