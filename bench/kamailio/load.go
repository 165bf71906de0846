//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// load says which calls are placed.
type load struct {
	calls   int
	rate    float64       // calls a second on average; they arrive at random (a Poisson process)
	ring    time.Duration // from the 180 to the 200
	hold    time.Duration // from the ACK to the BYE
	refused bool          // the callers are listed: a 603 is what is expected
	spin    bool          // never sleep, so that no send of the proxy pays for waking its peer
	held    func()        // called once when every call is answered; may be nil
}

// outcome is what became of a load.
type outcome struct {
	completed       int
	failures        map[string]int  // failed calls by what went wrong
	retransmissions int             // requests and answers sent again for want of a response
	elapsed         time.Duration   // from the first INVITE to the last
	lag             time.Duration   // the most that an INVITE left later than it was due
	delays          []time.Duration // of a call's INVITE and its 200 on their ways, together
}

func (o *outcome) failed() int {
	n := 0
	for _, count := range o.failures {
		n += count
	}
	return n
}

// why is what went wrong most often.
func (o *outcome) why() string {
	most := ""
	for why, n := range o.failures {
		if n > o.failures[most] {
			most = why
		}
	}
	return most
}

// delay is the quantile q of the delays.
func (o *outcome) delay(q float64) time.Duration {
	if len(o.delays) == 0 {
		return 0
	}
	slices.Sort(o.delays)
	return o.delays[min(len(o.delays)-1, int(q*float64(len(o.delays))))]
}

// generator is both ends of all calls, in one thread: the caller's socket and the callee's.
type generator struct {
	caller, callee *socket
	phones         *phones
	direct         bool // no proxy between them
	base           uint32
	began          time.Time

	load   load
	calls  []placed
	result outcome
	open   int // calls begun and not ended
	rang   int // answered or ended
	timers [timerKinds]queue
	msg    message
	stored message
}

// placed is one call.
type placed struct {
	phase    phase
	acked    bool
	sentAt   time.Duration // INVITE by the caller, then 200 by the callee
	forward  time.Duration // what the INVITE took
	answer   []byte        // the 200 as the callee sent it, then as the caller received it
	attempts int8          // half seconds that the caller's request has waited
	repeats  int8          // half seconds that the callee's 200 has waited for its ACK
}

// phase is how far the caller sees a call.
type phase uint8

const (
	inviting   phase = iota
	proceeding       // it had a provisional response
	answered
	leaving // BYE sent
	ended
)

// openGenerator opens the two ends before a proxy at an address; the zero AddrPort stands for none.
func openGenerator(proxy netip.AddrPort) (*generator, error) {
	g := &generator{base: rand.Uint32() &^ 0xffff, began: time.Now(), direct: !proxy.IsValid()}
	var err error
	if g.caller, err = openSocket(callerIP); err != nil {
		return nil, err
	}
	if g.callee, err = openSocket(calleeIP); err != nil {
		g.caller.close()
		return nil, err
	}
	toCaller, toCallee := proxy, proxy
	if g.direct {
		toCaller, toCallee = g.callee.local, g.caller.local
		proxy = g.callee.local
	}
	if err = g.caller.connect(toCaller); err == nil {
		err = g.callee.connect(toCallee)
	}
	if err != nil {
		g.close()
		return nil, fmt.Errorf("sockets to %s: %w", proxy, err)
	}
	g.phones = newPhones(proxy, g.caller.local, g.callee.local)
	return g, nil
}

func (g *generator) close() {
	g.caller.close()
	g.callee.close()
}

func (g *generator) now() time.Duration { return time.Since(g.began) }

// burst bounds what is done of one kind before the others have their turn.
const burst = 32

// run places the calls and returns when all have ended. It takes no longer than the load's own length
// and giveUp for the last request.
func (g *generator) run(l load) outcome {
	g.base += uint32(len(g.calls))
	g.load, g.open, g.rang = l, 0, 0
	g.calls = make([]placed, l.calls)
	g.result = outcome{failures: map[string]int{}, delays: make([]time.Duration, 0, l.calls)}
	for kind := range g.timers {
		g.timers[kind].reset()
	}
	g.phones.prefix = allowedPrefix
	if l.refused {
		g.phones.prefix = listedPrefix
	}
	arrivals := rand.New(rand.NewPCG(1, uint64(l.calls))) // every proxy gets the same
	first := g.now()
	due := first
	for begun := 0; begun < l.calls || g.open > 0; {
		for n := 0; n < burst && begun < l.calls && due <= g.now(); n++ {
			g.begin(begun, due)
			if begun++; begun == l.calls {
				g.result.elapsed = g.now() - first
			}
			due += time.Duration(arrivals.ExpFloat64() * float64(time.Second) / l.rate)
		}
		next := g.fire()
		if begun < l.calls {
			next = min(next, due)
		}
		if !g.receive() && !l.spin {
			await(g.caller, g.callee, next-g.now())
		}
	}
	return g.result
}

// begin sends the INVITE of call i.
func (g *generator) begin(i int, due time.Duration) {
	g.open++
	text := g.phones.invite(g.base + uint32(i))
	now := g.now()
	g.result.lag = max(g.result.lag, now-due)
	g.calls[i].sentAt = now
	g.caller.send(text)
	g.timers[timerInvite].push(i, now)
}

// receive reads what has arrived; it is false when nothing had.
func (g *generator) receive() bool {
	some := false
	for range burst {
		callee := g.callee.receive()
		if callee != nil {
			g.atCallee(callee)
		}
		caller := g.caller.receive()
		if caller != nil {
			g.atCaller(caller)
		}
		if caller == nil && callee == nil {
			break
		}
		some = true
	}
	return some
}

// find returns the call that the message at hand belongs to, nil for one that is none of this load's.
func (g *generator) find() (i int, c *placed) {
	number, ok := g.msg.number()
	if i = int(number - g.base); !ok || i >= len(g.calls) {
		return 0, nil
	}
	return i, &g.calls[i]
}

// end ends a call; why is empty when it went as it should.
func (g *generator) end(c *placed, why string) {
	if c.phase == ended {
		return
	}
	if c.phase < answered {
		g.answered()
	}
	c.phase, c.answer = ended, nil
	g.open--
	if why == "" {
		g.result.completed++
	} else {
		g.result.failures[why]++
	}
}

// answered counts a call that is answered, or will never be.
func (g *generator) answered() {
	if g.rang++; g.rang == len(g.calls) && g.load.held != nil {
		g.load.held()
	}
}
