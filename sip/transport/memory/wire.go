// Package memory is a wire in memory: datagrams and streams between addresses that exist nowhere else.
// All waiting is on condition variables and timers, so that what is built on a Wire made inside a
// testing/synctest bubble runs in virtual time.
package memory

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Delivery decides the fate of a datagram: one copy arrives after each of the delays returned, so that
// none is a loss and two are a duplication. It is called for one datagram at a time, in the order they
// are sent, and must not use the Wire.
type Delivery func(from, to netip.AddrPort, data []byte) []time.Duration

// Wire connects everything that listens on it. Its methods are safe for concurrent use.
type Wire struct {
	mu       sync.Mutex
	packets  map[netip.AddrPort]*packetConn
	streams  map[netip.AddrPort]*listener
	silent   map[netip.AddrPort]bool
	delivery Delivery
	nextPort uint16
}

// New makes a wire that delivers every datagram once, at once.
func New() *Wire {
	return &Wire{
		packets:  make(map[netip.AddrPort]*packetConn),
		streams:  make(map[netip.AddrPort]*listener),
		silent:   make(map[netip.AddrPort]bool),
		nextPort: firstEphemeral,
	}
}

const firstEphemeral = 49152

// Impair makes d decide the fate of every datagram from now on. Nil delivers all of them, at once.
func (w *Wire) Impair(d Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delivery = d
}

// Silence makes addr swallow attempts to connect, as a host that is down does: Dial waits for its
// context to end.
func (w *Wire) Silence(addr netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent[addr] = true
}

// ListenPacket opens addr for datagrams; with port 0 a free one is chosen. The address must be
// specified: a wire has no interfaces. EADDRINUSE is wrapped when addr is taken.
func (w *Wire) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addr, err := free(w, w.packets, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(addr), Err: err}
	}
	c := &packetConn{wire: w, local: addr}
	c.arrived = sync.NewCond(&c.mu)
	c.deadline.init(&c.mu, c.arrived)
	w.packets[addr] = c
	return c, nil
}

// Listen opens addr for connections; with port 0 a free one is chosen. The address must be specified.
// EADDRINUSE is wrapped when addr is taken.
func (w *Wire) Listen(addr netip.AddrPort) (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addr, err := free(w, w.streams, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	l := &listener{wire: w, addr: addr}
	l.arrived = sync.NewCond(&l.mu)
	w.streams[addr] = l
	return l, nil
}

// Dial connects from a free port of the address from to a listener. ECONNREFUSED is wrapped when
// nothing listens there, the error of ctx when the address is silent.
func (w *Wire) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	local := netip.AddrPortFrom(from, w.ephemeral())
	l, silent := w.streams[to], w.silent[to]
	w.mu.Unlock()
	fail := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	if silent {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	near, far := pipe(local, to)
	if l == nil || !l.offer(far) {
		return nil, fail(syscall.ECONNREFUSED)
	}
	return near, nil
}

// free returns addr, with a free port where it has none; w.mu is held.
func free[V any](w *Wire, taken map[netip.AddrPort]V, addr netip.AddrPort) (netip.AddrPort, error) {
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
		return addr, syscall.EADDRNOTAVAIL
	}
	if addr.Port() == 0 {
		return netip.AddrPortFrom(addr.Addr(), w.ephemeral()), nil
	}
	if _, ok := taken[addr]; ok {
		return addr, syscall.EADDRINUSE
	}
	return addr, nil
}

// ephemeral returns a port not returned before, as far as they go; w.mu is held.
func (w *Wire) ephemeral() uint16 {
	port := w.nextPort
	if w.nextPort++; w.nextPort == 0 {
		w.nextPort = firstEphemeral
	}
	return port
}
