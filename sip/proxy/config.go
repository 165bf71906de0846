package proxy

import (
	"net/netip"
	"slices"
	"time"

	"ringfence/call"
	"ringfence/sip/locate"
	"ringfence/sip/redress"
	"ringfence/sip/transport"
)

// Config is what the core is told. Configure may replace all of it in a running core but the
// listeners and the secret.
type Config struct {
	Listeners []Listener // in the order of the transport's listeners
	Trunks    []Trunk
	Targets   []Target          // PBX targets in order of preference
	PBX       []netip.Prefix    // further sources of the PBX; the targets' own addresses always count
	Diverts   map[string]Target // by the name verdicts use
	Outbound  string            // name of the trunk that takes calls from the PBX; empty: none
	Plan      call.Plan         // how the PBX writes numbers
	Redress   redress.Contact
	Secret    [16]byte // keys the Record-Route token; the same on every node and across restarts

	// LargeOverTCP has requests of more than 1,300 bytes that are for UDP tried over TCP first (RFC 3261
	// §18.1.1). A next hop that takes no connection gets them over UDP.
	LargeOverTCP bool

	RingTimeout  time.Duration // Timer C, over 3 minutes (RFC 3261 §16.6 step 11)
	TryNextAfter time.Duration // an INVITE without any response moves to the next target
	Health       Health
	MaxRate      int // messages a second from one source; 0: any number
	MaxSetup     int // calls being set up at one time; beyond it new ones get 503
}

// Listener is one address the gateway listens on, as the core needs to know it.
type Listener struct {
	Protocol transport.Protocol
	Addr     netip.AddrPort // as bound
	Host     string         // as peers see it: an IP address (IPv6 without brackets) or a name
	Port     uint16         // as peers see it

	literal netip.Addr // Host, if it is an address
	sentBy  []byte     // Host and Port as they stand in a Via
}

// prepared works out what is needed of a listener for each message.
func prepared(l Listener) Listener {
	l.literal, _ = literal(l.Host)
	l.sentBy = appendHostPort(nil, l.Host, l.Port)
	return l
}

// has reports whether there is a listener for a protocol.
func (c *Config) has(p transport.Protocol) bool {
	return slices.ContainsFunc(c.Listeners, func(l Listener) bool { return l.Protocol == p })
}

// Trunk is a peer that brings calls.
type Trunk struct {
	Name    string
	Class   call.Class
	Sources []netip.Prefix
	Trusted bool      // its P-Asserted-Identity is believed (RFC 3325)
	Plan    call.Plan // how it writes numbers
	Gateway *Target   // where calls going out to it are sent; nil: none go out
}

// Target is a SIP URI that calls are sent to.
type Target struct {
	Name     string // how records and metrics call it
	User     string // replaces the user part of the Request-URI; empty: it stays
	Host     string // IP address (IPv6 without brackets) or name
	Port     uint16 // 0: that of the protocol; of a name, its SRV records say (RFC 3263 §4.2)
	Protocol transport.Protocol
	// AnyProtocol leaves the protocol of a name to its NAPTR and SRV records (RFC 3263 §4.1).
	AnyProtocol bool
	// Fallback says that a call that is diverted here goes elsewhere when nobody answers. The agent sees to that.
	Fallback bool
}

// Health says how PBX targets are watched by OPTIONS.
type Health struct {
	Interval  time.Duration // between two pings of one target; 0: no pings
	Timeout   time.Duration // a ping unanswered for so long has failed
	DownAfter int           // failures in a row after which a target gets no calls
}

// Screener decides on calls. It answers at once, from memory, and does no I/O.
type Screener interface {
	// Screen returns the verdict on a call attempt. A verdict with call.ReasonEmergency has its call
	// passed even when the gateway is full, shutting down, or finds no PBX target alive.
	Screen(facts *call.Facts) call.Verdict
}

// Recorder takes the record of every finished call attempt. Append must not block.
type Recorder interface {
	Append(record *call.Record)
}

// Resolver finds where names lead. Locate must not block; the answer comes through Core.Located, never
// before Locate returns.
type Resolver interface {
	Locate(q locate.Query)
}
