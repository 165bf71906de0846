package audit

import (
	"errors"
	"log/slog"
	"time"
)

// DefaultRetention is how long records are kept unless Options say otherwise. China's Cybersecurity
// Law art. 21 asks for network logs of at least six months, PIPL art. 19 for no longer than needed.
const DefaultRetention = 180 * 24 * time.Hour

// KeepForever is the Retention under which nothing is deleted.
const KeepForever time.Duration = -1

// Options says where the log is and how it behaves. Only Path must be set.
type Options struct {
	Path      string        // the SQLite database; created when missing
	Spool     string        // the spool file; Path + ".spool" when empty. A different disk is best.
	MaxSpool  int64         // bytes the spool may take; 1 GiB (about a million records) when 0
	Queue     int           // records that may wait in memory; 8192 when 0
	Batch     int           // records committed together; 1024 when 0
	Interval  time.Duration // longest wait for a batch to fill, and so what a crash may lose; 200 ms when 0
	Retention time.Duration // DefaultRetention when 0; KeepForever when negative
	Logger    *slog.Logger  // slog.Default() when nil

	busy    time.Duration // wait for a lock that somebody else holds
	pragmas []string      // for tests that fill the database
}

// retryDelay is the pause before a failing database or spool is tried again.
const retryDelay = time.Second

// pruneInterval is the time between two looks for records older than Retention.
const pruneInterval = time.Hour

func (o *Options) complete() error {
	if o.Path == "" {
		return errors.New("audit: the path of the database is missing")
	}
	if o.MaxSpool < 0 || o.Queue < 0 || o.Batch < 0 || o.Interval < 0 {
		return errors.New("audit: sizes and intervals cannot be negative")
	}
	setDefault(&o.Spool, o.Path+".spool")
	setDefault(&o.MaxSpool, 1<<30)
	setDefault(&o.Queue, 8192)
	setDefault(&o.Batch, 1024)
	o.Batch = min(o.Batch, o.Queue)
	setDefault(&o.Interval, 200*time.Millisecond)
	setDefault(&o.Retention, DefaultRetention)
	setDefault(&o.Logger, slog.Default())
	setDefault(&o.busy, time.Second)
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
