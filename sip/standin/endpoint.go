package standin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"golang.org/x/net/netutil"

	"ringfence/media"
)

func init() {
	// sipgo's bounds are process-wide variables: send by UDP whatever fits a datagram, because a trunk
	// does so too (sipgo holds back 200 bytes), and read as much.
	sip.UDPMTUSize = maxDatagram + 200
	sip.TransportBufferReadSize = maxDatagram
	// What it logs by default is dropped, as it holds whole messages, with unmasked numbers.
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
}

const (
	maxDatagram    = 65507 // bytes of one UDP payload over IPv4
	maxConnections = 256   // TCP connections accepted at a time
	portTries      = 16    // to find a port free for both UDP and TCP
	timerT1        = 500 * time.Millisecond
	timerT2        = 4 * time.Second
	timerH         = 64 * timerT1 // how long an ACK is waited for
	settle         = 100 * time.Millisecond
)

const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK"

// endpoint is a SIP user agent: its sockets, and the dialogs it is in.
type endpoint struct {
	ua     *sipgo.UserAgent
	client *sipgo.Client
	addr   netip.AddrPort
	log    *slog.Logger
	udp    net.PacketConn
	tcp    net.Listener

	sources *sources
	media   *media.Engine

	ctx    context.Context // ends when the endpoint closes
	cancel context.CancelFunc
	serves sync.WaitGroup // listeners
	work   sync.WaitGroup // requests being handled and calls being made

	mu      sync.Mutex
	closed  bool
	dialogs map[dialogID]*dialog
}

// inviteHandler handles an INVITE outside a dialog.
type inviteHandler func(e *endpoint, req *sip.Request, tx sip.ServerTransaction)

// openEndpoint listens on UDP and TCP at addr, at one free port if addr's port is 0. The end of
// ctx ends its calls; close frees its sockets too.
func openEndpoint(ctx context.Context, addr string, log *slog.Logger, invite inviteHandler) (*endpoint, error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address %q is not IP:PORT", addr)
	}
	udp, tcp, err := listen(want)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", want, err)
	}
	e := &endpoint{
		addr: udp.LocalAddr().(*net.UDPAddr).AddrPort(), udp: udp, tcp: netutil.LimitListener(tcp, maxConnections),
		log: log, sources: newSources(maxSources), dialogs: make(map[dialogID]*dialog),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.addr = netip.AddrPortFrom(e.addr.Addr().Unmap(), e.addr.Port())
	if e.media, err = openMedia(e.addr.Addr()); err != nil {
		return nil, errors.Join(err, udp.Close(), tcp.Close())
	}
	if err := e.openAgent(); err != nil {
		return nil, errors.Join(err, udp.Close(), tcp.Close(), e.media.Close())
	}
	e.ctx, e.cancel = context.WithCancel(ctx)
	if err := e.serve(invite); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// listen binds UDP and TCP to the same address.
func listen(want netip.AddrPort) (net.PacketConn, net.Listener, error) {
	for try := 1; ; try++ {
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(want))
		if err != nil {
			return nil, nil, err
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp, nil
		}
		if closeErr := udp.Close(); want.Port() != 0 || try == portTries || closeErr != nil {
			return nil, nil, err
		}
	}
}

// openAgent makes sipgo's user agent.
func (e *endpoint) openAgent() (err error) {
	e.ua, err = sipgo.NewUA(
		sipgo.WithUserAgent("Ringfence stand-in"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerReadFilter(e.sources.filter)),
	)
	if err != nil {
		return err
	}
	e.client, err = sipgo.NewClient(e.ua, sipgo.WithClientNAT(),
		sipgo.WithClientHostname(e.addr.Addr().String()), sipgo.WithClientPort(int(e.addr.Port())))
	return err
}

// serve registers the handlers and starts the listeners; it returns once they read.
func (e *endpoint) serve(invite inviteHandler) error {
	server, err := sipgo.NewServer(e.ua)
	if err != nil {
		return err
	}
	server.OnInvite(e.guard(func(req *sip.Request, tx sip.ServerTransaction) {
		if toTag(req) != "" {
			e.inDialog(req, tx)
			return
		}
		invite(e, req, tx)
	}))
	for _, method := range []sip.RequestMethod{sip.ACK, sip.BYE, sip.INFO, sip.UPDATE, sip.PRACK} {
		server.OnRequest(method, e.guard(e.inDialog))
	}
	server.OnOptions(e.guard(func(req *sip.Request, tx sip.ServerTransaction) {
		e.respond(tx, req, 200, "OK", header("Allow", allowed), header("Accept", sdpType))
	}))
	// A CANCEL that finds its INVITE is answered by sipgo's transactions and does not come here.
	server.OnCancel(e.guard(func(req *sip.Request, tx sip.ServerTransaction) {
		e.respond(tx, req, 481, "Call/Transaction Does Not Exist")
	}))
	server.OnNoRoute(e.guard(func(req *sip.Request, tx sip.ServerTransaction) {
		e.respond(tx, req, 405, "Method Not Allowed", header("Allow", allowed))
	}))
	reading := &firstRead{PacketConn: e.udp, begun: make(chan struct{})}
	// Either ends with an error when its socket is closed, which is how they are ended.
	e.serves.Go(func() { _ = server.ServeUDP(reading) })
	e.serves.Go(func() { _ = server.ServeTCP(e.tcp) })
	<-reading.begun
	return nil
}

// guard wraps a handler: it is refused once the endpoint closes, waited for by close, and a panic
// in it ends its request only.
func (e *endpoint) guard(handle sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		if !e.begin() {
			e.respond(tx, req, 503, "Service Unavailable")
			return
		}
		defer e.work.Done()
		defer func() {
			if fault := recover(); fault != nil {
				e.log.Error("request ended by a fault of the stand-in", "method", req.Method, "fault", fault)
				e.respond(tx, req, 500, "Server Internal Error")
			}
		}()
		if req.CallID() == nil || req.From() == nil || req.To() == nil {
			e.respond(tx, req, 400, "Bad Request")
			return
		}
		handle(req, tx)
	}
}

// begin counts a piece of work that close waits for; it is false once the endpoint is closed.
func (e *endpoint) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.work.Add(1)
	}
	return !e.closed
}

// close ends the calls, waits for them, and frees the sockets. It may be called more than once.
func (e *endpoint) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.work.Wait()
	// A request that sipgo has read, but not handed on when the sockets close, makes it open a socket
	// of its own to answer. It cannot be asked whether there is one, so nothing more is let in, and
	// what is in gets a moment to finish.
	e.sources.close()
	time.Sleep(settle)
	// Errors here say that a socket is closed already, which is what is wanted.
	_ = e.udp.Close()
	_ = e.tcp.Close()
	e.serves.Wait()
	_ = e.ua.Close()
	_ = e.media.Close()
}

// respond sends a response without a body; an ACK is never answered. A response that cannot be
// sent is lost, and the other side's retransmission asks for it again.
func (e *endpoint) respond(tx sip.ServerTransaction, req *sip.Request, status int, phrase string, headers ...sip.Header) {
	e.respondSDP(tx, req, status, phrase, nil, headers...)
}

func (e *endpoint) respondSDP(tx sip.ServerTransaction, req *sip.Request, status int, phrase string, body []byte, headers ...sip.Header) *sip.Response {
	if req.IsAck() {
		return nil
	}
	res := sip.NewResponseFromRequest(req, status, phrase, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	if body != nil {
		res.AppendHeader(header("Content-Type", sdpType))
		res.SetBody(body)
	}
	if err := tx.Respond(res); err != nil {
		e.log.Debug("response not sent", "status", status, "error", err)
	}
	return res
}

// contact is where the endpoint takes requests within a dialog that runs over transport.
func (e *endpoint) contact(transport string) *sip.ContactHeader {
	uri := sip.Uri{Scheme: "sip", User: "standin", Host: e.addr.Addr().String(), Port: int(e.addr.Port())}
	if sip.IsReliable(transport) {
		uri.UriParams.Add("transport", strings.ToLower(transport))
	}
	return &sip.ContactHeader{Address: uri}
}

// aim sets where a request goes and from which of our sockets.
func (e *endpoint) aim(req *sip.Request, destination, transport string) {
	req.SetTransport(transport)
	req.SetDestination(destination)
	req.Laddr = sip.Addr{IP: e.addr.Addr().AsSlice(), Port: int(e.addr.Port())}
	if sip.IsReliable(transport) {
		req.Laddr.Port = 0 // the listener has the port; a connection has one of its own
	}
}

// do sends a request other than INVITE and returns its final response.
func (e *endpoint) do(ctx context.Context, req *sip.Request, options ...sipgo.ClientRequestOption) (*sip.Response, error) {
	tx, err := e.client.TransactionRequest(ctx, req, options...)
	if err != nil {
		return nil, err
	}
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, tx.Err()
		case <-ctx.Done():
			tx.Terminate()
			return nil, ctx.Err()
		}
	}
}

// firstRead tells when a socket is first read: only then does sipgo know it for sending.
type firstRead struct {
	net.PacketConn
	once  sync.Once
	begun chan struct{}
}

func (f *firstRead) ReadFrom(p []byte) (int, net.Addr, error) {
	f.once.Do(func() { close(f.begun) })
	return f.PacketConn.ReadFrom(p)
}
