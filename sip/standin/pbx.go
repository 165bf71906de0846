package standin

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// Options configure a PBX. Only Listen is needed.
type Options struct {
	// Listen is the address for UDP and TCP, IP:PORT; port 0 takes a free one.
	Listen string
	// Ring is how long a call rings before it is answered; 0 answers at once.
	Ring time.Duration
	// MaxCalls bounds the calls at a time; more are refused with 503. 0 stands for 256.
	MaxCalls int
	// MaxDuration bounds a call from its answer on; the PBX then hangs up. 0 stands for ten minutes.
	MaxDuration time.Duration
	// OnCall, if set, is told of each call before it is answered. It is called by several goroutines
	// and holds up its call until it returns.
	OnCall func(Received)
	// OnAnswer, if set, says which keys the person called presses in a call that she has answered.
	OnAnswer func(Received) []Press
	// Log takes what concerns the stand-in itself; nil drops it.
	Log *slog.Logger
}

// Press is a key that the person called presses.
type Press struct {
	After time.Duration // since she answered, or since the key before
	Key   byte          // 0-9, *, #, A-D
}

// Received is what the person called could see of a call. Header values are as received; several
// of one name are joined by ", ".
type Received struct {
	CallID      string
	Called      string // user part of the Request-URI
	Display     string // display name of From
	Caller      string // user part of From
	Asserted    string // P-Asserted-Identity
	Ringfence   string // X-Ringfence
	Diversion   string
	HistoryInfo string
	Video       bool // video was offered
	Source      netip.AddrPort
	Transport   string // "UDP" or "TCP"
}

// PBX is a small PBX that takes calls on behalf of a demo or a test: it rings, answers, plays a
// tone, and sends the caller's voice back. Some called numbers behave otherwise; see the constants.
type PBX struct {
	endpoint *endpoint
	options  Options
	lines    chan struct{} // one token for each call
}

// StartPBX starts a PBX. The caller must Close it; the end of ctx ends its calls.
func StartPBX(ctx context.Context, options Options) (*PBX, error) {
	if options.MaxCalls <= 0 {
		options.MaxCalls = 256
	}
	if options.MaxDuration <= 0 {
		options.MaxDuration = 10 * time.Minute
	}
	p := &PBX{options: options, lines: make(chan struct{}, options.MaxCalls)}
	e, err := openEndpoint(ctx, options.Listen, options.Log, p.invite)
	if err != nil {
		return nil, err
	}
	p.endpoint = e
	return p, nil
}

// Addr is where the PBX listens, on UDP and TCP.
func (p *PBX) Addr() netip.AddrPort { return p.endpoint.addr }

// Close hangs up the calls and stops the PBX. It may be called more than once.
func (p *PBX) Close() { p.endpoint.close() }

// behaviour is what the PBX does for a called number.
type behaviour struct {
	status   int // refuse with this status
	phrase   string
	noAnswer bool // ring until the caller gives up
	reliable bool // ring with a reliable 180 (RFC 3262), if the caller supports it
	hangUp   bool // end the call a moment after it is answered
	reinvite bool // offer the audio anew a moment after the call is answered
}

// Called user parts with a behaviour of their own; every other is answered.
const (
	Busy        = "busy"        // 486
	Declined    = "declined"    // 603
	Unavailable = "unavailable" // 503
	NoAnswer    = "noanswer"    // rings until it is cancelled, or 480 after three minutes
	Reliable    = "reliable"    // 180 by RFC 3262
	HangsUp     = "hangsup"     // BYE from the PBX
	Reinvites   = "reinvites"   // re-INVITE from the PBX
)

var behaviours = map[string]behaviour{
	Busy:        {status: 486, phrase: "Busy Here"},
	Declined:    {status: 603, phrase: "Decline"},
	Unavailable: {status: 503, phrase: "Service Unavailable"},
	NoAnswer:    {noAnswer: true},
	Reliable:    {reliable: true},
	HangsUp:     {hangUp: true},
	Reinvites:   {reinvite: true},
}
