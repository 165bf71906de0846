package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Network is the gateway's side of the wire: its listeners and its connections.
type Network struct {
	options     Options
	handler     Handler
	specs       []Listener
	addrs       []netip.AddrPort  // of the listeners, in their order
	datagrams   []*datagramSocket // by listener, nil where it is one of streams; at last Options.Inside
	listeners   []net.Listener    // by listener, nil where it is one of datagrams
	connections connections
	failures    failures
	counters    counters
	complaints  rate.Sometimes // about handshakes

	// delivering is read-held while messages are handled and answered, so that Close closes no socket
	// before what was just answered is sent.
	delivering sync.RWMutex

	closing     context.Context // ends when Close begins
	close       context.CancelFunc
	dialContext context.Context // of every attempt to connect; ends when Close waits no longer
	cancel      context.CancelFunc
	readers     sync.WaitGroup // every goroutine but the one that reports failures
	last        sync.WaitGroup // that one
}

// Listen opens the listeners, all or none. Nothing is read until Serve.
func Listen(specs []Listener, options Options) (*Network, error) {
	n := &Network{
		options:    options.withDefaults(),
		specs:      slices.Clone(specs),
		complaints: rate.Sometimes{Interval: time.Second},
		addrs:      make([]netip.AddrPort, len(specs)),
		datagrams:  make([]*datagramSocket, len(specs)),
		listeners:  make([]net.Listener, len(specs)),
	}
	n.connections.init()
	n.failures.wake = make(chan struct{}, 1)
	n.dialContext, n.cancel = context.WithCancel(context.Background())
	n.closing, n.close = context.WithCancel(n.dialContext)
	for i, spec := range specs {
		if err := n.listen(i, spec); err != nil {
			n.cancel()
			return nil, errors.Join(fmt.Errorf("cannot listen on %s: %w", spec, err), n.closeSockets())
		}
	}
	if inside := n.options.Inside; inside != nil {
		n.datagrams = append(n.datagrams, &datagramSocket{network: n, index: uint16(len(specs)), io: newSingleIO(inside)})
		n.listeners = append(n.listeners, nil)
	}
	return n, nil
}

func (n *Network) listen(i int, spec Listener) error {
	switch spec.Protocol {
	case UDP:
		conn, err := n.options.ListenPacket(spec.Addr)
		if err != nil {
			return err
		}
		n.addrs[i] = addrPort(conn.LocalAddr())
		io, err := newPacketIO(conn)
		if err != nil {
			return err
		}
		n.datagrams[i] = &datagramSocket{network: n, index: uint16(i), io: io}
	case TCP, TLS:
		if spec.Protocol == TLS && n.options.TLS == nil {
			return errors.New("there is no certificate for it")
		}
		listener, err := n.options.ListenStream(spec.Addr)
		if err != nil {
			return err
		}
		n.listeners[i] = listener
		n.addrs[i] = addrPort(listener.Addr())
	default:
		return errors.New("there is no such protocol (udp, tcp or tls)")
	}
	return nil
}

// Addrs returns the addresses listened on, in the order of the listeners given, with the ports that
// the system chose where 0 was asked for.
func (n *Network) Addrs() []netip.AddrPort { return append([]netip.AddrPort(nil), n.addrs...) }

// Serve starts reading, in goroutines that end with Close, and returns at once. It is called once,
// before anything is sent.
func (n *Network) Serve(h Handler) {
	n.handler = h
	n.last.Go(n.reportFailures)
	for _, socket := range n.datagrams {
		if socket != nil {
			n.readers.Go(socket.read)
		}
	}
	for i, listener := range n.listeners {
		if listener != nil {
			n.readers.Go(func() { n.accept(uint16(i), n.specs[i].Protocol, listener) })
		}
	}
}

// Send sends everything in out and empties it. It does not wait for streams: what cannot be written
// or connected at once is queued. It may be called from any goroutine, each with its own Outbox.
func (n *Network) Send(out *Outbox) {
	if out.Len() == 0 {
		return
	}
	// In their order, also from one transport to another: a 100 must be on its way before the INVITE
	// that was sent on can be answered.
	for i := 0; i < len(out.messages); {
		m := &out.messages[i]
		switch {
		case m.flow.Protocol != UDP:
			n.sendStream(m.flow, m.server, out.arena[m.start:m.end], m.token)
			i++
		case int(m.flow.Listener) >= len(n.datagrams) || n.datagrams[m.flow.Listener] == nil:
			n.undelivered(m.token) // there is no such UDP listener
			i++
		default:
			i = n.datagrams[m.flow.Listener].send(out, i)
		}
	}
	out.Reset()
}

// Close stops reading at once, lets what was read be answered, gives connections until ctx ends to write what is queued for them, and
// closes them. When it returns, no goroutine of the Network runs any more. The error is that of ctx
// when messages were left unwritten, or of a listener that would not close. It is called once.
func (n *Network) Close(ctx context.Context) error {
	n.close()
	n.delivering.Lock()
	err := n.closeSockets()
	n.delivering.Unlock()
	streams := n.connections.shut()
	for _, s := range streams {
		s.finish()
	}
	late := 0
	for _, s := range streams {
		select {
		case <-s.written:
		case <-ctx.Done():
			late++
		}
	}
	if late > 0 {
		err = errors.Join(err, fmt.Errorf("%d connections closed with messages unwritten: %w", late, ctx.Err()))
	}
	n.cancel()
	for _, s := range streams {
		s.abort()
	}
	n.readers.Wait()
	n.failures.close()
	n.last.Wait()
	return err
}

func (n *Network) closeSockets() error {
	var errs []error
	for i := range n.datagrams {
		if socket := n.datagrams[i]; socket != nil {
			errs = append(errs, socket.io.close())
		}
		if listener := n.listeners[i]; listener != nil {
			errs = append(errs, listener.Close())
		}
	}
	return errors.Join(errs...)
}

// pause waits before a failing listening socket is tried again, longer each time in a row, up to a
// second. It is false when the Network closes.
func (n *Network) pause(failures int) bool {
	wait := time.NewTimer(min(time.Millisecond<<min(failures, 10), time.Second))
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-n.closing.Done():
		return false
	}
}

// deliver hands a batch to the handler and sends what it answers.
func (n *Network) deliver(batch []Packet, out *Outbox) {
	if len(batch) == 0 {
		return
	}
	n.delivering.RLock()
	defer n.delivering.RUnlock()
	n.counters.received.Add(uint64(len(batch)))
	n.handler.Receive(batch, out)
	n.Send(out)
}
