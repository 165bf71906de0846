package standin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// CallerOptions configure a Caller.
type CallerOptions struct {
	// Local is the address calls come from, IP:PORT; port 0 takes a free one. A gateway tells trunks
	// apart by it.
	Local string
	// Gateway is where calls go.
	Gateway netip.AddrPort
	// Transport is "udp", the default, or "tcp".
	Transport string
	// Log takes what concerns the stand-in itself; nil drops it.
	Log *slog.Logger
}

// Caller is a trunk that places calls.
type Caller struct {
	endpoint  *endpoint
	gateway   netip.AddrPort
	transport string
}

// Header is a header added to an INVITE.
type Header struct{ Name, Value string }

// Call is one call to place.
type Call struct {
	From     string        // user part of the caller, as it shall be written
	Display  string        // the caller's display name
	To       string        // user part called
	Asserted string        // user part of P-Asserted-Identity; none if empty
	Video    bool          // offer video beside audio
	Reliable bool          // support reliable provisional responses (RFC 3262)
	Headers  []Header      // more headers
	Hold     time.Duration // how long an answered call lasts before the caller hangs up
	GiveUp   time.Duration // cancel a call not answered in this time; 0 waits for ever
}

// Result is how a call went.
type Result struct {
	CallID      string
	Status      int           // of the final response to the INVITE
	Phrase      string        // of the same
	Provisional []int         // statuses before it, at most 64
	Elapsed     time.Duration // from the INVITE to it
	Reason      string        // its Reason, Error-Info, Call-Info and Contact headers
	ErrorInfo   string
	CallInfo    string
	Contact     string
	Heard       uint64 // RTP packets received in the call
	HungUp      bool   // the called side ended the call
}

// maxProvisional bounds Result.Provisional; any number of responses is taken.
const maxProvisional = 64

// ErrClosed is returned for a call on a Caller that was closed.
var ErrClosed = errors.New("the caller is closed")

// NewCaller opens a trunk. The end of ctx ends its calls. It must be closed.
func NewCaller(ctx context.Context, options CallerOptions) (*Caller, error) {
	transport := strings.ToUpper(options.Transport)
	switch transport {
	case "":
		transport = "UDP"
	case "UDP", "TCP":
	default:
		return nil, fmt.Errorf("transport %q is neither udp nor tcp", options.Transport)
	}
	if !options.Gateway.IsValid() || options.Gateway.Port() == 0 {
		return nil, errors.New("no gateway address and port to call")
	}
	c := &Caller{gateway: options.Gateway, transport: transport}
	e, err := openEndpoint(ctx, options.Local, options.Log, func(e *endpoint, req *sip.Request, tx sip.ServerTransaction) {
		e.respond(tx, req, 480, "Takes No Calls")
	})
	if err != nil {
		return nil, err
	}
	c.endpoint = e
	return c, nil
}

// Addr is where the caller listens for requests within its calls.
func (c *Caller) Addr() netip.AddrPort { return c.endpoint.addr }

// Close ends the calls and frees the sockets. It may be called more than once.
func (c *Caller) Close() { c.endpoint.close() }

// newInvite builds the INVITE of a call.
func (c *Caller) newInvite(call Call, body []byte) *sip.Request {
	gateway := sip.Uri{Scheme: "sip", Host: c.gateway.Addr().String(), Port: int(c.gateway.Port())}
	called, caller := gateway, sip.Uri{Scheme: "sip", User: call.From, Host: c.endpoint.addr.Addr().String()}
	called.User = call.To
	req := sip.NewRequest(sip.INVITE, called)
	maxForwards := sip.MaxForwardsHeader(70)
	callID := sip.CallIDHeader(sip.GenerateTagN(24))
	from := &sip.FromHeader{DisplayName: quoted(call.Display), Address: caller}
	from.Params.Add("tag", sip.GenerateTagN(16))
	req.AppendHeader(&maxForwards)
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: called})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(c.endpoint.contact(c.transport))
	req.AppendHeader(header("Allow", allowed))
	if call.Asserted != "" {
		caller.User = call.Asserted
		req.AppendHeader(header("P-Asserted-Identity", "<"+caller.String()+">"))
	}
	if call.Reliable {
		req.AppendHeader(header("Supported", "100rel"))
	}
	for _, h := range call.Headers {
		req.AppendHeader(header(h.Name, h.Value))
	}
	req.AppendHeader(header("Content-Type", sdpType))
	req.SetBody(body)
	c.endpoint.aim(req, c.gateway.String(), c.transport)
	return req
}
