package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// The ways of a report, and the names of their folders.
const (
	wayScore   = "score"
	wayWebhook = "webhook"
)

const (
	minRetry = time.Second
	maxRetry = 5 * time.Minute
	// attemptLimit bounds one attempt, whatever the way's own limits are.
	attemptLimit = time.Minute
	// rescanEvery is how often the folder is looked at for reports that an operator put back.
	rescanEvery = 30 * time.Second
)

// ErrRefused is wrapped by an error that trying again will not help.
var ErrRefused = errors.New("refused")

// laterError says when to try again at the earliest.
type laterError struct {
	error
	after time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

// outbox sends what lies in a spool, one after the other in the order it came. What fails is tried
// again until it is taken, ever less often; what is refused is set aside as dead.
type outbox struct {
	spool   *spool
	deliver func(ctx context.Context, id string, body []byte) error
	log     *slog.Logger
	wake    chan struct{}

	mu    sync.Mutex
	stats WayStats
}

// WayStats is the state of one way of reports. Counters count from the start.
type WayStats struct {
	Queued int    // reports that wait on disk
	Dead   int    // reports that were refused, and wait on disk for a person
	Sent   uint64 // reports that were taken
	Failed uint64 // attempts that failed

	Error        string    // why the last attempt failed; empty when it did not
	FailingSince time.Time // zero while attempts succeed
}

func openOutbox(dir string, deliver func(context.Context, string, []byte) error, log *slog.Logger) (*outbox, error) {
	s, err := openSpool(dir)
	if err != nil {
		return nil, err
	}
	b := &outbox{spool: s, deliver: deliver, log: log.With("way", s.way()), wake: make(chan struct{}, 1)}
	b.update(func(*WayStats) {})
	return b, nil
}

// put stores a value for sending, as JSON.
func (b *outbox) put(id string, value any) error {
	body, err := json.Marshal(value)
	if err == nil {
		err = b.spool.put(id, body, time.Now())
	}
	if err != nil {
		return err
	}
	b.update(func(*WayStats) {})
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// run sends until ctx ends.
func (b *outbox) run(ctx context.Context) {
	for ctx.Err() == nil {
		names, err := b.spool.waiting()
		if err != nil {
			b.failed(err)
		}
		for _, name := range names {
			b.send(ctx, name)
		}
		if len(names) > 0 {
			continue
		}
		if err == nil {
			b.works()
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-time.After(rescanEvery):
		}
	}
}

// send delivers one report, however long that takes.
func (b *outbox) send(ctx context.Context, name string) {
	for failures := 1; ctx.Err() == nil; failures++ {
		body, err := b.spool.read(name)
		if errors.Is(err, fs.ErrNotExist) { // an operator took it out
			return
		}
		if err == nil {
			err = b.attempt(ctx, name, body)
		}
		switch {
		case err == nil:
			err = b.spool.remove(name)
			b.update(func(s *WayStats) { s.Sent++ })
			b.works()
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrRefused):
			b.log.Error("report refused; it is set aside until \"ringfence reports retry\"", "id", idOf(name), "error", err)
			err = b.spool.bury(name, err, time.Now())
			b.update(func(s *WayStats) { s.Failed++ })
		}
		if err == nil {
			return
		}
		b.failed(err)
		pause(ctx, wait(err, failures))
	}
}

func (b *outbox) attempt(ctx context.Context, name string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	return b.deliver(ctx, idOf(name), body)
}

// wait is how long to wait after so many failures in a row: twice as long each time, varied so that
// the nodes of a site do not return at once, and not before the receiver wants to be asked again.
func wait(err error, failures int) time.Duration {
	d := min(maxRetry, minRetry<<min(failures-1, 20))
	d = d/2 + rand.N(d/2+1)
	var later *laterError
	if errors.As(err, &later) {
		d = max(d, min(later.after, maxRetryAfter))
	}
	return d
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// works notes that nothing keeps reports from being sent.
func (b *outbox) works() {
	before := b.update(func(s *WayStats) { s.Error, s.FailingSince = "", time.Time{} })
	if before.Error != "" {
		b.log.Info("reports are taken again", "waiting", before.Queued)
	}
}

func (b *outbox) failed(err error) {
	before := b.update(func(s *WayStats) {
		s.Failed++
		if s.Error == "" {
			s.FailingSince = time.Now()
		}
		s.Error = err.Error()
	})
	if before.Error == "" {
		b.log.Warn("reports wait on disk and are tried again", "waiting", before.Queued, "folder", b.spool.dir, "error", err)
	}
}

// update changes the statistics and returns them as they were.
func (b *outbox) update(change func(*WayStats)) (before WayStats) {
	queued, dead := b.spool.counts()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Queued, b.stats.Dead = queued, dead
	before = b.stats
	change(&b.stats)
	return before
}

// health is nil while reports are taken.
func (b *outbox) health() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	if b.stats.Error != "" {
		errs = append(errs, fmt.Errorf("%d reports (%s) wait since %s: %s", b.stats.Queued, b.spool.way(), b.stats.FailingSince.UTC().Format(time.RFC3339), b.stats.Error))
	}
	if b.stats.Dead > 0 {
		errs = append(errs, fmt.Errorf("%d reports (%s) were refused: see \"ringfence reports list\"", b.stats.Dead, b.spool.way()))
	}
	return errors.Join(errs...)
}
