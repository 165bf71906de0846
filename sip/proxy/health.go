package proxy

import "ringfence/sip/wire"

// targetTimer looks whether a target's name leads elsewhere by now, pings the target at each of its
// places, and sets the time of the next look.
func (c *Core) targetTimer(i int) {
	t := c.everywhere[i]
	interval := c.cfg.Health.Interval.Milliseconds()
	if t.query.Host != "" {
		next := c.ms + minLifetime
		if t.watched && interval > 0 {
			next = min(next, c.ms+interval)
		}
		c.wheel.arm(&t.timer, next)
		if list, ready := c.find(t.query); ready && len(list) > 0 {
			c.settle(t, list, nil)
		}
		if len(t.left) > 0 && c.ms >= t.left[0].until {
			c.admitTargets()
		}
	} else {
		c.wheel.arm(&t.timer, c.ms+interval)
	}
	if !t.watched || interval == 0 || c.ms < t.nextPing {
		return
	}
	t.nextPing = c.ms + interval
	for _, p := range t.places {
		c.ping(p)
	}
}

// ping asks whether a target is alive at a place.
func (c *Core) ping(p *place) {
	hop, ok := c.hopToPlace(p)
	if !ok {
		c.pinged(p, false)
		return
	}
	cl := c.newClient(kindPing, wire.MethodOptions, 0)
	cl.place = p
	c.scratch = c.appendPing(c.scratch[:0], p.target, &hop, uint64(cl.handle))
	c.launch(cl, c.scratch, &hop, c.cfg.Health.Timeout.Milliseconds())
}

// appendPing appends the OPTIONS that asks whether a target is alive (RFC 3261 §11).
func (c *Core) appendPing(dst []byte, t *target, hop *nextHop, branch uint64) []byte {
	l := &c.cfg.Listeners[hop.flow.Listener]
	dst = append(dst, "OPTIONS sip:"...)
	dst = appendHostPort(dst, t.Host, t.Port)
	dst = append(dst, " SIP/2.0\r\n"...)
	dst = c.appendVia(dst, &hop.flow, branch, 0)
	dst = append(dst, "Max-Forwards: 0\r\nFrom: <sip:ringfence@"...)
	dst = l.appendHostPort(dst)
	dst = append(dst, ">;tag="...)
	dst = appendHex(dst, branch)
	dst = append(dst, "\r\nTo: <sip:"...)
	dst = appendHostPort(dst, t.Host, t.Port)
	dst = append(dst, ">\r\nCall-ID: ping-"...)
	dst = appendHex(dst, branch)
	dst = append(dst, "\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n"...)
	return wire.AppendEnd(dst)
}

// pinged notes how a ping went.
func (c *Core) pinged(p *place, alive bool) {
	if alive {
		if p.down {
			c.log.Info("target is up", "target", p.target.Name, "address", p.Addr)
		}
		p.misses, p.down = 0, false
		return
	}
	p.misses++
	if p.misses >= max(c.cfg.Health.DownAfter, 1) {
		c.markDown(p)
	}
}

// suspect notes that a call to a place met silence: it gets no more until a ping is answered. Without
// pings nothing would bring it back, so it stays.
func (c *Core) suspect(p *place) {
	if p != nil && p.target.watched && c.cfg.Health.Interval > 0 {
		c.markDown(p)
	}
}

func (c *Core) markDown(p *place) {
	if !p.down {
		p.down = true
		c.log.Warn("target is down", "target", p.target.Name, "address", p.Addr)
	}
}
