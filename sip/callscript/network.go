package callscript

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// network is what participants and gateway speak over: a wire in memory, or loopback.
type network struct {
	wire *memory.Wire // nil: loopback
	next [4]byte      // addresses given away, by role
}

// address chooses where a participant is, which is its own address: sources tell trunks apart.
func (n *network) address(p *partySpec) (netip.Addr, error) {
	kind := 0
	prefix := [3]byte{198, 51, 100}
	switch p.role {
	case roleTarget, roleDivert, rolePBX:
		kind, prefix = 1, [3]byte{203, 0, 113}
	case roleStranger:
		kind, prefix = 2, [3]byte{192, 0, 2}
	}
	if n.wire == nil {
		prefix = [3]byte{127, 0, byte(2 + kind)}
		if p.addr.IsValid() {
			return netip.Addr{}, fmt.Errorf("%s has an address of its own, which loopback has not", p.name)
		}
	}
	if p.addr.IsValid() {
		return p.addr, nil
	}
	n.next[kind]++
	last := n.next[kind]
	if kind == 2 {
		last += 100 // the gateway's network
	}
	return netip.AddrFrom4([4]byte{prefix[0], prefix[1], prefix[2], last}), nil
}

// options are the transport's options for the network.
func (n *network) options() transport.Options {
	if n.wire == nil {
		return transport.Options{}
	}
	return transport.Options{ListenPacket: n.wire.ListenPacket, ListenStream: n.wire.Listen, Dial: n.wire.Dial}
}

// port is the port that listeners ask for.
func (n *network) port() uint16 {
	if n.wire == nil {
		return 0
	}
	return 5060
}

// bindTries is how often a port that is free for datagrams may turn out taken for streams.
const bindTries = 10

// open opens a host's two sockets on one port.
func (n *network) open(host netip.Addr) (packets net.PacketConn, streams net.Listener, err error) {
	for range bindTries {
		if n.wire != nil {
			packets, err = n.wire.ListenPacket(netip.AddrPortFrom(host, n.port()))
		} else {
			packets, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
		}
		if err != nil {
			return nil, nil, err
		}
		local := packets.LocalAddr().(*net.UDPAddr).AddrPort()
		if n.wire != nil {
			streams, err = n.wire.Listen(local)
		} else {
			streams, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(local))
		}
		if err == nil {
			return packets, streams, nil
		}
		err = errors.Join(err, packets.Close())
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, nil, err
}

// free finds a port of a host that is free for datagrams and streams.
func (n *network) free(host netip.Addr) (netip.AddrPort, error) {
	packets, streams, err := n.open(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	local := packets.LocalAddr().(*net.UDPAddr).AddrPort()
	return local, errors.Join(packets.Close(), streams.Close())
}

// reopen opens a host's stream socket again.
func (n *network) reopen(local netip.AddrPort) (net.Listener, error) {
	if n.wire != nil {
		return n.wire.Listen(local)
	}
	return net.ListenTCP("tcp", net.TCPAddrFromAddrPort(local))
}

func (n *network) dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	if n.wire != nil {
		return n.wire.Dial(ctx, from, to)
	}
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	return d.DialContext(ctx, "tcp", to.String())
}
