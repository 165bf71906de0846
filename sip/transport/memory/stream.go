package memory

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	backlog    = 128      // connections that wait to be accepted
	pipeBuffer = 64 << 10 // bytes that wait to be read; a writer beyond them waits
)

// listener is a net.Listener on a Wire.
type listener struct {
	wire *Wire
	addr netip.AddrPort

	mu      sync.Mutex
	arrived *sync.Cond
	waiting []*conn
	closed  bool
}

// offer queues a connection to be accepted; it is false when the listener takes none.
func (l *listener) offer(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) == backlog {
		return false
	}
	l.waiting = append(l.waiting, c)
	l.arrived.Signal()
	return true
}

func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && len(l.waiting) == 0 {
		l.arrived.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return c, nil
}

func (l *listener) Close() error {
	l.wire.mu.Lock()
	if l.wire.streams[l.addr] == l {
		delete(l.wire.streams, l.addr)
	}
	l.wire.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	l.arrived.Broadcast()
	var errs []error
	for _, c := range l.waiting {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// half carries the bytes of one direction of a connection.
type half struct {
	mu            sync.Mutex
	changed       *sync.Cond
	data          []byte
	ended         bool // the writing end has closed: the reader sees EOF after the data
	broken        bool // the reading end has closed: nobody will read
	readDeadline  deadline
	writeDeadline deadline
}

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	h.readDeadline.init(&h.mu, h.changed)
	h.writeDeadline.init(&h.mu, h.changed)
	return h
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, net.ErrClosed
		case h.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case len(h.data) > 0:
			n := copy(b, h.data)
			h.data = slices.Delete(h.data, 0, n)
			h.changed.Broadcast()
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) write(b []byte) (written int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.ended:
			return written, net.ErrClosed
		case h.broken:
			return written, syscall.EPIPE
		case h.writeDeadline.passed:
			return written, os.ErrDeadlineExceeded
		}
		if n := min(len(b), pipeBuffer-len(h.data)); n > 0 {
			h.data = append(h.data, b[:n]...)
			b, written = b[n:], written+n
			h.changed.Broadcast()
		}
		if len(b) == 0 {
			return written, nil
		}
		h.changed.Wait()
	}
}

// end closes the half from its writing end.
func (h *half) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.writeDeadline.clear()
	h.changed.Broadcast()
}

// breakOff closes the half from its reading end.
func (h *half) breakOff() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	h.readDeadline.clear()
	h.changed.Broadcast()
}

// conn is one end of a connection on a Wire. It can be half-closed, as a TCP connection can.
type conn struct {
	local, remote netip.AddrPort
	in, out       *half
}

// pipe returns the two ends of a new connection.
func pipe(near, far netip.AddrPort) (*conn, *conn) {
	a, b := newHalf(), newHalf()
	return &conn{near, far, a, b}, &conn{far, near, b, a}
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }

// CloseWrite ends the outgoing direction: the peer reads EOF after what was written.
func (c *conn) CloseWrite() error {
	c.out.end()
	return nil
}

func (c *conn) Close() error {
	c.out.end()
	c.in.breakOff()
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	if c.in.broken {
		return net.ErrClosed
	}
	c.in.readDeadline.at(t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.out.ended {
		return net.ErrClosed
	}
	c.out.writeDeadline.at(t)
	return nil
}
