package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// stream is one connection, accepted or dialled. Its reader goroutine owns it: it connects, shakes
// hands, starts the writer, reads, and when either ends takes the stream out of the table, closes it,
// and has the messages that were not written reported.
type stream struct {
	network  *Network
	flow     Flow
	server   string // who the peer of a dialled TLS stream must be; empty: its address
	accepted bool
	conn     net.Conn // what is read and written: the socket, or TLS over it
	queue    *queue
	written  chan struct{} // closed when nothing more will be written
	flight   outgoing      // being written; the writer's until written is closed

	mu      sync.Mutex
	socket  net.Conn // nil while dialling
	aborted bool
}

// send queues one message. It is false when the stream is ending and the message must go another way.
func (s *stream) send(message []byte, token uint64) bool {
	switch s.queue.put(message, token) {
	case putFinished:
		return false
	case putFull:
		s.network.counters.queueFull.Add(1)
		s.abort()
	}
	return true
}

// finish ends the stream once what is queued has been written.
func (s *stream) finish() { s.queue.finish() }

// abort ends the stream at once. It does not wait for the peer, as closing TLS in good order might.
func (s *stream) abort() {
	s.queue.finish()
	s.mu.Lock()
	s.aborted = true
	socket := s.socket
	s.mu.Unlock()
	if socket != nil {
		_ = socket.Close() // what the peer thinks of it does not matter any more
	}
}

// connected sets the socket of a stream that was dialling. It is false when the stream was aborted
// meanwhile.
func (s *stream) connected(socket net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket = socket
	return !s.aborted
}

// run is the life of the stream.
func (s *stream) run() {
	if s.open() {
		s.network.readers.Go(s.write)
		framed := s.read()
		s.finish()
		<-s.written
		if !framed {
			s.linger()
		}
	} else {
		s.finish()
		close(s.written)
	}
	s.abort()
	s.network.connections.remove(s)
	s.queue.waiting.settle(0, s.network.undelivered)
}

// open makes the stream ready to be read and written.
func (s *stream) open() bool {
	n := s.network
	if s.accepted {
		s.conn = s.socket
		if s.flow.Protocol == TLS && !s.handshake(n.closing) {
			n.counters.handshakeFailures.Add(1)
			return false
		}
		return true
	}
	defer n.connections.dialled()
	if !s.dial() || s.flow.Protocol == TLS && !s.handshake(n.dialContext) {
		n.counters.dialFailures.Add(1)
		return false
	}
	n.counters.dialled.Add(1)
	return true
}

func (s *stream) dial() bool {
	n := s.network
	ctx, cancel := context.WithTimeout(n.dialContext, n.options.DialTimeout)
	defer cancel()
	socket, err := n.options.Dial(ctx, n.addrs[s.flow.Listener].Addr(), s.flow.Peer)
	if err != nil {
		return false
	}
	s.conn = socket
	return s.connected(socket)
}

// write writes what is queued, as much at a time as there is. A peer that does not take it in
// StallTimeout loses its connection.
func (s *stream) write() {
	defer close(s.written)
	for s.queue.take(&s.flight) {
		err := s.conn.SetWriteDeadline(time.Now().Add(s.network.options.StallTimeout))
		n := 0
		if err == nil {
			n, err = s.conn.Write(s.flight.data)
		}
		if err != nil {
			s.abort() // before failures are reported: what they cause must not be queued here again
		}
		sent := s.flight.settle(n, s.network.undelivered)
		s.network.counters.sent.Add(uint64(sent))
		s.flight.reset()
		if err != nil {
			return
		}
	}
	if secure, ok := s.conn.(*tls.Conn); ok {
		_ = secure.CloseWrite() // shows that nothing was cut off (RFC 8446 §6.1); gives up after 5 s
	}
}

// read hands messages to the handler until the peer or time ends the stream. It is false when the
// stream ends because it cannot be framed any further.
func (s *stream) read() bool {
	options := &s.network.options
	var f framer
	var begun time.Time // when the first byte of the message being read came
	var batch []Packet
	var out Outbox
	for {
		deadline := time.Now().Add(options.IdleTimeout)
		if f.begun() {
			deadline = begun.Add(options.StallTimeout)
		}
		if s.conn.SetReadDeadline(deadline) != nil {
			return true
		}
		n, err := s.conn.Read(f.space())
		if n > 0 && s.accepted && !options.Admit(s.flow.Peer.Addr().WithZone("")) {
			s.network.counters.unknownSource.Add(1)
			return true
		}
		anew := !f.begun()
		f.fill(n)
		for {
			var unframed error
			batch, unframed = s.frame(&f, batch[:0])
			s.network.deliver(batch, &out)
			if unframed != nil {
				return false
			}
			if len(batch) == 0 {
				break
			}
			anew = true
		}
		if pings := f.takePings(); pings > 0 {
			s.network.counters.keepAlives.Add(uint64(pings))
			s.queue.pong(pings)
		}
		if anew {
			begun = time.Now()
		}
		if err != nil {
			if f.begun() && isTimeout(err) {
				s.network.counters.stalled.Add(1)
			}
			return true
		}
	}
}

// frame appends up to batchSize messages to batch.
func (s *stream) frame(f *framer, batch []Packet) ([]Packet, error) {
	for len(batch) < batchSize {
		message, err := f.next()
		if message != nil {
			batch = append(batch, Packet{Flow: s.flow, Data: message})
		}
		switch {
		case errors.Is(err, errNotSIP):
			s.network.counters.notSIP.Add(1)
		case errors.Is(err, errFraming):
			s.network.counters.badFraming.Add(1)
		case errors.Is(err, errOversize):
			s.network.counters.oversize.Add(1)
		}
		if err != nil || message == nil {
			return batch, err
		}
	}
	return batch, nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// linger reads on, for a little, what the peer of a stream that cannot be framed still sends: to close
// with bytes unread resets the connection, and with it the answer that says what was wrong.
func (s *stream) linger() {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil &&
		s.conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, s.conn, lingerBytes) // whatever it says, the stream is closed next
	}
}
