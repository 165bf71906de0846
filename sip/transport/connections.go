package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// connections is the table of the open streams, and of those that are being dialled.
type connections struct {
	mu       sync.Mutex
	closed   bool
	last     uint64             // number last given to a connection
	byID     map[uint64]*stream // all
	byWay    map[way]*stream    // the newest of each
	accepted map[netip.Addr]int // accepted ones open, by peer
	total    int                // of accepted
	dialling int
}

// way is what connections have in common that can stand for one another.
type way struct {
	peer     netip.AddrPort
	listener uint16
	protocol Protocol
	server   string // that the peer of a dialled TLS connection proved to be
}

func (s *stream) way() way { return way{s.flow.Peer, s.flow.Listener, s.flow.Protocol, s.server} }

func (c *connections) init() {
	c.byID = make(map[uint64]*stream)
	c.byWay = make(map[way]*stream)
	c.accepted = make(map[netip.Addr]int)
}

// add enters a stream; c.mu is held.
func (c *connections) add(s *stream) {
	c.last++
	s.flow.Conn = c.last
	c.byID[s.flow.Conn] = s
	c.byWay[s.way()] = s
}

func (c *connections) remove(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, s.flow.Conn)
	if w := s.way(); c.byWay[w] == s {
		delete(c.byWay, w)
	}
	if s.accepted {
		c.total--
		if peer := s.flow.Peer.Addr(); c.accepted[peer] > 1 {
			c.accepted[peer]--
		} else {
			delete(c.accepted, peer)
		}
	}
}

// find returns the stream numbered id, nil if it is gone.
func (c *connections) find(id uint64) *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id]
}

// dialled notes that one attempt to connect has ended.
func (c *connections) dialled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialling--
}

// open is the number of connections that are not being dialled.
func (c *connections) open() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.byID) - c.dialling)
}

// shut lets no stream in any more and returns those there are.
func (c *connections) shut() []*stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	streams := make([]*stream, 0, len(c.byID))
	for _, s := range c.byID {
		streams = append(streams, s)
	}
	return streams
}

func (n *Network) newStream(flow Flow, server string) *stream {
	return &stream{network: n, flow: flow, server: server, queue: newQueue(n.options.MaxQueue), written: make(chan struct{})}
}

// accept takes connections in until the listener is closed.
func (n *Network) accept(index uint16, protocol Protocol, listener net.Listener) {
	for errorsInRow := 0; ; {
		conn, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of file descriptors, most likely: wait for some to come free.
			n.counters.receiveErrors.Add(1)
			if errorsInRow++; !n.pause(errorsInRow) {
				return
			}
			continue
		}
		errorsInRow = 0
		if !n.take(index, protocol, conn) {
			_ = conn.Close() // refused: the peer learns as much from its own end
		}
	}
}

// take starts a stream on an accepted connection if there is room for it. The stream's own goroutine
// does the TLS handshake, so that a slow one holds nobody up.
func (n *Network) take(index uint16, protocol Protocol, conn net.Conn) bool {
	peer := addrPort(conn.RemoteAddr())
	if !n.options.Admit(peer.Addr().WithZone("")) {
		n.counters.unknownSource.Add(1)
		return false
	}
	s := n.newStream(Flow{Peer: peer, Listener: index, Protocol: protocol}, "")
	s.socket, s.accepted = conn, true

	c := &n.connections
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.total >= n.options.MaxAccepted || c.accepted[peer.Addr()] >= n.options.MaxAcceptedPerPeer {
		n.counters.refused.Add(1)
		return false
	}
	c.total++
	c.accepted[peer.Addr()]++
	c.add(s)
	n.counters.accepted.Add(1)
	n.readers.Go(s.run)
	return true
}

// sendStream queues a message on the connection its flow names; if that is gone, on one between the
// flow's listener and peer, which is dialled if there is none (RFC 3261 §18.2.2).
func (n *Network) sendStream(flow Flow, server string, message []byte, token uint64) {
	if len(message) > MaxMessage {
		n.counters.oversize.Add(1)
		n.undelivered(token)
		return
	}
	if s := n.connections.find(flow.Conn); s != nil && s.send(message, token) {
		return
	}
	if flow.Protocol != TLS {
		server = "" // nobody proves anything: all connections to the peer are alike
	}
	if s := n.reach(flow, server); s == nil || !s.send(message, token) {
		n.undelivered(token)
	}
}

// reach returns a stream between the listener and peer of a flow, dialling where there is none. It is
// nil when no more may be dialled.
func (n *Network) reach(flow Flow, server string) *stream {
	c := &n.connections
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.byWay[way{flow.Peer, flow.Listener, flow.Protocol, server}]; s != nil && !s.queue.isFinished() {
		return s
	}
	if c.closed || !flow.Peer.IsValid() || int(flow.Listener) >= len(n.addrs) {
		return nil
	}
	if c.dialling >= n.options.MaxDialling || len(c.byID)-c.total >= n.options.MaxDialled {
		n.counters.dialFailures.Add(1)
		return nil
	}
	s := n.newStream(Flow{Peer: flow.Peer, Listener: flow.Listener, Protocol: flow.Protocol}, server)
	c.dialling++
	c.add(s)
	n.readers.Go(s.run)
	return s
}
