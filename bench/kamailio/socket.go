//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// socketBuffer is asked for at both ends of a socket, in bytes, so that what is lost is lost by the
// proxy and not by the generator.
const socketBuffer = 4 << 20

// socket is a UDP socket that never blocks and talks to one peer only.
type socket struct {
	fd    int
	local netip.AddrPort
	buf   [4096]byte
}

// openSocket binds a socket to a free port of an address.
func openSocket(ip netip.Addr) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("UDP socket: %w", err)
	}
	s := &socket{fd: fd}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // what the system allows
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: ip.As4()}); err != nil {
		return nil, errors.Join(fmt.Errorf("UDP socket on %s: %w", ip, err), unix.Close(fd))
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s.local = netip.AddrPortFrom(ip, uint16(name.(*unix.SockaddrInet4).Port))
	return s, nil
}

func (s *socket) connect(peer netip.AddrPort) error {
	return unix.Connect(s.fd, &unix.SockaddrInet4{Addr: peer.Addr().As4(), Port: int(peer.Port())})
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// send sends a datagram, or loses it as a network would.
func (s *socket) send(b []byte) { _, _ = unix.Write(s.fd, b) }

// receive returns the next datagram, good until the next call, or nil when there is none.
func (s *socket) receive() []byte {
	for {
		n, err := unix.Read(s.fd, s.buf[:])
		switch {
		case err == nil:
			return s.buf[:n]
		case errors.Is(err, unix.EAGAIN):
			return nil
		}
		// An ICMP error (the proxy has not started yet), or a signal.
	}
}

// await waits until a socket has a datagram, at most so long.
func await(a, b *socket, patience time.Duration) {
	fds := [2]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}, {Fd: int32(b.fd), Events: unix.POLLIN}}
	limit := unix.NsecToTimespec(max(0, patience.Nanoseconds()))
	_, _ = unix.Ppoll(fds[:], &limit, nil) // woken early by a signal it is called again
}
