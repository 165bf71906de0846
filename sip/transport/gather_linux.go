package transport

import (
	"time"

	"golang.org/x/sys/unix"
)

// A busy socket is read a little later, so that more datagrams are handled at one waking. Waking a
// thread costs as much as handling a datagram, and a millisecond is nothing to a call.
const (
	gatherFor  = time.Millisecond       // the wait before a read
	gatherFrom = 5000                   // datagrams a second from which a socket is busy
	gatherSpan = 100 * time.Millisecond // how long is counted before that is judged anew
)

// gathering judges how busy a socket is. One that has noted nothing is of an idle one.
type gathering struct {
	began time.Time // of the span
	count int       // datagrams in it
	busy  bool
	nap   func() // passes gatherFor
}

// note takes the number of datagrams read at once, and the time.
func (g *gathering) note(n int, now time.Time) {
	g.count += n
	if span := now.Sub(g.began); span >= gatherSpan {
		g.busy = float64(g.count) >= gatherFrom*span.Seconds()
		g.began, g.count = now, 0
	}
}

// wait lets datagrams gather after a read of n, unless more were there than one read takes.
func (g *gathering) wait(n int) {
	if !g.busy || n == batchSize {
		return
	}
	g.nap()
}

// nap passes gatherFor apart from the runtime's timers, which would wake a second thread. A signal may
// shorten it, and does no harm.
func nap() {
	moment := unix.NsecToTimespec(int64(gatherFor))
	_ = unix.Nanosleep(&moment, nil)
}
