package audit

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Stats is the state of the log at one moment. Counters count from Open.
type Stats struct {
	Queued   int // records waiting in memory
	Capacity int // records that may wait in memory
	Spooled  int // records waiting in the spool file

	SpoolBytes int64
	Written    uint64 // records committed to the database
	Dropped    uint64 // records lost: no room in memory, or not storable
	Damaged    uint64 // spool lines that could not be read and were set aside

	Head          Head      // the end of the chain as last committed from here
	LastCommit    time.Time // zero before the first
	DatabaseError string    // why the database does not take records; empty when it does
	SpoolError    string    // why the spool does not take records; empty when it does, or was not needed
	FailingSince  time.Time // when DatabaseError began; zero when there is none
}

// status is what the writer tells and Stats and Health ask. Its zero value is ready.
type status struct {
	mu        sync.Mutex
	stats     Stats     // without Queued and Capacity
	busySince time.Time // when the writer began what it is doing; zero while it waits
	lastDrop  time.Time
	unlogged  uint64 // dropped and not yet said in the log
}

func (s *status) update(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

func (s *status) busy(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busySince = since
}

func (s *status) drop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Dropped += uint64(n)
	s.unlogged += uint64(n)
	s.lastDrop = time.Now()
}

// takeDrops returns the records dropped since it was last called.
func (s *status) takeDrops() (n, total uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, s.unlogged = s.unlogged, 0
	return n, s.stats.Dropped
}

const (
	dropAlarm  = 5 * time.Minute  // how long a loss is reported by Health
	stallAlarm = 10 * time.Second // a writer busy with one batch for so long hangs on a disk
)

// Stats returns the state of the log.
func (l *Log) Stats() Stats {
	l.status.mu.Lock()
	defer l.status.mu.Unlock()
	s := l.status.stats
	s.Queued, s.Capacity = l.queue.len(), l.opts.Queue
	return s
}

// Health returns nil while records reach the database, and otherwise says what is wrong and where
// the records wait. Calls go on in any case.
func (l *Log) Health() error {
	s := l.Stats()
	l.status.mu.Lock()
	busySince, lastDrop := l.status.busySince, l.status.lastDrop
	l.status.mu.Unlock()
	var errs []error
	if s.DatabaseError != "" {
		errs = append(errs, fmt.Errorf("audit database %s, since %s: %s (%d records wait in %s)",
			l.opts.Path, s.FailingSince.UTC().Format(time.RFC3339), s.DatabaseError, s.Spooled, l.opts.Spool))
	}
	if s.SpoolError != "" {
		errs = append(errs, fmt.Errorf("%s (%d of %d places in memory are taken)", s.SpoolError, s.Queued, s.Capacity))
	}
	if hung := time.Since(busySince); !busySince.IsZero() && hung > stallAlarm {
		errs = append(errs, fmt.Errorf("audit log: writing has hung for %s: check the disk of %s", hung.Round(time.Second), l.opts.Path))
	}
	if !lastDrop.IsZero() && time.Since(lastDrop) < dropAlarm {
		errs = append(errs, fmt.Errorf("audit log: records were lost, %d since the start", s.Dropped))
	}
	return errors.Join(errs...)
}
