package transport

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// descriptor is a UDP socket that blocks, apart from the runtime's poller. The kernel then wakes the
// reader itself, where the poller wakes one thread for it to wake another; at 1,000 calls a second that
// is a third of what the gateway costs.
type descriptor struct {
	fd     int
	mu     sync.RWMutex // held for reading during system calls, so that fd cannot be closed, and be another file's, under them
	closed atomic.Bool
}

// takeDescriptor takes the socket from conn, which is closed.
func takeDescriptor(conn *net.UDPConn) (*descriptor, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &descriptor{fd: -1}
	var dupErr error
	if err := raw.Control(func(fd uintptr) {
		d.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil || dupErr != nil {
		return nil, errors.Join(err, dupErr)
	}
	// Only closing conn takes the socket from the poller, which would else be woken by each datagram too.
	if err := errors.Join(conn.Close(), unix.SetNonblock(d.fd, false)); err != nil {
		return nil, errors.Join(err, unix.Close(d.fd))
	}
	return d, nil
}

// call makes one of the batched system calls on n headers. The error is net.ErrClosed after close.
func (d *descriptor) call(trap uintptr, headers *mmsghdr, n int, flags uintptr) (int, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for {
		if d.closed.Load() {
			return 0, net.ErrClosed
		}
		done, _, errno := unix.Syscall6(trap, uintptr(d.fd), uintptr(unsafe.Pointer(headers)), uintptr(n), flags, 0, 0)
		switch {
		case d.closed.Load(): // it was woken for that
		case errno == 0:
			return int(done), nil
		case errno != unix.EINTR:
			return 0, errno
		}
	}
}

// close ends every call under way and lets none begin. shutdown(2) says ENOTCONN of a UDP socket, and
// wakes its reader all the same.
func (d *descriptor) close() error {
	if d.closed.Swap(true) {
		return net.ErrClosed
	}
	if err := unix.Shutdown(d.fd, unix.SHUT_RDWR); err != nil && !errors.Is(err, unix.ENOTCONN) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return unix.Close(d.fd)
}
