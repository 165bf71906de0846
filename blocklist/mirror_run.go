package blocklist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
)

// After a failure the store is asked again after minRetry, then after ever longer, to maxRetry.
const (
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// follower is the state of Mirror.Run.
type follower struct {
	m        *Mirror
	position Position
	load     bool      // the whole list is to be loaded
	notUntil time.Time // of the next full load
	lost     error     // the store has lost its list, and ours is kept
	failures int       // in a row
	disk     disk
}

// Run keeps the mirror in step with its store until ctx ends, and then writes the last snapshot.
// Whatever happens to the store, the last known list stays. Run is called once.
func (m *Mirror) Run(ctx context.Context) {
	f := follower{m: m, position: m.start, load: m.start == "", disk: disk{m: m}}
	for ctx.Err() == nil {
		err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		f.report(err)
		f.disk.writeIfDue(f.position)
		if err == nil {
			f.failures = 0
			continue
		}
		f.failures++
		pause(ctx, backoff(f.failures))
	}
	f.disk.finish(f.position)
}

// step loads the list or follows the next changes of it.
func (f *follower) step(ctx context.Context) error {
	select {
	case <-f.m.again:
		f.load = true
	default:
	}
	if f.load {
		return f.resync(ctx)
	}
	changes, next, err := f.m.store.Watch(ctx, f.position)
	if errors.Is(err, ErrResync) {
		f.load = true
		return f.resync(ctx)
	}
	if err == nil {
		f.position = next
		f.apply(changes)
	}
	return err
}

// resync loads the whole list beside the present one, and exchanges them when it is complete.
func (f *follower) resync(ctx context.Context) error {
	pause(ctx, time.Until(f.notUntil))
	began := time.Now()
	present := f.m.index.Load()
	x := newIndex(present.size())
	position, err := f.m.store.Load(ctx, func(e Entry) error {
		x.put(e.Pattern, packEntry(&e))
		return ctx.Err()
	})
	// Loading takes at most half of this goroutine's time, however often the list is exchanged.
	f.notUntil = time.Now().Add(time.Since(began))
	if err != nil {
		return err
	}
	f.load, f.position, f.lost = false, position, nil
	if position == "" && present.size() > 0 {
		// A store that came back without its data must not silently switch screening off.
		f.lost = fmt.Errorf("the list store is empty, as if new, while this node has %d entries: they stay in force until the store is restored or written to", present.size())
		return nil
	}
	f.disk.dirty = true
	f.m.publish(x)
	f.m.update(func(s *State) { s.Resyncs++ })
	f.m.log.Info("lists loaded", "entries", x.size(), "version", f.m.Version(), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// apply makes changes in the present index.
func (f *follower) apply(changes []Change) {
	if len(changes) == 0 {
		return
	}
	x := f.m.index.Load()
	for i := range changes {
		switch e := changes[i].Entry; changes[i].Op {
		case OpAdd:
			x.put(e.Pattern, packEntry(e))
		case OpRemove:
			x.remove(e.Key())
		case OpBulk: // never told one by one: see Store.Watch
		}
	}
	f.disk.dirty = true
	f.m.publish(x)
	f.m.update(func(s *State) { s.Changes += uint64(len(changes)) })
}

// report brings the state up to date with the outcome of a step, and logs when it turns.
func (f *follower) report(err error) {
	problem := err
	if err == nil {
		problem = f.lost
	}
	var before State
	f.m.update(func(s *State) {
		before = *s
		s.Connected = err == nil
		if err != nil {
			s.Failures++
		}
		if problem != nil {
			s.Error = masked(problem)
			return
		}
		s.Error, s.Synced = "", time.Now().UTC()
	})
	switch {
	case problem != nil && before.Error == "":
		f.m.log.Warn("lists not in step with their store; calls go on with the last known list", "error", masked(problem))
	case problem == nil && before.Error != "":
		f.m.log.Info("lists in step with their store again", "version", f.m.Version())
	}
	if problem == nil && before.Synced.IsZero() {
		close(f.m.ready)
	}
}

// longDigits are digits that may be the telephone number of a person.
var longDigits = regexp.MustCompile(`\d{7,}`)

// masked is the text of an error without whole telephone numbers, which do not belong into logs and
// health pages.
func masked(err error) string {
	return longDigits.ReplaceAllStringFunc(err.Error(), func(digits string) string {
		return digits[:3] + strings.Repeat("*", len(digits)-5) + digits[len(digits)-2:]
	})
}

// backoff is the time to wait after so many failures in a row, varied so that the nodes of a site
// do not all return at once.
func backoff(failures int) time.Duration {
	d := min(maxRetry, minRetry<<min(failures-1, 10))
	return d/2 + rand.N(d/2+1)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
