// Package proxy is the proxy core: a stateful SIP proxy (RFC 3261 §16) that screens each new call.
//
// The core is a state machine without sockets, goroutines or clock. Messages and the time come in,
// messages go out through an Outbox; whoever drives it holds its lock. So the same core runs on
// batches of datagrams, on streams, and in virtual time.
package proxy

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/call"
	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// Core is the proxy. It implements transport.Handler.
type Core struct {
	mu       sync.Mutex // guards all below
	cfg      *Config
	peers    atomic.Pointer[Peers] // also read by the transport's gate
	screener Screener
	recorder Recorder
	resolver Resolver
	treater  Treater
	log      *slog.Logger
	clock    func() time.Time

	tokenKey [2]uint64 // of Record-Route tokens: lasting
	tableKey [2]uint64 // of transaction keys and tags: of this process
	random   *rand.ChaCha8
	chance   *rand.Rand // draws from random

	servers  slab[server]
	clients  slab[client]
	table    table
	wheel    wheel
	gate     gate
	backlog  backlog
	buffers  buffers
	targets  []*target
	diverts  map[string]*target // by name
	gateways map[string]*target // of the trunks, by the trunk's name
	// everywhere are all of the three, named those of them that have a host name.
	everywhere, named []*target
	names             names
	datagram          datagramOnly
	setup             int
	draining          bool
	idle              func() // called when the last call being set up has ended while draining

	wake     func()
	sleeping int64 // the tick until which the driver of the timers sleeps

	began time.Time // zero of the wheel's milliseconds
	now   time.Time // instant of the batch being handled
	ms    int64     // the same on the wheel
	out   *transport.Outbox

	sender *peer // of the message being handled

	msg      wire.Message // the message being handled
	stored   wire.Message // a message held by a transaction, read again
	edits    wire.Edits
	scratch  []byte // a message being built
	piece    []byte // a part of one
	uriText  []byte // a Request-URI being built
	nameText []byte // a display name being built
	keyText  []byte // what a transaction key is the hash of
	texts    texts

	stats Stats
}

// Options are what a Core is made of. All but Treater, Clock and Wake are required.
type Options struct {
	Config   Config
	Screener Screener
	Recorder Recorder
	Resolver Resolver
	Treater  Treater // nil: no call is treated; each goes on as when there is no room
	Log      *slog.Logger
	Clock    func() time.Time // default time.Now
	// Wake is called when a timer was armed that is due before the time Advance returned last. It must
	// not block, and not call the core.
	Wake func()
}

// New makes a core that has seen nothing yet.
func New(o Options) *Core {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	var seed [32]byte
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], rand.Uint64()) // the runtime seeds this from the system
	}
	c := &Core{
		screener: o.Screener, recorder: o.Recorder, resolver: o.Resolver, treater: o.Treater, log: o.Log, clock: o.Clock,
		wake:   o.Wake,
		random: rand.NewChaCha8(seed),
		began:  o.Clock(),
	}
	if c.wake == nil {
		c.wake = func() {}
	}
	c.now = c.began
	c.chance = rand.New(c.random)
	c.tableKey = [2]uint64{c.random.Uint64(), c.random.Uint64()}
	c.tokenKey = [2]uint64{binary.LittleEndian.Uint64(o.Config.Secret[:]), binary.LittleEndian.Uint64(o.Config.Secret[8:])}
	c.configure(&o.Config)
	return c
}

// Configure replaces the configuration of a running core, but for listeners and secret. Calls that
// are being set up go on with the targets they were given.
func (c *Core) Configure(cfg Config, out *transport.Outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(out)
	defer c.end()
	cfg.Listeners, cfg.Secret = c.cfg.Listeners, c.cfg.Secret
	c.configure(&cfg)
}

func (c *Core) configure(cfg *Config) {
	cfg.Listeners = slices.Clone(cfg.Listeners)
	for i, l := range cfg.Listeners {
		cfg.Listeners[i] = prepared(l)
	}
	c.cfg = cfg
	c.setTargets(cfg)
}

// Known reports whether a source is a configured peer. It may be called without the lock.
func (c *Core) Known(addr netip.AddrPort) bool { return c.peers.Load().Known(addr) }

// Receive handles messages that arrived together. It implements transport.Handler.
func (c *Core) Receive(batch []transport.Packet, out *transport.Outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(out)
	if !c.isAgent(&batch[0].Flow) {
		c.backlog.note(len(batch), c.ms)
	}
	for i := range batch {
		c.receive(&batch[i])
	}
	c.end()
}

// Failed handles the word that a message could not be sent. It implements transport.Handler.
func (c *Core) Failed(token uint64, out *transport.Outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(out)
	if cl := c.clients.get(handle(token)); cl != nil {
		c.clientFailed(cl)
	}
	c.end()
}

// Located handles what came of locating a name: an answer, an error, or both as Locator.Locate returns
// them.
func (c *Core) Located(q locate.Query, answer locate.Answer, err error, out *transport.Outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(out)
	c.located(q, answer, err)
	c.end()
}

// Advance lets timers fire that are due, and returns when to call it next; ok is false when no
// timer is armed.
func (c *Core) Advance(out *transport.Outbox) (next time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(out)
	c.wheel.advance(c.ms, c.fire)
	ms, ok := c.wheel.next()
	c.sleeping = math.MaxInt64
	if ok {
		c.sleeping = ms / tickMillis
	}
	c.wheel.earliest = math.MaxInt64
	return c.began.Add(time.Duration(ms) * time.Millisecond), ok
}

// Stats returns the counters.
func (c *Core) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Setup, s.Transactions = c.setup, c.servers.live+c.clients.live
	return s
}

// Drain refuses new calls from now on and calls idle once no call is being set up any more; it may
// do so before it returns. Emergency calls still pass.
func (c *Core) Drain(idle func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining, c.idle = true, idle
	c.noteIdle()
}

func (c *Core) noteIdle() {
	if c.draining && c.setup == 0 && c.idle != nil {
		c.idle()
		c.idle = nil
	}
}

// Abandon records every call attempt that has had no final response: the gateway stops.
func (c *Core) Abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.clock()
	c.servers.each(func(s *server) {
		c.recall(s)
		if s.record != nil {
			s.record.Outcome.Cause = call.ReasonStopped
			c.finish(s, 0, call.EndedByGateway)
		}
	})
}

// begin takes the time for a batch.
func (c *Core) begin(out *transport.Outbox) {
	c.out = out
	c.now = c.clock()
	c.ms = c.now.Sub(c.began).Milliseconds()
}

// end wakes the driver of the timers if it sleeps past one.
func (c *Core) end() {
	if c.wheel.earliest < c.sleeping {
		c.sleeping = c.wheel.earliest
		c.wake()
	}
}

// receive handles one message. A panic ends what the message began, and nothing else.
func (c *Core) receive(p *transport.Packet) {
	defer func() {
		if r := recover(); r != nil {
			c.panicked(r, p.Flow.Peer)
		}
	}()
	from := c.senderOf(&p.Flow)
	if from == nil {
		c.drop(DropUnknownSource)
		return
	}
	if !from.agent && !c.gate.admit(p.Flow.Peer.Addr(), &c.tableKey, c.cfg.MaxRate, c.ms) {
		c.drop(DropOverRate)
		return
	}
	c.sender = from
	m := &c.msg
	if err := m.Parse(p.Data); err != nil {
		c.drop(DropMalformed)
		return
	}
	if m.Request {
		c.stats.Requests++
		c.receiveRequest(p, from)
		return
	}
	c.stats.Responses++
	c.receiveResponse(p, from)
}

// panicked ends the transaction that the message at hand belongs to, if there is one.
func (c *Core) panicked(reason any, source netip.AddrPort) {
	c.stats.Panics++
	c.log.Error("a message could not be handled; its transaction is ended", "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
	if !c.msg.Request {
		return
	}
	via, ok := c.msg.Via()
	if !ok {
		return
	}
	if s := c.servers.get(c.table.find(c.transactionKey(via, c.msg.Method, source))); s != nil {
		c.recall(s)
		if s.record != nil {
			s.record.Outcome.Cause = call.ReasonInternal
		}
		c.fail(s, 500, call.EndedByGateway)
	}
}

func (c *Core) drop(cause DropCause) { c.stats.Dropped[cause]++ }

// recovered, deferred, has a panic end what it interrupted, and nothing else.
func (c *Core) recovered(what string) {
	if r := recover(); r != nil {
		c.stats.Panics++
		c.log.Error(what, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

// fire dispatches a timer of the wheel.
func (c *Core) fire(t *timer) {
	defer c.recovered("a timer could not be handled")
	switch t.kind {
	case timerServer:
		if s := c.servers.get(t.handle); s != nil {
			c.serverTimer(s)
		}
	case timerClient:
		if cl := c.clients.get(t.handle); cl != nil {
			c.clientTimer(cl)
		}
	case timerTarget:
		c.targetTimer(int(t.handle))
	}
}
