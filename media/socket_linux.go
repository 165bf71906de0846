package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollNetworks shares the system's sockets out among receivers, one for two processors: more of them would
// find less at a time, which costs more. They are apart from the runtime's poller: there each leg would
// cost two goroutines, and each packet a wake-up of one.
type pollNetworks []*pollNetwork

// maxReceivers is as many as keep a fast network card busy.
const maxReceivers = 8

func newNetwork() (network, error) {
	var all pollNetworks
	for range min(max(runtime.GOMAXPROCS(0)/2, 1), maxReceivers) {
		n, err := newPollNetwork()
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, n)
	}
	return all, nil
}

// open gives RTP and RTCP of a leg to one receiver.
func (n pollNetworks) open(local netip.AddrPort, leg *Leg, control bool) (socket, error) {
	return n[int(local.Port()/2)%len(n)].open(local, leg, control)
}

func (n pollNetworks) close() (err error) {
	for _, one := range n {
		err = errors.Join(err, one.close())
	}
	return err
}

func newPollNetwork() (*pollNetwork, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(poll))
	}
	n := &pollNetwork{poll: poll, wake: wake, sockets: make(map[int32]*pollSocket), ended: make(chan struct{})}
	if err := n.watch(wake); err != nil {
		return nil, errors.Join(err, unix.Close(poll), unix.Close(wake))
	}
	go n.run()
	return n, nil
}

// pollNetwork receives for its sockets in one goroutine, which waits in epoll_wait(2).
type pollNetwork struct {
	poll, wake int
	ended      chan struct{}

	mu      sync.Mutex
	sockets map[int32]*pollSocket // by descriptor
}

type pollSocket struct {
	network *pollNetwork
	leg     *Leg
	control bool
	fd      int

	mu     sync.RWMutex // held for reading during system calls, so that fd cannot be another file's by then
	closed bool

	// The address sent to last, which send's caller guards.
	peer    netip.AddrPort
	to      unix.RawSockaddrInet6 // large enough for IPv4 too
	toBytes uintptr
}

func (n *pollNetwork) watch(fd int) error {
	if err := unix.EpollCtl(n.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (n *pollNetwork) open(local netip.AddrPort, leg *Leg, control bool) (socket, error) {
	fd, err := bind(local)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(local), Err: err}
	}
	s := &pollSocket{network: n, leg: leg, control: control, fd: fd}
	n.mu.Lock()
	n.sockets[int32(fd)] = s
	n.mu.Unlock()
	if err := n.watch(fd); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// receiveBuffer bounds what waits at a socket, in bytes of the system's memory: about half a second of
// sound. What a machine that is too busy has not read by then is too old to be heard.
const receiveBuffer = 16 << 10

// bind makes a socket that does not block.
func bind(local netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	var address unix.Sockaddr
	if family == unix.AF_INET {
		address = &unix.SockaddrInet4{Port: int(local.Port()), Addr: local.Addr().As4()}
	} else {
		address = &unix.SockaddrInet6{Port: int(local.Port()), Addr: local.Addr().As16(), ZoneId: scope(local.Addr().Zone())}
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if err == nil {
		err = unix.Bind(fd, address)
	}
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// pollBatch is the most sockets served after one wait.
const pollBatch = 256

// run hands datagrams to legs until close.
func (n *pollNetwork) run() {
	defer close(n.ended)
	var (
		events [pollBatch]unix.EpollEvent
		ready  [pollBatch]*pollSocket
		buffer scratch
	)
	for {
		count, err := unix.EpollWait(n.poll, events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return // the descriptor is gone: only close takes it away
		}
		n.mu.Lock()
		for i := range max(count, 0) {
			if int(events[i].Fd) == n.wake {
				n.mu.Unlock()
				return
			}
			ready[i] = n.sockets[events[i].Fd] // nil, when it was closed since
		}
		n.mu.Unlock()
		for _, s := range ready[:max(count, 0)] {
			if s == nil {
				continue
			}
			if length, from, ok := s.receive(buffer.in[:]); ok {
				s.leg.receive(&buffer, length, from, s.control)
			}
		}
	}
}

// receive reads one datagram; a further one makes epoll_wait return at once.
func (s *pollSocket) receive(b []byte) (n int, from netip.AddrPort, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, netip.AddrPort{}, false
	}
	var address unix.RawSockaddrInet6
	length := uint32(unix.SizeofSockaddrInet6)
	// A raw call, as this one and sendto never block: there is no need to tell the scheduler.
	done, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(&address)), uintptr(unsafe.Pointer(&length)))
	return int(done), readSockaddr(&address), errno == 0
}

func (s *pollSocket) send(b []byte, to netip.AddrPort) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	if to != s.peer {
		s.peer, s.toBytes = to, writeSockaddr(&s.to, to)
	}
	if _, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(&s.to)), s.toBytes); errno != 0 {
		return errno
	}
	return nil
}

func (s *pollSocket) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	s.network.mu.Lock()
	delete(s.network.sockets, int32(s.fd))
	s.network.mu.Unlock()
	return unix.Close(s.fd) // which also takes it out of the poll
}

func (n *pollNetwork) close() error {
	if _, err := unix.Write(n.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	<-n.ended
	return errors.Join(unix.Close(n.poll), unix.Close(n.wake))
}

// readSockaddr reads a peer's address; it is the zero AddrPort for a family other than IPv4 and IPv6.
func readSockaddr(sa *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:])
	switch sa.Family {
	case unix.AF_INET:
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), port)
	}
	return netip.AddrPort{}
}

// writeSockaddr writes a peer's address and returns its length.
func writeSockaddr(sa *unix.RawSockaddrInet6, peer netip.AddrPort) uintptr {
	*sa = unix.RawSockaddrInet6{}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], peer.Port())
	if peer.Addr().Is4() {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family = unix.AF_INET
		sa4.Addr = peer.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	sa.Family = unix.AF_INET6
	sa.Addr = peer.Addr().As16()
	sa.Scope_id = scope(peer.Addr().Zone())
	return unix.SizeofSockaddrInet6
}

// scope is the number of a link-local address's zone, which may name an interface.
func scope(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	ifi, err := net.InterfaceByName(zone)
	if zone == "" || err != nil {
		return 0
	}
	return uint32(ifi.Index)
}
