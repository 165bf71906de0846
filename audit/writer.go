package audit

import (
	"context"
	"time"
)

// writer moves records from the queue to the database, or to the spool and from there to the
// database. Records keep their order: while anything is spooled, everything goes through the spool.
type writer struct {
	ctx   context.Context // ends when Close has waited long enough
	log   *Log
	db    *database // nil while it cannot be opened
	spool *spool

	pending []entry // taken from the queue, not yet stored
	encoder *encoder
	retryAt time.Time // when a failing database is tried again
	pruneAt time.Time
}

func newWriter(ctx context.Context, l *Log, sp *spool) *writer {
	w := &writer{ctx: ctx, log: l, spool: sp, encoder: newEncoder(), pruneAt: time.Now()}
	w.showSpool()
	return w
}

func (w *writer) run() {
	defer close(w.log.ended)
	for open := true; open; {
		open = w.wait()
		w.log.status.busy(time.Now())
		w.fill()
		w.store()
		w.log.status.busy(time.Time{})
	}
	w.drain()
}

// wait returns when there is something to do. It returns false when the log is closing.
func (w *writer) wait() bool {
	l := w.log
	// Records that could be stored nowhere keep what comes after them in the queue.
	blocked := len(w.pending) > 0
	if l.queue.len() == 0 || blocked {
		wake := l.queue.wake
		if blocked {
			wake = nil
		}
		timer := time.NewTimer(w.idle())
		defer timer.Stop()
		select {
		case <-l.closing:
			return false
		case <-timer.C:
			return true
		case <-wake:
		}
	}
	if l.queue.len() >= l.opts.Batch {
		return true
	}
	timer := time.NewTimer(l.opts.Interval)
	defer timer.Stop()
	select {
	case <-l.closing:
		return false
	case <-l.queue.full:
	case <-timer.C:
	}
	return true
}

// idle is the time until something is to be done even if no record comes.
func (w *writer) idle() time.Duration {
	now := time.Now()
	switch {
	case len(w.pending) > 0 || !w.spool.empty() || w.db == nil:
		return max(0, w.retryAt.Sub(now))
	case w.log.opts.Retention > 0:
		return max(0, w.pruneAt.Sub(now), w.retryAt.Sub(now))
	}
	return pruneInterval
}

// fill takes up to a batch from the queue.
func (w *writer) fill() {
	for len(w.pending) < w.log.opts.Batch {
		r := w.log.queue.take()
		if r == nil {
			return
		}
		e, err := w.encoder.entry(r)
		if err != nil {
			w.log.opts.Logger.Error("audit record cannot be stored", "call_id", r.Facts.CallID, "error", err)
			w.log.status.drop(1)
			continue
		}
		w.pending = append(w.pending, e)
	}
}

// store brings what is pending to a safe place, and what is spooled or due on its way.
func (w *writer) store() {
	// With the queue nearly full the spool is the quicker way to make room.
	pressing := w.log.queue.pressing()
	if len(w.pending) > 0 && (!pressing && w.direct() || w.toSpool() || w.direct()) {
		w.pending = w.pending[:0]
	}
	if !w.spool.empty() && w.due() && (!pressing || len(w.pending) > 0) {
		w.replay()
	}
	if w.log.opts.Retention > 0 && w.spool.empty() && !time.Now().Before(w.pruneAt) && w.due() {
		w.prune()
	}
	if w.db == nil && w.due() {
		if err := w.connect(); err != nil {
			w.databaseFailed(err)
		}
	}
	if len(w.pending) > 0 && w.due() { // neither database nor spool: do not spin
		w.retryAt = time.Now().Add(retryDelay)
	}
}

// direct commits what is pending, unless older records in the spool must come first.
func (w *writer) direct() bool { return w.spool.empty() && w.due() && w.commit(w.pending) }

// due reports that the database may be tried now.
func (w *writer) due() bool { return !time.Now().Before(w.retryAt) }

// drain stores what is left when the log closes.
func (w *writer) drain() {
	w.retryAt = time.Time{}
	for w.fill(); len(w.pending) > 0 || w.db != nil && w.due() && !w.spool.empty(); w.fill() {
		w.store()
		if n := len(w.pending); n > 0 {
			w.log.lost += n
			w.log.status.drop(n)
			w.pending = w.pending[:0]
		}
	}
	if w.db != nil {
		if err := w.db.close(); err != nil {
			w.log.opts.Logger.Error("audit database", "error", err)
		}
	}
	if err := w.spool.close(); err != nil {
		w.log.opts.Logger.Error("audit spool", "error", err)
	}
}
