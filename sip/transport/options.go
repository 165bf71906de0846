package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Listener names a socket to be opened. An IPv4 address serves IPv4 peers only and an IPv6 address
// IPv6 peers only, so that 0.0.0.0 and [::] can stand side by side on one port.
type Listener struct {
	Protocol Protocol
	Addr     netip.AddrPort // port 0 lets the system choose; see Network.Addrs
}

// String is the listener as an operator writes it: "udp 192.0.2.1:5060".
func (l Listener) String() string { return l.Protocol.String() + " " + l.Addr.String() }

// Options tunes a Network. The zero value of each field stands for the default it names.
type Options struct {
	// Admit says whether a peer may talk to us at all. It is asked for every datagram, when a
	// connection is accepted, and again whenever an accepted connection brings bytes, before any of
	// them reach the handler. It must be fast and safe to call from several goroutines; to change it at
	// run time, let it read an atomic pointer. Nil admits everybody. The address has no zone.
	Admit func(netip.Addr) bool

	// TLS is who the gateway is to the peers of TLS connections. TLS listeners need it, and without it no
	// TLS connection can be made.
	TLS *Credentials
	// Log is told why TLS handshakes fail, at most once a second. Nil: nobody is told.
	Log *slog.Logger

	MaxAccepted        int // accepted connections open at a time; default 4096
	MaxAcceptedPerPeer int // of them, from one address; default 256
	MaxDialled         int // connections made by us, open or in the making; default 1024
	MaxDialling        int // of them, in the making; default 64
	MaxQueue           int // bytes that may wait to be written to one connection; default 1 MiB

	DialTimeout      time.Duration // for a connection to be made; default DialTimeout
	HandshakeTimeout time.Duration // for the TLS handshake on a connection; default 4 s
	IdleTimeout      time.Duration // that a connection may bring nothing; default 10 min
	StallTimeout     time.Duration // from a message's first byte to its last, read or written; default 32 s

	// Inside, if not nil, is one more listener, for UDP, behind those given: a wire in memory whose other
	// end is part of the process. It is closed with the Network. Admit is not asked about it.
	Inside net.PacketConn

	// ListenPacket, ListenStream and Dial replace the system's sockets, so that tests can run on an
	// in-memory wire. Dial connects from the address of a listener, any when that is unspecified.
	ListenPacket func(addr netip.AddrPort) (net.PacketConn, error)
	ListenStream func(addr netip.AddrPort) (net.Listener, error)
	Dial         func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// DialTimeout is how long a connection may take to be made, unless Options say otherwise: a peer that
// is there answers at once, and the first packet to it may be lost once.
const DialTimeout = 2 * time.Second

func (o Options) withDefaults() Options {
	if o.Admit == nil {
		o.Admit = func(netip.Addr) bool { return true }
	}
	o.MaxAccepted = cmp.Or(o.MaxAccepted, 4096)
	o.MaxAcceptedPerPeer = cmp.Or(o.MaxAcceptedPerPeer, 256)
	o.MaxDialled = cmp.Or(o.MaxDialled, 1024)
	o.MaxDialling = cmp.Or(o.MaxDialling, 64)
	o.MaxQueue = cmp.Or(o.MaxQueue, 1<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.DialTimeout = cmp.Or(o.DialTimeout, DialTimeout)
	o.HandshakeTimeout = cmp.Or(o.HandshakeTimeout, 4*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 10*time.Minute)
	o.StallTimeout = cmp.Or(o.StallTimeout, 32*time.Second) // 64*T1: no transaction lives longer
	if o.ListenPacket == nil {
		o.ListenPacket = listenPacket
	}
	if o.ListenStream == nil {
		o.ListenStream = listenStream
	}
	if o.Dial == nil {
		o.Dial = dial
	}
	return o
}

// socketBuffer is asked for at both ends of a UDP socket, in bytes: a burst of 1,000 calls a second
// must not be lost while the process is descheduled. The system grants what its limits allow.
const socketBuffer = 4 << 20

func listenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network("udp", addr.Addr()), net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(socketBuffer) // best effort: the default size works, with less room for bursts
	_ = conn.SetWriteBuffer(socketBuffer)
	return conn, nil
}

func listenStream(addr netip.AddrPort) (net.Listener, error) {
	return net.ListenTCP(network("tcp", addr.Addr()), net.TCPAddrFromAddrPort(addr))
}

func dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if !from.IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, network("tcp", to.Addr()), to.String())
}

func network(protocol string, addr netip.Addr) string {
	if addr.Is4() {
		return protocol + "4"
	}
	return protocol + "6"
}

// addrPort is the address of a socket's end, IPv4 never in its IPv6-mapped form. It is the zero
// AddrPort for an address that is not of the Internet.
func addrPort(a net.Addr) netip.AddrPort {
	inet, ok := a.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.AddrPort{}
	}
	return unmap(inet.AddrPort())
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
