package media

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/rtp"
)

// maxDatagram is the longest packet taken, in bytes; a longer one is dropped: it is what fits an
// Ethernet frame.
const maxDatagram = 1500

// scratch is the memory in which one goroutine reads, takes apart and builds packets.
type scratch struct {
	in     [maxDatagram + 1]byte // one more than is taken, to know what is too long
	out    [maxDatagram]byte
	packet rtp.Packet
}

// socket is one UDP port of a leg.
type socket interface {
	// send does not block: what the system has no room for is lost, and is an error. The leg's lock is
	// held, so that packets leave in the order of their sequence numbers.
	send(b []byte, to netip.AddrPort) error
	close() error
}

// network opens sockets and hands what they receive to their legs.
type network interface {
	// open opens a socket for leg's RTP, or its RTCP where control is true.
	open(local netip.AddrPort, leg *Leg, control bool) (socket, error)
	// close ends all receiving; the sockets are closed before.
	close() error
}

// packetNetwork receives with a goroutine for each socket, through any net.PacketConn.
type packetNetwork struct {
	listen  func(netip.AddrPort) (net.PacketConn, error)
	readers sync.WaitGroup
}

type packetSocket struct{ conn net.PacketConn }

func (n *packetNetwork) open(local netip.AddrPort, leg *Leg, control bool) (socket, error) {
	conn, err := n.listen(local)
	if err != nil {
		return nil, err
	}
	n.readers.Go(func() {
		for s := new(scratch); ; {
			length, from, err := readFrom(conn, s.in[:])
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err == nil: // else an ICMP message, which any stranger can cause
				leg.receive(s, length, from, control)
			}
		}
	})
	return packetSocket{conn}, nil
}

func (n *packetNetwork) close() error {
	n.readers.Wait()
	return nil
}

func (s packetSocket) close() error { return s.conn.Close() }

func (s packetSocket) send(b []byte, to netip.AddrPort) error {
	var err error
	if udp, ok := s.conn.(*net.UDPConn); ok {
		_, err = udp.WriteToUDPAddrPort(b, to)
	} else {
		_, err = s.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	return err
}

// readFrom reads without allocating, where conn can.
func readFrom(conn net.PacketConn, b []byte) (int, netip.AddrPort, error) {
	if udp, ok := conn.(*net.UDPConn); ok {
		return udp.ReadFromUDPAddrPort(b)
	}
	n, addr, err := conn.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, netip.AddrPort{}, &net.AddrError{Err: "not a UDP address", Addr: addr.String()}
	}
	return n, udp.AddrPort(), nil
}

// listenUDP opens one of the system's sockets.
func listenUDP(local netip.AddrPort) (net.PacketConn, error) {
	return net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
}
