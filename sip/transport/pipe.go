package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// MaxPipe bounds the bytes that wait in one direction of a pipe, as the buffer of a socket does.
const MaxPipe = 4 << 20

// ErrPipeFull says that a message found no room in a pipe. It was not taken.
var ErrPipeFull = errors.New("the wire in memory is full: its other end does not read")

// Pipe makes a wire in memory: what is written to one end is read from the other, message by message,
// in order, and nothing that was taken is lost. Writing never waits, and goes to the other end whatever
// the address. When an end is closed, what is written to the other is dropped, as on any wire.
func Pipe(a, b netip.AddrPort) (endA, endB net.PacketConn) {
	there, back := newLane(), newLane()
	return &pipeEnd{local: a, peer: b, in: back, out: there}, &pipeEnd{local: b, peer: a, in: there, out: back}
}

// lane is one direction of a pipe.
type lane struct {
	mu       sync.Mutex
	messages [][]byte
	size     int // bytes in them
	closed   bool
	arrived  chan struct{} // has room for one: there are messages, or the lane closed
}

func newLane() *lane { return &lane{arrived: make(chan struct{}, 1)} }

func (l *lane) signal() {
	select {
	case l.arrived <- struct{}{}:
	default:
	}
}

func (l *lane) put(message []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case l.size+len(message) > MaxPipe:
		return ErrPipeFull
	}
	l.messages = append(l.messages, append([]byte(nil), message...))
	l.size += len(message)
	l.signal()
	return nil
}

// take returns the next message; ok is false when there is none.
func (l *lane) take() (message []byte, ok, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.messages) == 0 {
		return nil, false, l.closed
	}
	message, l.messages = l.messages[0], l.messages[1:]
	l.size -= len(message)
	if len(l.messages) > 0 {
		l.signal() // for the next reader
	}
	return message, true, false
}

func (l *lane) close() {
	l.mu.Lock()
	l.closed, l.messages, l.size = true, nil, 0
	l.mu.Unlock()
	l.signal()
}

// pipeEnd is one end of a pipe.
type pipeEnd struct {
	local, peer netip.AddrPort
	in, out     *lane
	closed      atomic.Bool
}

// ReadFrom waits for a message. It returns net.ErrClosed once this end is closed.
func (e *pipeEnd) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		message, ok, closed := e.in.take()
		switch {
		case closed:
			e.in.signal() // for other readers
			return 0, nil, net.ErrClosed
		case ok:
			return copy(b, message), net.UDPAddrFromAddrPort(e.peer), nil
		}
		<-e.in.arrived
	}
}

// WriteTo puts a message on the wire, or returns ErrPipeFull.
func (e *pipeEnd) WriteTo(b []byte, _ net.Addr) (int, error) {
	if e.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(b) > MaxMessage {
		return 0, errors.New("a message of more than 65,535 bytes")
	}
	if err := e.out.put(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close closes this end.
func (e *pipeEnd) Close() error {
	if e.closed.Swap(true) {
		return net.ErrClosed
	}
	e.in.close()
	return nil
}

// LocalAddr is the address of this end.
func (e *pipeEnd) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(e.local) }

// SetDeadline is not supported: a wire in memory is read until it is closed.
func (e *pipeEnd) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline is not supported.
func (e *pipeEnd) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline is not supported, and not needed: writing never waits.
func (e *pipeEnd) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
