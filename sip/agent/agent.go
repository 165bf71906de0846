package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/proxy"
	"ringfence/sip/treatment"
)

// Call is the treatment of one call, as treatment.Call is.
type Call interface {
	Handle(e treatment.Event)
	Over() bool
}

// Reporter takes the reports of people who were called. Its methods do not block.
type Reporter interface {
	// Report reports the caller of a call. The record is not kept.
	Report(r *call.Record)
	// ReportLast reports the last caller of the member of the site who makes the call of this record. done is told
	// the reference of the call that was reported, "" if there was none, from another goroutine. It is false when
	// there is no room; then done is not called.
	ReportLast(r *call.Record, done func(reference string)) bool
}

// Options are what an Agent is made of. Recorder, Reporter, Treatments, Media and Prompts are required.
type Options struct {
	Recorder treatment.Recorder
	Reporter Reporter
	// Treatments returns the settings for a call that begins; what it returned must not change later.
	Treatments func() *treatment.Options
	Media      *media.Engine
	// Advertise gives, for an address that media ports are bound to, the one by which peers reach it, if it is
	// another.
	Advertise map[netip.Addr]netip.Addr
	// Prompts returns the announcements as they are now.
	Prompts func() *media.Prompts
	// PBX is an address of the PBX's family, IPv4 or IPv6: legs to it have their media there.
	PBX netip.Addr
	// MaxCalls bounds the calls at a time; 0 stands for DefaultMaxCalls.
	MaxCalls int
	// MaxPassed bounds how many callers are remembered who passed a challenge; 0 stands for 65,536.
	MaxPassed int
	Log       *slog.Logger // nil stands for slog.Default
	// Treat makes the treatment of a call; nil stands for treatment.New.
	Treat func(treatment.Env, *call.Record, treatment.Leg, []byte) Call
}

// DefaultMaxCalls is how many calls are treated at a time unless configured otherwise.
const DefaultMaxCalls = 1000

const (
	maxPerCall = 32    // server transactions per call, most of which only absorb retransmissions
	maxMessage = 65535 // bytes
)

// Agent carries the treated calls. It is the Treater of the proxy core.
type Agent struct {
	options Options
	passed  *treatment.Memory
	counts  counts
	tx      *transactions
	abort   chan struct{}  // closed when calls are ended without more ado
	group   sync.WaitGroup // sessions
	reader  sync.WaitGroup

	unwatched chan struct{} // closed when the sessions are not watched any more
	watcher   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	idle     chan struct{}           // closed, and replaced, when the last call has ended
	expected map[string]*call.Record // of calls taken, by reference, until their INVITE comes
	sessions map[attempt]*session
	legs     map[string]*leg // by our tag
}

// attempt names a session. Number tells those apart that have the same Call-ID and tag.
type attempt struct {
	callID, fromTag string
	number          uint64
}

// New starts an agent at its end of the wire to the core. It must be closed, which closes the wire.
func New(conn net.PacketConn, o Options) *Agent {
	o.MaxCalls = cmp.Or(o.MaxCalls, DefaultMaxCalls)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Treat == nil {
		o.Treat = func(env treatment.Env, r *call.Record, leg treatment.Leg, offer []byte) Call {
			return treatment.New(env, r, leg, offer)
		}
	}
	a := &Agent{
		options: o, passed: treatment.NewMemory(cmp.Or(o.MaxPassed, 1<<16)), abort: make(chan struct{}), idle: make(chan struct{}),
		unwatched: make(chan struct{}),
		expected:  make(map[string]*call.Record), sessions: make(map[attempt]*session), legs: make(map[string]*leg),
	}
	a.counts.log = o.Log
	a.tx = newTransactions(&link{conn}, maxPerCall*o.MaxCalls, &a.counts)
	a.tx.request = a.receive
	a.reader.Go(a.read)
	a.watcher.Go(a.watch)
	return a
}

// Take takes over the call of a record, and with it the record, as proxy.Treater says.
func (a *Agent) Take(r *call.Record) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.live() >= a.options.MaxCalls {
		a.counts.full.Add(1)
		return false
	}
	a.expected[r.Reference] = r
	a.counts.taken.Add(1)
	return true
}

// Return gives a record back whose INVITE has not come, as proxy.Treater says.
func (a *Agent) Return(r *call.Record) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.expected[r.Reference] != r {
		return false
	}
	delete(a.expected, r.Reference)
	a.noteIdle()
	return true
}

// live is the number of calls. The lock is held.
func (a *Agent) live() int { return len(a.expected) + len(a.sessions) }

// noteIdle tells those who Wait when no call is left. The lock is held.
func (a *Agent) noteIdle() {
	if a.live() == 0 {
		close(a.idle)
		a.idle = make(chan struct{})
	}
}

// read handles what the core sends until the wire is closed.
func (a *Agent) read() {
	buf := make([]byte, maxMessage)
	parser := newParser()
	for {
		n, _, err := a.tx.link.conn.ReadFrom(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			a.options.Log.Error("the wire to the proxy core cannot be read", "error", err)
			return
		}
		a.readMessage(parser, buf[:n])
	}
}

func (a *Agent) readMessage(parser *sip.Parser, data []byte) {
	defer a.counts.recovered()
	msg, err := parser.ParseSIP(data)
	if err != nil {
		a.counts.malformed.Add(1)
		return
	}
	a.tx.receive(msg)
}

// receive hands a request to its leg, or begins a call with it. tx is nil for an ACK.
func (a *Agent) receive(req *sip.Request, tx *server) {
	if tx != nil && tx.fresh {
		a.receiveFresh(req, tx)
		return
	}
	a.mu.Lock()
	l := a.legs[toTag(req)]
	a.mu.Unlock()
	if l == nil {
		a.tx.refuse(tx, 481)
		return
	}
	handle := func() { l.receive(req, tx) }
	if req.Method == sip.BYE {
		l.session.mailbox.tell(handle)
	} else if !l.session.mailbox.post(handle) {
		a.counts.overflow.Add(1)
		a.tx.refuse(tx, 503)
	}
}

// receiveFresh handles a request outside a dialog.
func (a *Agent) receiveFresh(req *sip.Request, tx *server) {
	if req.Method != sip.INVITE {
		a.tx.refuse(tx, 481) // the core answers those that are for the gateway itself
		return
	}
	s := a.begin(req)
	if s == nil {
		a.tx.refuse(tx, 481)
		return
	}
	tx.cancelled = s.cancelled
	_ = tx.Respond(newResponse(req, 100)) // the core waits for it before it relies on us
	go func() {
		defer s.leave()
		s.run(req, tx)
	}()
}

// begin makes the session of an INVITE whose call was taken, and counts it in group; nil if it was not.
func (a *Agent) begin(req *sip.Request) *session {
	reference := proxy.ReferenceIn(values(req, "x-ringfence"))
	key := attempt{callID: req.CallID().Value(), fromTag: fromTag(req)}
	a.mu.Lock()
	defer a.mu.Unlock()
	record := a.expected[reference]
	if record == nil {
		return nil
	}
	delete(a.expected, reference)
	merged := a.sessions[key] != nil
	for ; a.sessions[key] != nil; key.number++ {
	}
	s := newSession(a, record, merged)
	a.sessions[key] = s
	a.group.Add(1)
	s.leave = sync.OnceFunc(func() {
		a.forget(key)
		a.group.Done()
	})
	return s
}

// Stats returns the counters.
func (a *Agent) Stats() Stats {
	a.mu.Lock()
	live := a.live()
	a.mu.Unlock()
	c := &a.counts
	return Stats{
		Calls: live, Taken: c.taken.Load(), Full: c.full.Load(), Panics: c.panics.Load(),
		Malformed: c.malformed.Load(), Overflow: c.overflow.Load(),
	}
}

// Wait returns when no call is left, or with an error that says how many are when ctx ends first. It does not
// keep new calls from being taken.
func (a *Agent) Wait(ctx context.Context) error {
	a.mu.Lock()
	live, idle := a.live(), a.idle
	a.mu.Unlock()
	if live == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d treated calls are not over: %w", a.Stats().Calls, ctx.Err())
	}
}

// Close takes no more calls, ends those there are, and closes the wire once they have ended. When ctx ends
// first, what is left of them is dropped, and the error says how many. Each call has its record in any case.
func (a *Agent) Close(ctx context.Context) error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	expected := a.expected
	a.expected = make(map[string]*call.Record)
	for _, s := range a.sessions {
		s.handle(treatment.Stopped{Status: 503, Cause: call.ReasonStopped})
	}
	a.mu.Unlock()
	for _, r := range expected {
		r.Outcome.By, r.Outcome.Cause, r.Outcome.Elapsed = call.EndedByGateway, call.ReasonStopped, time.Since(r.Facts.Time)
		a.options.Recorder.Append(r)
	}
	err := a.Wait(ctx)
	if err != nil {
		close(a.abort)
		stuck := time.AfterFunc(abortGrace, func() { a.cutOff(func(*session) bool { return true }) })
		defer stuck.Stop()
	}
	a.group.Wait()
	close(a.unwatched)
	a.watcher.Wait()
	err = errors.Join(err, a.tx.link.Close())
	a.reader.Wait()
	a.tx.close()
	return err
}

// forget notes that a session has ended.
func (a *Agent) forget(key attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sessions, key)
	a.noteIdle()
}

func (a *Agent) addLeg(l *leg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.legs[l.tag] = l
}

func (a *Agent) removeLeg(l *leg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.legs, l.tag)
}
