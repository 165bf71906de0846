package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newPacketIO moves datagrams in batches through the system's UDP sockets, one by one through others.
// It takes conn over; on an error it has closed it.
func newPacketIO(conn net.PacketConn) (packetIO, error) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return newSingleIO(conn), nil
	}
	socket, err := takeDescriptor(udp)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	b := &batchIO{socket: socket}
	b.in.init()
	return b, nil
}

// batchIO uses recvmmsg(2) and sendmmsg(2). golang.org/x/net has them too, but allocates an address
// for each datagram; here nothing is allocated.
type batchIO struct {
	socket *descriptor
	in     batchReader

	mu      sync.Mutex
	writers []*batchWriter // free: as many as there ever were senders at a time
}

// mmsghdr is struct mmsghdr of the system.
type mmsghdr struct {
	header unix.Msghdr
	length uint32 // of the datagram, set by recvmmsg
}

func (b *batchIO) close() error { return b.socket.close() }

// yieldAfter is how long the reader keeps its processor. A goroutine that does nothing but system calls
// seems stuck to the runtime, which then takes the processor away at a price; one that yields now and
// then does not.
const yieldAfter = 5 * time.Millisecond

func (b *batchIO) receive(handle func([]Packet) bool) error {
	gathering := gathering{nap: nap}
	for yielded := time.Now(); ; {
		batch, err := b.in.receive(b.socket)
		if err != nil {
			return err
		}
		if !handle(batch) {
			return nil
		}
		now := time.Now()
		if now.Sub(yielded) > yieldAfter {
			runtime.Gosched()
			yielded = now
		}
		gathering.note(len(batch), now)
		gathering.wait(len(batch))
	}
}

func (b *batchIO) send(out *Outbox, batch []int) (int, error) {
	w := b.writer()
	defer b.free(w)
	w.load(out, batch)
	return b.socket.call(unix.SYS_SENDMMSG, &w.headers[0], len(batch), 0)
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
}

// data is the i-th datagram received.
func (r *batchReader) data(i int) []byte {
	start, length := i*slotSize, int(r.headers[i].length)
	return r.slots[start : start+length : start+length]
}

// receive waits for a datagram and takes those that are there.
func (r *batchReader) receive(socket *descriptor) ([]Packet, error) {
	for i := range r.headers {
		r.headers[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	n, err := socket.call(unix.SYS_RECVMMSG, &r.headers[0], batchSize, unix.MSG_WAITFORONE)
	if err != nil {
		return nil, err
	}
	for i := range n {
		r.packets[i] = Packet{Flow: Flow{Peer: readSockaddr(&r.peers[i])}, Data: r.data(i)}
	}
	return r.packets[:n], nil
}

type batchWriter struct {
	headers [batchSize]mmsghdr
	iovecs  [batchSize]unix.Iovec
	peers   [batchSize]unix.RawSockaddrInet6
}

func newBatchWriter() *batchWriter {
	w := &batchWriter{}
	for i := range w.headers {
		h := &w.headers[i].header
		h.Name = (*byte)(unsafe.Pointer(&w.peers[i]))
		h.Iov = &w.iovecs[i]
		h.SetIovlen(1)
	}
	return w
}

func (w *batchWriter) load(out *Outbox, batch []int) {
	for slot, i := range batch {
		m := &out.messages[i]
		w.iovecs[slot].Base = unsafe.SliceData(out.arena[m.start:])
		w.iovecs[slot].SetLen(m.end - m.start)
		w.headers[slot].header.Namelen = writeSockaddr(&w.peers[slot], m.flow.Peer)
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
