package proxy

// The timers of RFC 3261 table 4, in milliseconds.
const (
	t1 = 500  // round-trip estimate
	t2 = 4000 // longest interval between retransmissions
	t4 = 5000 // longest time a message stays in the network

	timerB = 64 * t1 // and F, H, J, L, M: a transaction gives up, or forgets
	timerD = 32000   // a client waits for final responses sent again
)

// deadlines are the two times one transaction waits for; 0 is never. They share its one timer.
type deadlines struct {
	retransmit int64
	expire     int64
	interval   int64 // until the retransmission after the next
}

// first is the earlier of the two; ok is false if there is none.
func (d *deadlines) first() (at int64, ok bool) {
	switch {
	case d.retransmit == 0:
		return d.expire, d.expire != 0
	case d.expire == 0 || d.retransmit < d.expire:
		return d.retransmit, true
	default:
		return d.expire, true
	}
}

// arm puts t on the wheel for the earlier deadline, or takes it off.
func (c *Core) arm(t *timer, d *deadlines) {
	if at, ok := d.first(); ok {
		c.wheel.arm(t, at)
	} else {
		c.wheel.stop(t)
	}
}

// backOff sets the time of the next retransmission: intervals double, up to limit (0: for ever).
func (d *deadlines) backOff(now, limit int64) {
	d.interval *= 2
	if limit > 0 {
		d.interval = min(d.interval, limit)
	}
	d.retransmit = now + d.interval
}
