package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringfence/call"
)

// Log takes the records of a running gateway. Its methods are safe for concurrent use.
type Log struct {
	opts   Options
	queue  *queue
	status status

	closing   chan struct{}
	closeOnce sync.Once
	cancel    context.CancelFunc // ends waiting for the database
	ended     chan struct{}      // the writer has ended
	lost      int                // records not stored by Close; read after ended
	reported  chan struct{}
}

// Open opens the log and begins writing. A database that cannot be opened is no error: records are
// spooled until it can, and Health says so. A spool that cannot be opened, or is in use by another
// process, is an error.
func Open(opts Options) (*Log, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	sp, err := openSpool(opts.Spool, opts.MaxSpool)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{
		opts: opts, queue: newQueue(opts.Queue, opts.Batch),
		closing: make(chan struct{}), ended: make(chan struct{}), reported: make(chan struct{}), cancel: cancel,
	}
	w := newWriter(ctx, l, sp)
	if err := w.connect(); err != nil {
		w.databaseFailed(err)
	}
	go w.run()
	go l.report()
	return l, nil
}

// Append hands r to the log, which owns it from then on. It does no I/O and never waits: with no
// room left in memory, or after Close, the record is dropped and counted.
func (l *Log) Append(r *call.Record) {
	if r == nil || !l.queue.add(r) {
		l.status.drop(1)
	}
}

// Close stores everything appended so far, in the database or the spool, and ends the log. When ctx
// ends first, the database is not waited for any longer. The error says how many records could be
// stored nowhere.
func (l *Log) Close(ctx context.Context) error {
	l.closeOnce.Do(func() {
		l.queue.close()
		close(l.closing)
	})
	stop := context.AfterFunc(ctx, l.cancel)
	defer stop()
	<-l.ended
	<-l.reported
	l.cancel()
	if l.lost > 0 {
		return errors.Join(fmt.Errorf("audit log: %d records could be stored nowhere and are lost", l.lost), l.Health())
	}
	return nil
}

const (
	reportInterval = time.Second
	headInterval   = time.Minute
)

// report logs what must be seen even when the writer hangs on a disk: losses at once, and once a
// minute the head of the chain, which is the anchor outside the database.
func (l *Log) report() {
	defer close(l.reported)
	tick := time.NewTicker(reportInterval)
	defer tick.Stop()
	var logged Head
	var loggedAt time.Time
	for open := true; open; {
		select {
		case <-tick.C:
		case <-l.ended:
			open = false
		}
		if n, total := l.status.takeDrops(); n > 0 {
			l.opts.Logger.Error("audit records lost", "records", n, "since_start", total)
		}
		head := l.Stats().Head
		if head != logged && (!open || time.Since(loggedAt) >= headInterval) {
			l.opts.Logger.Info("audit head", "head", head.String())
			logged, loggedAt = head, time.Now()
		}
	}
}
