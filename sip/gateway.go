// Package sip is the SIP edge of the gateway: it puts the proxy core on the network, drives its
// timers and finds the addresses of names for it.
package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"ringfence/sip/locate"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
)

// Listener is an address to listen on, and how peers see it.
type Listener struct {
	Protocol transport.Protocol // for TLS, Options.Transport has the credentials
	Addr     netip.AddrPort     // port 0 lets the system choose
	Host     string             // the address or name peers know; default: the address
}

// Options are what a Gateway is made of.
type Options struct {
	Listeners []Listener
	Proxy     proxy.Config      // its Listeners are filled in here
	Transport transport.Options // its Log is filled in here, and its Admit is added to
	Screener  proxy.Screener
	Recorder  proxy.Recorder
	Agent     NewAgent     // treats calls; nil: they go on untreated
	Log       *slog.Logger // default slog.Default()

	DNS locate.Resolver // default: locate.System
}

// Gateway is a running SIP edge.
type Gateway struct {
	core    *proxy.Core
	network *transport.Network
	agent   Agent // nil: there is none
	wake    chan struct{}
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup // the timers' goroutine and the look-ups
}

// Start opens the listeners and serves on them. The error says which address could not be listened on.
func Start(o Options) (*Gateway, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.DNS == nil {
		o.DNS = locate.System{}
	}
	g := &Gateway{wake: make(chan struct{}, 1)}
	g.closing, g.close = context.WithCancel(context.Background())
	specs := make([]transport.Listener, len(o.Listeners))
	for i, l := range o.Listeners {
		specs[i] = transport.Listener{Protocol: l.Protocol, Addr: l.Addr}
	}
	admit := o.Transport.Admit
	o.Transport.Admit = func(peer netip.Addr) bool {
		return (admit == nil || admit(peer)) && g.core.Known(netip.AddrPortFrom(peer, 0))
	}
	o.Transport.Log = o.Log
	var wire net.PacketConn
	if o.Agent != nil {
		o.Transport.Inside, wire = transport.Pipe(proxy.CoreAddr, proxy.AgentAddr)
	}
	var err error
	if g.network, err = transport.Listen(specs, o.Transport); err != nil {
		g.close()
		return nil, err
	}
	if err := g.begin(o.Agent, wire); err != nil {
		g.close()
		return nil, errors.Join(err, g.network.Close(g.closing))
	}
	cfg := o.Proxy
	cfg.Listeners = make([]proxy.Listener, len(specs))
	for i, addr := range g.network.Addrs() {
		host := o.Listeners[i].Host
		if host == "" {
			host = addr.Addr().String()
		}
		cfg.Listeners[i] = proxy.Listener{Protocol: specs[i].Protocol, Addr: addr, Host: host, Port: addr.Port()}
	}
	g.core = proxy.New(proxy.Options{
		Config: cfg, Screener: o.Screener, Recorder: o.Recorder, Resolver: newResolver(g, o.DNS, cfg.Listeners, o.Log),
		Treater: g.treater(), Log: o.Log, Wake: g.wakeTimers,
	})
	g.network.Serve(g.core)
	g.running.Go(g.runTimers)
	return g, nil
}

// Addrs returns the addresses listened on, in the order of Options.Listeners.
func (g *Gateway) Addrs() []netip.AddrPort { return g.network.Addrs() }

// Configure replaces trunks, targets and all else that can change while calls are up. Listeners and
// secret stay.
func (g *Gateway) Configure(cfg proxy.Config) {
	var out transport.Outbox
	g.core.Configure(cfg, &out)
	g.network.Send(&out)
}

// Stats returns the counters of the core and of the network.
func (g *Gateway) Stats() (proxy.Stats, transport.Stats) { return g.core.Stats(), g.network.Stats() }

// Targets returns the state of the PBX targets.
func (g *Gateway) Targets() []proxy.TargetState { return g.core.Targets() }

// Shutdown refuses new calls, waits until ctx ends for those being set up and those that the agent
// treats, and stops. Established calls that the agent does not have are not touched: their routes are
// good for the next gateway that has the secret. Treated calls that are left then are ended on both
// sides. Every attempt still open is recorded. The error says that attempts were cut off.
func (g *Gateway) Shutdown(ctx context.Context) error {
	idle := make(chan struct{})
	g.core.Drain(func() { close(idle) })
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		s := g.core.Stats()
		err = fmt.Errorf("stopped while %d calls were being set up: %w", s.Setup, ctx.Err())
	}
	err = errors.Join(err, g.endAgent(ctx))
	g.close()
	g.running.Wait()
	// What was just answered still goes out; a peer that does not read is not waited for.
	last, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	err = errors.Join(err, g.network.Close(last))
	g.core.Abandon()
	return err
}

// lastWords is how long the end may take once calls are not waited for any more: of the agent, and of the
// network.
const lastWords = time.Second

func (g *Gateway) wakeTimers() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// runTimers lets the core's timers fire when they are due.
func (g *Gateway) runTimers() {
	var out transport.Outbox
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-g.closing.Done():
			return
		case <-g.wake:
		case <-timer.C:
		}
		next, ok := g.core.Advance(&out)
		g.network.Send(&out)
		if ok {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
	}
}
