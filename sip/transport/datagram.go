package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
)

// batchSize is the most datagrams moved in one system call.
const batchSize = 64

// packetIO moves datagrams through one socket.
type packetIO interface {
	// receive calls handle with each batch of datagrams that arrives, of which Peer and Data are set and
	// valid until handle returns, until handle is false or an error ends it: one of the socket, after
	// which receive may be called again, or net.ErrClosed. One goroutine calls it.
	receive(handle func(batch []Packet) bool) error
	// send sends the messages of out that batch names, at most batchSize, in order. It returns how many
	// were sent; an error is that of the message after them. Several goroutines call it.
	send(out *Outbox, batch []int) (int, error)
	// close closes the socket and ends receive.
	close() error
}

type datagramSocket struct {
	network *Network
	index   uint16 // of the listener
	io      packetIO
}

// read hands datagrams to the handler until the socket is closed. No other error ends it: an ICMP
// message that any stranger can cause must not make us deaf.
func (s *datagramSocket) read() {
	var out Outbox
	errorsInRow := 0
	handle := func(batch []Packet) bool {
		errorsInRow = 0
		s.network.deliver(s.network.screen(batch, s.index), &out)
		return true
	}
	for {
		err := s.io.receive(handle)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.network.counters.receiveErrors.Add(1)
		if errorsInRow++; errorsInRow > 1 && !s.network.pause(errorsInRow) {
			return
		}
	}
}

// screen keeps, in place, the packets that a handler needs to see, and completes their flows.
func (n *Network) screen(batch []Packet, listener uint16) []Packet {
	kept := batch[:0]
	for _, p := range batch {
		// Empty lines may stand before a message on any transport (RFC 3261 §7.5).
		data := bytes.TrimLeft(p.Data, "\r\n")
		switch {
		case int(listener) < len(n.specs) && !n.options.Admit(p.Flow.Peer.Addr().WithZone("")):
			n.counters.unknownSource.Add(1)
		case len(data) == 0:
			n.counters.keepAlives.Add(1)
		case len(data) < minMessage || !startsMessage(data[0]):
			n.counters.notSIP.Add(1)
		default:
			flow := Flow{Peer: p.Flow.Peer, Listener: listener, Protocol: UDP}
			kept = append(kept, Packet{Flow: flow, Data: data})
		}
	}
	return kept
}

// send sends the messages of out from index i on, as far as they are for this socket, and returns the
// index of the first that is not.
func (s *datagramSocket) send(out *Outbox, i int) int {
	out.batch = out.batch[:0]
	for ; i < len(out.messages); i++ {
		m := &out.messages[i]
		if m.flow.Protocol != UDP || m.flow.Listener != s.index {
			break
		}
		if m.end-m.start > MaxMessage {
			s.network.counters.oversize.Add(1)
			s.network.undelivered(m.token)
			continue
		}
		if out.batch = append(out.batch, i); len(out.batch) == batchSize {
			s.flush(out, out.batch)
			out.batch = out.batch[:0]
		}
	}
	s.flush(out, out.batch)
	return i
}

// flush sends one batch. A datagram that the system refuses is left out, and the rest still goes.
func (s *datagramSocket) flush(out *Outbox, batch []int) {
	for len(batch) > 0 {
		n, err := s.io.send(out, batch)
		s.network.counters.sent.Add(uint64(n))
		batch = batch[n:]
		if err != nil {
			s.network.undelivered(out.messages[batch[0]].token)
			batch = batch[1:]
		}
	}
}

// udpConn is what a *net.UDPConn offers to move datagrams without allocating.
type udpConn interface {
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
}

// singleIO moves one datagram at a time, through any net.PacketConn.
type singleIO struct {
	conn   udpConn
	closer io.Closer
	buf    [MaxMessage]byte
	packet [1]Packet
}

func newSingleIO(conn net.PacketConn) *singleIO {
	if c, ok := conn.(udpConn); ok {
		return &singleIO{conn: c, closer: conn}
	}
	return &singleIO{conn: packetConn{conn}, closer: conn}
}

func (s *singleIO) close() error { return s.closer.Close() }

func (s *singleIO) receive(handle func([]Packet) bool) error {
	for {
		n, peer, err := s.conn.ReadFromUDPAddrPort(s.buf[:])
		if err != nil {
			return err
		}
		s.packet[0] = Packet{Flow: Flow{Peer: unmap(peer)}, Data: s.buf[:n:n]}
		if !handle(s.packet[:]) {
			return nil
		}
	}
}

func (s *singleIO) send(out *Outbox, batch []int) (int, error) {
	for n, i := range batch {
		flow, data, _ := out.Message(i)
		if _, err := s.conn.WriteToUDPAddrPort(data, flow.Peer); err != nil {
			return n, err
		}
	}
	return len(batch), nil
}

// packetConn gives a net.PacketConn the methods of udpConn.
type packetConn struct{ net.PacketConn }

func (c packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := c.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	return n, addrPort(addr), nil
}

func (c packetConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.WriteTo(b, net.UDPAddrFromAddrPort(to))
}
