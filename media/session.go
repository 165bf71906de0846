package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// Session is the media of one call: a UDP socket and the clock that sends a frame of audio every
// 20 ms to whoever was agreed on. One goroutine is socket reader and clock; Close ends it.
type Session struct {
	conn     *net.UDPConn
	agreed   atomic.Pointer[Stream]
	sent     atomic.Uint64
	received atomic.Uint64
	done     chan struct{}
}

// maxLate is how far the clock may fall behind before it gives the missed frames up.
const maxLate = 5 * frameTime

// portTries bounds the search for an even port, which RFC 3550 §11 asks of RTP.
const portTries = 16

// Open binds an RTP socket to an address of this machine, on a free port, even if one is soon
// found. Nothing is sent before Agree. The caller must Close the session.
func Open(local netip.Addr, sound Sound) (*Session, error) {
	conn, err := listenEven(local)
	if err != nil {
		return nil, fmt.Errorf("no RTP socket on %s: %w", local, err)
	}
	s := &Session{conn: conn, done: make(chan struct{})}
	go s.run(newStream(sound))
	return s, nil
}

func listenEven(local netip.Addr) (*net.UDPConn, error) {
	for try := 1; ; try++ {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
		if err != nil || try == portTries || localAddr(conn).Port()%2 == 0 {
			return conn, err
		}
		if err := conn.Close(); err != nil {
			return nil, err
		}
	}
}

func localAddr(conn *net.UDPConn) netip.AddrPort {
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Local is where the session receives RTP.
func (s *Session) Local() netip.AddrPort { return localAddr(s.conn) }

// Agree sets what the two sides agreed on; it may be called again during the call.
func (s *Session) Agree(stream Stream) { s.agreed.Store(&stream) }

// Counts are the RTP packets sent, and those received that belonged to the agreed stream.
func (s *Session) Counts() (sent, received uint64) { return s.sent.Load(), s.received.Load() }

// Close stops the clock and frees the port. It may be called more than once.
func (s *Session) Close() {
	_ = s.conn.Close() // a second Close reports that the socket is closed, which is what was asked
	<-s.done
}

// run reads until a frame is due, sends it, and so on until the socket is closed. Frames fall due
// on a fixed grid, so that a late one does not shift those after it.
func (s *Session) run(st *stream) {
	defer close(s.done)
	buf := make([]byte, maxDatagram)
	due := time.Now().Add(frameTime)
	for {
		if err := s.readUntil(due, buf, st); err != nil {
			return
		}
		if agreed := s.agreed.Load(); agreed != nil {
			st.agree(*agreed)
		}
		if packet, to, ok := st.frame(); ok {
			// An error here is the network's loss of one packet; a closed socket shows on the next read.
			if _, err := s.conn.WriteToUDPAddrPort(packet, to); err == nil {
				s.sent.Add(1)
			}
		}
		due = due.Add(frameTime)
		if now := time.Now(); now.Sub(due) > maxLate {
			due = now.Add(frameTime) // the machine slept: do not send all that was missed at once
		}
	}
}

// readUntil hands the datagrams that arrive before the deadline to st. A flood of them does not
// delay the deadline. The error is that the socket is closed.
func (s *Session) readUntil(deadline time.Time, buf []byte, st *stream) error {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	for time.Now().Before(deadline) {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		if st.receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port())) {
			s.received.Add(1)
		}
	}
	return nil
}
