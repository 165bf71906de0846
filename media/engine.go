package media

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// ErrNoPorts says that every RTP port of the range is in use or rests.
var ErrNoPorts = errors.New("no RTP port is free")

// Options say how an Engine reaches the network.
type Options struct {
	// Local4 and Local6 are the addresses that sockets are bound to. The zero Addr: none of that family.
	Local4, Local6 netip.Addr
	// First and Last bound the UDP ports of legs: RTP at an even one, RTCP at the odd one above it.
	First, Last uint16
	// Rest is how long a port stays unused after its leg closed, so that what was sent to that leg does
	// not reach another.
	Rest time.Duration
	// Silence is how long no RTP may come by a stream that is to receive before EventSilent; 0: it is not
	// told.
	Silence time.Duration
	// NAT is how long after Agree the first packet of a peer may come from another address than the
	// one negotiated, as it does from behind an address translator; 0: it may not. Anybody who knows the
	// port can then send that packet.
	NAT time.Duration
	// Listen opens a socket, as sip/transport/memory's Wire does in tests; nil: the system's sockets.
	Listen func(netip.AddrPort) (net.PacketConn, error)
	Log    *slog.Logger // nil: slog.Default
}

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	EventKey    EventKind = iota // the party pressed Key (RFC 4733), told when the first packet of it comes
	EventPlayed                  // Playback is over or was cut off; Heard says after how much
	EventSilent                  // no RTP came for Options.Silence; told once, until some comes again
	EventSpoke                   // the party began to speak, after AwaitSpeech
)

// Event is something that happened at a leg.
type Event struct {
	Kind     EventKind
	Key      byte          // '0' to '9', '*', '#', 'A' to 'D'
	Playback uint64        // as Play returned it
	Heard    time.Duration // sound of the playback that was sent
	Complete bool          // the playback was sent to its end
}
