package report

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/call"
)

// Scores is the shared score of reported numbers.
type Scores interface {
	// Report counts a report of number by reporter, a keyed hash. The same report may come again and
	// counts once. It returns a word for what became of it. An error means: try again later, unless
	// it wraps ErrRefused.
	Report(ctx context.Context, number call.Number, reporter string, category call.Category, at time.Time) (outcome string, err error)
	// Decay brings the scores down to what they are at an instant.
	Decay(ctx context.Context, at time.Time) error
}

// Calls is the call log, which knows what memory does not: the calls before a restart, and all that
// was said of a call.
type Calls interface {
	// Newest visits the calls to a number since an instant, newest first, until visit returns false.
	Newest(ctx context.Context, called call.Number, since time.Time, visit func(*call.Record) bool) error
}

// Options say what a Reporter works with. Dir, Key and Scores must be set.
type Options struct {
	Node    string   // name of this node, told to the receiver
	Dir     string   // where reports wait on disk; made when missing
	Key     []byte   // hashes who reported, at least 16 bytes; the same on all nodes of a site
	Scores  Scores   // the shared score
	Webhook *Webhook // nil: reports are sent to nobody
	Calls   Calls    // nil: the feature code finds only what is in memory
	// Exempt reports whether reports may not move the score of this caller, as of an official number;
	// nil exempts nobody. Lists exempt as well: see Scores.
	Exempt func(*call.Party) bool
	Log    *slog.Logger // nil is slog.Default
}

const (
	maxQueue    = 256              // reports on their way to the disk
	lookupLimit = 3 * time.Second  // for finding a call in the log
	decayEvery  = time.Hour        // about
	closeLimit  = 10 * time.Second // for bringing what is queued to the disk
)

// Reporter takes reports. Its methods may be called from any goroutine.
type Reporter struct {
	o       Options
	last    *lastCallers
	score   *outbox
	webhook *outbox // nil: none
	lost    atomic.Uint64

	mu     sync.RWMutex // guards closed, and queue against being closed
	closed bool
	queue  chan task
	stop   context.CancelFunc
	filed  chan struct{}  // the queue is on disk
	sends  sync.WaitGroup // the goroutines that send
}

// task is a report to be brought to the disk: of a call, or of the last call to somebody.
type task struct {
	report *Report
	score  *scoreJob // nil: nothing to score

	by   call.Party // who dialled the feature code, when report is nil
	at   time.Time
	done func(reference string)
}

// Open starts a Reporter. Reports that waited on disk are sent on.
func Open(o Options) (*Reporter, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if len(o.Key) < 16 || o.Scores == nil {
		return nil, errors.New("reports: the key that hashes reporters, or the shared score, is missing")
	}
	r := &Reporter{o: o, last: newLastCallers(), queue: make(chan task, maxQueue), filed: make(chan struct{})}
	var err error
	if r.score, err = openOutbox(filepath.Join(o.Dir, wayScore), r.deliverScore, o.Log); err != nil {
		return nil, err
	}
	if o.Webhook != nil {
		if r.webhook, err = openOutbox(filepath.Join(o.Dir, wayWebhook), o.Webhook.deliver, o.Log); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go r.file(ctx)
	r.sends.Go(func() { r.score.run(ctx) })
	r.sends.Go(func() { r.decay(ctx) })
	if r.webhook != nil {
		r.sends.Go(func() { r.webhook.run(ctx) })
	}
	return r, nil
}

// Append notes a finished call, so that the feature code finds it. It keeps nothing of r, allocates
// nothing and does no I/O. Every record is to be given to it.
func (r *Reporter) Append(record *call.Record) { r.last.note(record) }

// Report takes the report of a call by the person called. It copies what it needs of the record,
// which may be that of a call that goes on, and never waits. A report for which there is no room is
// counted as lost; the call's own record still says that it was reported.
func (r *Reporter) Report(record *call.Record) {
	report := newReport(r.o.Node, ViaMenu, time.Now(), record)
	r.add(task{report: report, score: r.jobOf(report, record)})
}

// ReportLast takes a report of the last call that the caller in record had, from the person who
// dialled the feature code. It never waits. done is called once the report is on disk, from another
// goroutine, with the reference of the call that was reported, which is empty when there was none;
// done must not block. ReportLast returns false, and done is not called, when there is no room.
func (r *Reporter) ReportLast(record *call.Record, done func(reference string)) bool {
	return r.add(task{by: record.Facts.Caller, at: time.Now(), done: done})
}

func (r *Reporter) add(t task) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.closed {
		select {
		case r.queue <- t:
			return true
		default:
		}
	}
	r.lost.Add(1)
	return false
}

// Close brings what was reported to the disk and stops sending; the next start goes on. It waits for
// at most ten seconds.
func (r *Reporter) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	close(r.queue)
	r.mu.Unlock()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	var err error
	select {
	case <-r.filed:
	case <-timer.C:
		err = fmt.Errorf("reports: writing to %s hangs; reports that were made in the last seconds may be lost", r.o.Dir)
	}
	r.stop()
	r.sends.Wait()
	if r.o.Webhook != nil {
		r.o.Webhook.close()
	}
	return err
}

// file brings reports from the queue to the disk until the queue is closed.
func (r *Reporter) file(ctx context.Context) {
	defer close(r.filed)
	var told uint64
	for t := range r.queue {
		r.carryOut(ctx, t)
		if lost := r.lost.Load(); lost > told {
			r.o.Log.Error("reports lost: they came faster than they could be written", "reports", lost-told, "since_start", lost)
			told = lost
		}
	}
}

func (r *Reporter) carryOut(ctx context.Context, t task) {
	if t.report == nil {
		record := r.lastCall(ctx, t.by.Number, t.at)
		if record == nil {
			t.done("")
			return
		}
		t.report = newReport(r.o.Node, ViaFeatureCode, t.at, record)
		t.score = r.jobOf(t.report, record)
	}
	reference := t.report.Call.Reference
	stored, err := r.store(t)
	if err != nil {
		r.lost.Add(1)
		r.o.Log.Error("report cannot be stored", "reference", reference, "error", err)
	}
	if err != nil && !stored {
		reference = ""
	} else {
		r.o.Log.Info("call reported", "reference", reference, "via", string(t.report.Via), "number", t.report.Call.Reported.Number.Masked())
	}
	if t.done != nil {
		t.done(reference)
	}
}

// store puts a report on its ways. stored says that at least one has it.
func (r *Reporter) store(t task) (stored bool, err error) {
	if t.score != nil {
		err = r.score.put(t.report.ID, t.score)
		stored = err == nil
	}
	if r.webhook != nil {
		failed := r.webhook.put(t.report.ID, t.report)
		stored = stored || failed == nil
		err = errors.Join(err, failed)
	}
	return stored, err
}

// lastCall finds the last call that reached a number, nil for none.
func (r *Reporter) lastCall(ctx context.Context, called call.Number, at time.Time) *call.Record {
	if called.IsZero() {
		return nil
	}
	known, inMemory := r.last.find(called, at)
	if r.o.Calls == nil {
		if inMemory {
			return known.record()
		}
		return nil
	}
	since := at.Add(-remembered)
	if inMemory {
		since = known.time()
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	var found *call.Record
	err := r.o.Calls.Newest(ctx, called, since, func(record *call.Record) bool {
		if inMemory && record.Reference == known.ref() || !inMemory && reached(record) {
			found = record
		}
		return found == nil
	})
	if err != nil {
		r.o.Log.Warn("call log not read for a report", "in_memory", inMemory, "error", err)
	}
	if found == nil && inMemory { // the log has not stored it yet, or is away
		found = known.record()
	}
	return found
}

// scoreJob is a report on its way to the shared score.
type scoreJob struct {
	Number   call.Number   `json:"number"`
	Reporter string        `json:"reporter"` // a keyed hash
	Category call.Category `json:"category,omitempty"`
	Time     time.Time     `json:"time"`
}

// jobOf is what a report says to the shared score, nil for nothing: a caller without a number, or one
// that is exempt.
func (r *Reporter) jobOf(report *Report, record *call.Record) *scoreJob {
	caller, who := &record.Facts.Caller, reporterKey(&record.Facts.Called)
	if caller.Number.IsZero() || who == "" || record.Verdict.Reason == call.ReasonEmergency ||
		r.o.Exempt != nil && r.o.Exempt(caller) {
		return nil
	}
	return &scoreJob{caller.Number, hashReporter(r.o.Key, who), record.Verdict.Category, report.Time}
}

// hashReporter hides who reported. Without the key, the few numbers of a country could be tried one
// by one.
func hashReporter(key []byte, who string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(who))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

func (r *Reporter) deliverScore(ctx context.Context, _ string, body []byte) error {
	var job scoreJob
	if err := json.Unmarshal(body, &job); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	outcome, err := r.o.Scores.Report(ctx, job.Number, job.Reporter, job.Category, job.Time)
	if err == nil {
		r.o.Log.Info("report scored", "number", job.Number.Masked(), "outcome", outcome)
	}
	return err
}

// decay brings the shared scores down now and then. Every node does: the first one has the work, and
// the others find it done.
func (r *Reporter) decay(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(decayEvery/2 + rand.N(decayEvery)):
		}
		if err := r.o.Scores.Decay(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.o.Log.Warn("scores of reported numbers not brought down; tried again within two hours", "error", err)
		}
	}
}
