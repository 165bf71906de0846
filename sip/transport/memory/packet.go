package memory

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// maxWaiting is the most datagrams that wait at one address; the rest is lost, as in a socket's buffer.
const maxWaiting = 4096

type datagram struct {
	from netip.AddrPort
	data []byte
}

// packetConn is a net.PacketConn on a Wire.
type packetConn struct {
	wire  *Wire
	local netip.AddrPort

	mu       sync.Mutex
	arrived  *sync.Cond
	waiting  []datagram
	deadline deadline
	closed   bool
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, nil, net.ErrClosed
		case c.deadline.passed:
			return 0, nil, os.ErrDeadlineExceeded
		case len(c.waiting) > 0:
			d := c.waiting[0]
			c.waiting = slices.Delete(c.waiting, 0, 1)
			return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
		}
		c.arrived.Wait()
	}
}

func (c *packetConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, &net.AddrError{Err: "not a UDP address", Addr: addr.String()}
	}
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	to := udp.AddrPort()
	c.wire.deliver(datagram{c.local, slices.Clone(b)}, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	return len(b), nil
}

// deliver lets a datagram travel. One that nobody waits for is lost, as on a real wire.
func (w *Wire) deliver(d datagram, to netip.AddrPort) {
	w.mu.Lock()
	delays := []time.Duration{0}
	if w.delivery != nil {
		delays = w.delivery(d.from, to, d.data)
	}
	w.mu.Unlock()
	for _, delay := range delays {
		if delay <= 0 {
			w.arrive(d, to)
		} else {
			time.AfterFunc(delay, func() { w.arrive(d, to) })
		}
	}
}

func (w *Wire) arrive(d datagram, to netip.AddrPort) {
	w.mu.Lock()
	c := w.packets[to]
	w.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && len(c.waiting) < maxWaiting {
		c.waiting = append(c.waiting, d)
		c.arrived.Signal()
	}
}

func (c *packetConn) Close() error {
	c.wire.mu.Lock()
	if c.wire.packets[c.local] == c {
		delete(c.wire.packets, c.local)
	}
	c.wire.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.deadline.clear()
	c.arrived.Broadcast()
	return nil
}

func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.deadline.at(t)
	return nil
}

// SetWriteDeadline does nothing: writing never waits.
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }
