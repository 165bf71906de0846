package proxy

import (
	"time"

	"ringfence/call"
	"ringfence/sip/locate"
)

// names remembers where names lead. Finding that out is the resolver's work, away from the core;
// requests wait for it in their transactions.
type names struct {
	known map[locate.Query]location
	asked map[locate.Query]bool // the resolver has been asked, and has not answered yet
}

// location is what was found out about a name.
type location struct {
	list    []locate.Destination // empty: nothing was found
	expires int64                // milliseconds
}

// All in milliseconds but maxNames.
const (
	minLifetime   = 5_000   // of an answer, whatever its records say
	maxLifetime   = 300_000 // the same
	usualLifetime = 30_000  // of an answer whose records do not say
	failLifetime  = 5_000   // until a name that was not found is asked for again
	maxWait       = 5_000   // a request waits for a name; the resolver is done before
	maxNames      = 1024    // names remembered, and asked for; peers choose them, so they are bounded
)

// find returns where a name leads, nothing if it is known to lead nowhere. It is not ready while the
// resolver is being asked; the answer comes to located.
func (c *Core) find(q locate.Query) (list []locate.Destination, ready bool) {
	known, ok := c.names.known[q]
	if ok && c.ms < known.expires {
		return known.list, true
	}
	if !c.names.asked[q] {
		if len(c.names.asked) >= maxNames {
			return nil, true
		}
		if c.names.asked == nil {
			c.names.asked = map[locate.Query]bool{}
		}
		c.names.asked[q] = true
		c.resolver.Locate(q)
	}
	return nil, false
}

// located goes on with everything that waits for a name. What was known before stays while the DNS
// fails: an old address is better than none.
func (c *Core) located(q locate.Query, answer locate.Answer, err error) {
	delete(c.names.asked, q)
	before := c.names.known[q]
	now := location{answer.Destinations, c.ms + lifetime(answer.TTL)}
	if err != nil {
		now.expires = c.ms + failLifetime
		if len(before.list) > 0 {
			now.list = before.list
		}
	}
	c.names.remember(q, now, c.ms)
	for _, t := range c.named {
		if t.query == q {
			c.settle(t, now.list, err)
		}
	}
	c.servers.each(func(s *server) {
		if s.awaits == q && s.state == serverProceeding {
			c.resume(s)
		}
	})
	c.clients.each(func(cl *client) {
		if cl.kind == kindAck && cl.awaits == q {
			c.resumeAck(cl)
		}
	})
}

// lifetime is how long an answer is used, in milliseconds.
func lifetime(ttl time.Duration) int64 {
	if ttl == 0 {
		return usualLifetime
	}
	return min(max(ttl.Milliseconds(), minLifetime), maxLifetime)
}

// remember keeps a location. When the table is full, what has expired makes room, or else any name.
func (n *names) remember(q locate.Query, l location, now int64) {
	if n.known == nil {
		n.known = map[locate.Query]location{}
	}
	if _, ok := n.known[q]; !ok && len(n.known) >= maxNames {
		for other, known := range n.known {
			if now >= known.expires {
				delete(n.known, other)
			}
		}
		for other := range n.known {
			if len(n.known) < maxNames {
				break
			}
			delete(n.known, other)
		}
	}
	n.known[q] = l
}

// await has a request wait until a name is located, for a bounded time.
func (c *Core) await(s *server, q locate.Query) {
	s.awaits = q
	s.deadlines = deadlines{expire: c.ms + maxWait}
	c.arm(&s.timer, &s.deadlines)
}

// stopWaiting takes back what await did.
func (c *Core) stopWaiting(s *server) {
	s.awaits, s.deadlines = locate.Query{}, deadlines{}
	c.wheel.stop(&s.timer)
}

// resume sends a request whose next hop was located.
func (c *Core) resume(s *server) {
	defer c.recovered("a request could not be sent to where it was located")
	c.stopWaiting(s)
	if c.stored.Parse(s.request) != nil {
		c.freeServer(s)
		return
	}
	if s.initial {
		c.attempt(s, &c.stored)
	} else if status := c.follow(s, &c.stored); status != 0 {
		c.fail(s, status, call.EndedByGateway)
	}
}

// giveUpWaiting ends a request whose next hop was not located in time.
func (c *Core) giveUpWaiting(s *server) {
	c.stopWaiting(s)
	if s.initial && c.stored.Parse(s.request) == nil {
		c.refuseForNow(s, &c.stored, call.ReasonNoTarget)
	} else {
		c.fail(s, 503, call.EndedByGateway)
	}
}
