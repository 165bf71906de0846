// Package transport carries framed SIP messages between the network and the proxy core: UDP in
// batches, TCP and TLS by stream framing. It knows nothing of what the messages say beyond their
// length.
package transport

import "net/netip"

// Protocol is a SIP transport protocol.
type Protocol uint8

// The protocols.
const (
	UDP Protocol = iota
	TCP
	TLS // over TCP (RFC 3261 §26.2)
)

var protocolNames = [...]string{"udp", "tcp", "tls"}

// String is the protocol's name in lower case, as it stands in a transport parameter; "unknown" for a
// value that is none of them.
func (p Protocol) String() string {
	if int(p) < len(protocolNames) {
		return protocolNames[p]
	}
	return "unknown"
}

// Reliable reports whether the protocol retransmits, so that SIP must not (RFC 3261 §17).
func (p Protocol) Reliable() bool { return p != UDP }

// Flow is one way between the gateway and a peer: the listener that is used and, for a stream, the
// connection.
type Flow struct {
	// Peer is the remote address, an IPv4 one never in its IPv6-mapped form. To a stream whose Conn is
	// 0 or gone, a connection to Peer is found or made.
	Peer netip.AddrPort
	// Conn numbers the connection of a stream from 1, and is never used twice. It is 0 for UDP, and for
	// a stream when any connection between Listener and Peer will do.
	Conn uint64
	// Listener is an index into the listeners that the Network was made with. A connection is made from
	// the address of its listener, which need not be one of the same protocol.
	Listener uint16
	Protocol Protocol
}

// MaxMessage is the largest SIP message accepted or sent, in bytes: what fits one UDP datagram.
const MaxMessage = 65535

// Packet is one message received. Data belongs to the transport: the handler may change it in place,
// and may not keep it after it returns.
type Packet struct {
	Flow Flow
	Data []byte
}

// Handler is the proxy core as the transport sees it. Its methods are called from several
// goroutines; they must not block on I/O, and answer by adding to the Outbox.
type Handler interface {
	// Receive handles 1 to 64 messages that arrived together. A message that cannot be framed (a stream
	// with a bad Content-Length) is handed over as far as it was read, and its connection is closed once
	// what was answered is written.
	Receive(batch []Packet, out *Outbox)
	// Failed reports that a message with this token could not be delivered: no connection could be
	// made, its connection broke before it was written, or the system refused to send the datagram. It
	// is never called from within Network.Send.
	Failed(token uint64, out *Outbox)
}

// message is one entry of an Outbox; its bytes are arena[start:end].
type message struct {
	flow       Flow
	server     string // see AddTo
	token      uint64
	start, end int
}

// Outbox collects the messages a handler wants sent, so that they go out in batches after the
// handler's lock is released. It copies what it is given, and is reused without allocating.
type Outbox struct {
	arena    []byte
	messages []message
	batch    []int // scratch of the socket that sends: indexes into messages
}

// Add queues a copy of data for flow. token, if not 0, comes back in Handler.Failed when the
// message cannot be delivered.
func (o *Outbox) Add(flow Flow, data []byte, token uint64) { o.AddTo("", flow, data, token) }

// AddTo is Add with the host name or IP address that the message is for. Over TLS the message goes on
// no connection whose peer has not proved to be that server; "" stands for the peer's address.
func (o *Outbox) AddTo(server string, flow Flow, data []byte, token uint64) {
	start := len(o.arena)
	o.arena = append(o.arena, data...)
	o.messages = append(o.messages, message{flow, server, token, start, len(o.arena)})
}

// Len is the number of messages queued.
func (o *Outbox) Len() int { return len(o.messages) }

// Message returns the i-th queued message: its flow, its bytes (valid until Reset) and its token.
func (o *Outbox) Message(i int) (Flow, []byte, uint64) {
	m := &o.messages[i]
	return m.flow, o.arena[m.start:m.end], m.token
}

// maxRetained is the largest buffer, in bytes, that is kept for reuse after a burst.
const maxRetained = 1 << 20

// Reset empties the Outbox and keeps its memory, unless a burst made it large.
func (o *Outbox) Reset() {
	if cap(o.arena) > maxRetained {
		o.arena = nil
	}
	o.arena = o.arena[:0]
	o.messages = o.messages[:0]
}
