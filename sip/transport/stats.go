package transport

import "sync/atomic"

// Stats counts what a Network has done since it was made.
type Stats struct {
	Received uint64 // messages handed to the handler
	Sent     uint64 // messages the system took for sending

	UnknownSource uint64 // datagrams and connections of peers that are not admitted
	KeepAlives    uint64 // empty datagrams, and pings on streams (RFC 5626 §4.4.1)
	NotSIP        uint64 // datagrams dropped and streams closed: STUN, RTP, fragments of text
	BadFraming    uint64 // streams closed for a Content-Length that is no number or contradicts itself
	Oversize      uint64 // messages larger than MaxMessage, received on a stream or given to Send
	Stalled       uint64 // streams closed because a message did not arrive complete in time
	QueueFull     uint64 // streams closed because their peer did not read
	SendErrors    uint64 // messages that could not be sent: no way to the peer, connection broken
	ReceiveErrors uint64 // errors of listening sockets, which were survived

	Open         uint64 // connections open now
	Accepted     uint64 // connections accepted
	Refused      uint64 // connections closed at once, since there were too many
	Dialled      uint64 // connections made
	DialFailures uint64 // connections that could not be made

	HandshakeFailures uint64 // accepted connections whose TLS handshake failed or took too long
}

type counters struct {
	received, sent, unknownSource, keepAlives, notSIP, badFraming, oversize, stalled, queueFull,
	sendErrors, receiveErrors, accepted, refused, dialled, dialFailures, handshakeFailures atomic.Uint64
}

// Stats returns the counters. They are read one after the other, not in one instant.
func (n *Network) Stats() Stats {
	c := &n.counters
	return Stats{
		Received:      c.received.Load(),
		Sent:          c.sent.Load(),
		UnknownSource: c.unknownSource.Load(),
		KeepAlives:    c.keepAlives.Load(),
		NotSIP:        c.notSIP.Load(),
		BadFraming:    c.badFraming.Load(),
		Oversize:      c.oversize.Load(),
		Stalled:       c.stalled.Load(),
		QueueFull:     c.queueFull.Load(),
		SendErrors:    c.sendErrors.Load(),
		ReceiveErrors: c.receiveErrors.Load(),
		Open:          n.connections.open(),
		Accepted:      c.accepted.Load(),
		Refused:       c.refused.Load(),
		Dialled:       c.dialled.Load(),
		DialFailures:  c.dialFailures.Load(),

		HandshakeFailures: c.handshakeFailures.Load(),
	}
}
