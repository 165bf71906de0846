package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Options say how an Engine reaches the network.
type Options struct {
	// Local4 and Local6 are the addresses that sockets are bound to. The zero Addr: none of that family.
	Local4, Local6 netip.Addr
	// First and Last bound the UDP ports of legs: RTP at an even one, RTCP at the odd one above it.
	First, Last uint16
	// Rest is how long a port stays unused after its leg closed, so that what was sent to that leg does
	// not reach another.
	Rest time.Duration
	// Silence is how long neither RTP nor RTCP may come by a stream that is to receive before EventSilent;
	// 0: it is not told.
	Silence time.Duration
	// NAT is how long after Agree the first packet of a peer may come from another address than the
	// one negotiated, as it does from behind an address translator; 0: it may not. Anybody who knows the
	// port can then send that packet.
	NAT time.Duration
	// Listen opens a socket, as sip/transport/memory's Wire does in tests; nil: the system's sockets.
	Listen func(netip.AddrPort) (net.PacketConn, error)
	Log    *slog.Logger // nil: slog.Default
}

// Engine carries the media of all treated calls: one goroutine sends what is due, and on Linux one
// for two processors receives at the sockets. Its methods are safe for concurrent use.
type Engine struct {
	options Options
	ports   *ports
	clock   *clock
	network network
	totals  totals

	mu     sync.Mutex // also held while the legs' hearers change
	legs   map[*Leg]struct{}
	closed bool
}

// NewEngine starts an engine. The caller must Close it. The error says which option is wrong.
func NewEngine(o Options) (*Engine, error) {
	if !o.Local4.IsValid() && !o.Local6.IsValid() {
		return nil, errors.New("media: neither an IPv4 nor an IPv6 address to bind RTP sockets to")
	}
	if o.Local4.IsValid() && !o.Local4.Is4() || o.Local6.IsValid() && (!o.Local6.Is6() || o.Local6.Is4In6()) {
		return nil, fmt.Errorf("media: %s is to be an IPv4 address and %s an IPv6 one", o.Local4, o.Local6)
	}
	ports, err := newPorts(o.First, o.Last, o.Rest)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e := &Engine{options: o, ports: ports, clock: newClock(), legs: make(map[*Leg]struct{})}
	if o.Listen != nil {
		e.network = &packetNetwork{listen: o.Listen}
	} else if e.network, err = newNetwork(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	go e.clock.run()
	return e, nil
}

// Close closes every leg and ends the engine.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return net.ErrClosed
	}
	e.closed = true
	legs := make([]*Leg, 0, len(e.legs))
	for l := range e.legs {
		legs = append(legs, l)
	}
	e.mu.Unlock()
	for _, l := range legs {
		l.Close()
	}
	e.clock.close()
	return e.network.close()
}

// Free is the number of legs for which there is a port now.
func (e *Engine) Free() int { return e.ports.left(e.clock.now()) }

// bindTries bounds the search for a port that no other program uses.
const bindTries = 64

// Open binds the ports of a new leg, of peer's family. handle is told what happens at the leg. It is
// called from the engine's goroutines and from within Play, Stop and Close, never with a lock held; it
// must not block. The error wraps ErrNoPorts when none is free.
func (e *Engine) Open(peer netip.Addr, handle func(Event)) (*Leg, error) {
	local := e.options.Local4
	if peer.Unmap().Is6() {
		local = e.options.Local6
	}
	if !local.IsValid() {
		return nil, fmt.Errorf("media: no address of ours to reach %s from", peer)
	}
	var failed []uint16
	defer func() {
		for _, port := range failed {
			e.ports.give(port, e.clock.now())
		}
	}()
	var last error
	for len(failed) < bindTries {
		port, ok := e.ports.take(e.clock.now())
		if !ok {
			break
		}
		l, err := e.bind(netip.AddrPortFrom(local, port), handle)
		if err == nil {
			return l, e.admit(l)
		}
		failed, last = append(failed, port), err
	}
	e.totals.noPorts.Add(1)
	if last != nil {
		return nil, fmt.Errorf("media: %w: %w", ErrNoPorts, last)
	}
	return nil, fmt.Errorf("media: %w: all %d pairs of %d-%d", ErrNoPorts, e.ports.total, e.options.First, e.options.Last)
}

// bind makes a leg at a port.
func (e *Engine) bind(local netip.AddrPort, handle func(Event)) (*Leg, error) {
	l := newLeg(e, local, handle)
	// Packets that come at once wait at the leg's lock until it is whole.
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.rtp, err = e.network.open(local, l, false); err != nil {
		return nil, err
	}
	if l.rtcp, err = e.network.open(netip.AddrPortFrom(local.Addr(), local.Port()+1), l, true); err != nil {
		return nil, errors.Join(err, l.rtp.close())
	}
	return l, nil
}

// admit makes a leg one of the engine's. An engine that was closed meanwhile closes it.
func (e *Engine) admit(l *Leg) error {
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.legs[l] = struct{}{}
	}
	e.mu.Unlock()
	if closed {
		l.Close()
		return fmt.Errorf("media: %w", net.ErrClosed)
	}
	e.clock.plan(&l.care, ticks(e.clock.now())+careTicks)
	return nil
}
