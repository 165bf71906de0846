package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newPacketIO moves datagrams in batches through the system's UDP sockets, one by one through others.
func newPacketIO(conn net.PacketConn) packetIO {
	if udp, ok := conn.(*net.UDPConn); ok {
		if b, err := newBatchIO(udp); err == nil {
			return b
		}
	}
	return newSingleIO(conn)
}

// batchIO uses recvmmsg(2) and sendmmsg(2). golang.org/x/net has them too, but allocates an address
// for each datagram; here nothing is allocated.
type batchIO struct {
	raw syscall.RawConn
	in  batchReader

	mu      sync.Mutex
	writers []*batchWriter // free: as many as there ever were senders at a time
}

// mmsghdr is struct mmsghdr of the system.
type mmsghdr struct {
	header unix.Msghdr
	length uint32 // of the datagram, set by recvmmsg
}

func newBatchIO(conn *net.UDPConn) (*batchIO, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &batchIO{raw: raw}
	b.in.init()
	return b, nil
}

func (b *batchIO) receive(handle func([]Packet) bool) error {
	r := &b.in
	r.handle = handle
	if err := b.raw.Read(r.call); err != nil {
		return err
	}
	if r.errno != 0 {
		return r.errno
	}
	return nil
}

func (b *batchIO) send(out *Outbox, batch []int) (int, error) {
	w := b.writer()
	defer b.free(w)
	w.load(out, batch)
	if err := b.raw.Write(w.call); err != nil {
		return 0, err
	}
	if w.errno != 0 {
		return 0, w.errno
	}
	return w.n, nil
}

// writer returns a free writer. It is not kept in a sync.Pool: that forgets, and then allocates.
func (b *batchIO) writer() *batchWriter {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.writers) - 1
	if last < 0 {
		return newBatchWriter()
	}
	w := b.writers[last]
	b.writers = b.writers[:last]
	return w
}

func (b *batchIO) free(w *batchWriter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writers = append(b.writers, w)
}

// slotSize holds any datagram, so that none is ever cut. Memory of a slot is touched, and so becomes
// resident, only as far as datagrams reach: one page where they are not longer than 4 KiB.
const slotSize = 64 << 10

type batchReader struct {
	headers [batchSize]mmsghdr
	iovecs  [batchSize]unix.Iovec
	peers   [batchSize]unix.RawSockaddrInet6 // large enough for IPv4 too
	slots   []byte
	packets [batchSize]Packet
	handle  func([]Packet) bool
	call    func(fd uintptr) bool // drain as RawConn wants it, made once
	errno   syscall.Errno
}

func (r *batchReader) init() {
	r.slots = make([]byte, batchSize*slotSize)
	for i := range r.headers {
		r.iovecs[i].Base = &r.slots[i*slotSize]
		r.iovecs[i].SetLen(slotSize)
		h := &r.headers[i].header
		h.Name = (*byte)(unsafe.Pointer(&r.peers[i]))
		h.Iov = &r.iovecs[i]
		h.SetIovlen(1)
	}
	r.call = r.drain
}

// data is the i-th datagram received.
func (r *batchReader) data(i int) []byte {
	start, length := i*slotSize, int(r.headers[i].length)
	return r.slots[start : start+length : start+length]
}

// drain hands over the datagrams that are there. It is false when there are no more, to be called again
// when there are: a batch that is not full has emptied the socket, so that asking once more would be a
// system call for nothing. The poller tells of what arrived since, because nothing but its wait, which
// comes next, takes its word away. It is true after an error, or when handle wants no more.
func (r *batchReader) drain(fd uintptr) bool {
	for {
		for i := range r.headers {
			r.headers[i].header.Namelen = unix.SizeofSockaddrInet6
		}
		var n int
		if n, r.errno = mmsg(unix.SYS_RECVMMSG, fd, &r.headers[0], batchSize); r.errno != 0 {
			return r.errno != unix.EAGAIN
		}
		for i := range n {
			r.packets[i] = Packet{Flow: Flow{Peer: readSockaddr(&r.peers[i])}, Data: r.data(i)}
		}
		switch {
		case !r.handle(r.packets[:n]):
			return true
		case n < batchSize:
			return false
		}
	}
}

type batchWriter struct {
	headers [batchSize]mmsghdr
	iovecs  [batchSize]unix.Iovec
	peers   [batchSize]unix.RawSockaddrInet6
	call    func(fd uintptr) bool // sendmmsg as RawConn wants it, made once
	loaded  int
	n       int
	errno   syscall.Errno
}

func newBatchWriter() *batchWriter {
	w := &batchWriter{}
	for i := range w.headers {
		h := &w.headers[i].header
		h.Name = (*byte)(unsafe.Pointer(&w.peers[i]))
		h.Iov = &w.iovecs[i]
		h.SetIovlen(1)
	}
	w.call = w.sendmmsg
	return w
}

func (w *batchWriter) load(out *Outbox, batch []int) {
	for slot, i := range batch {
		m := &out.messages[i]
		w.iovecs[slot].Base = unsafe.SliceData(out.arena[m.start:])
		w.iovecs[slot].SetLen(m.end - m.start)
		w.headers[slot].header.Namelen = writeSockaddr(&w.peers[slot], m.flow.Peer)
	}
	w.loaded = len(batch)
}

// sendmmsg sends what was loaded; it is false when the socket's buffer is full, to be called again.
func (w *batchWriter) sendmmsg(fd uintptr) bool {
	w.n, w.errno = mmsg(unix.SYS_SENDMMSG, fd, &w.headers[0], w.loaded)
	return w.errno != unix.EAGAIN
}

func mmsg(call, fd uintptr, headers *mmsghdr, n int) (int, syscall.Errno) {
	for {
		done, _, errno := unix.Syscall6(call, fd, uintptr(unsafe.Pointer(headers)), uintptr(n), 0, 0, 0)
		if errno == 0 {
			return int(done), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// readSockaddr reads a peer's address; it is the zero AddrPort for a family other than IPv4 and IPv6.
func readSockaddr(sa *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:])
	switch sa.Family {
	case unix.AF_INET:
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), port)
	case unix.AF_INET6:
		addr := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.Scope_id != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(sa.Scope_id), 10))
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}

// writeSockaddr writes a peer's address and returns its length, which sendmmsg refuses when it is 0, for
// no address. A socket of both families takes an IPv4 address as it is.
func writeSockaddr(sa *unix.RawSockaddrInet6, peer netip.AddrPort) uint32 {
	*sa = unix.RawSockaddrInet6{}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], peer.Port())
	addr := peer.Addr()
	switch {
	case addr.Is4():
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family = unix.AF_INET
		sa4.Addr = addr.As4()
		return unix.SizeofSockaddrInet4
	case addr.Is6():
		sa.Family = unix.AF_INET6
		sa.Addr = addr.As16()
		sa.Scope_id = scope(addr.Zone())
		return unix.SizeofSockaddrInet6
	}
	return 0
}

// scope is the number of a link-local address's zone: peers' zones are numbers already, configured
// ones may name an interface.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(ifi.Index)
}
