package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ringfence/call"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(killedPath); path != "" {
		appendUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

func TestAppendIsReadBack(t *testing.T) {
	path := filled(t, 8)
	r := reader(t, path)
	all, err := r.List(context.Background(), Filter{OldestFirst: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		want := sample(i)
		if !reflect.DeepEqual(e.Record, want) {
			t.Errorf("record %d:\n got %+v\nwant %+v", i, e.Record, want)
		}
		if e.Seq != uint64(i+1) || !e.Time.Equal(want.Facts.Time) || e.Call.Status != want.Outcome.Status {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database must be its owner's alone: %v, %v", info.Mode(), err)
	}
}

func TestRecordsSurviveCloseAndOpen(t *testing.T) {
	o := options(t)
	for run := range 5 {
		l := open(t, o)
		for i := range 7 {
			l.Append(sample(run*7 + i))
		}
		closeLog(t, l)
	}
	if report := intact(t, o.Path, 35); report.Head.Seq != 35 {
		t.Errorf("head %s, want 35", report.Head)
	}
}

func TestAppendFromManyGoroutines(t *testing.T) {
	o := options(t)
	o.Batch = 16
	l := open(t, o)
	var callers sync.WaitGroup
	for g := range 8 {
		callers.Go(func() {
			for i := range 200 {
				l.Append(sample(g*200 + i))
				if i%50 == 0 {
					_, _ = l.Stats(), l.Health()
				}
			}
		})
	}
	callers.Wait()
	closeLog(t, l)
	if s := l.Stats(); s.Written != 1600 || s.Dropped != 0 || s.Queued != 0 {
		t.Errorf("stats %+v", s)
	}
	r := reader(t, o.Path)
	seen := make(map[string]bool)
	for e, err := range r.Scan(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Call.Reference] = true
	}
	if len(seen) != 1600 {
		t.Errorf("%d different records, want 1600", len(seen))
	}
}

func TestDroppedRecordsAreCounted(t *testing.T) {
	var out bytes.Buffer
	o := options(t)
	o.Logger = slog.New(slog.NewTextHandler(&out, nil))
	l := open(t, o)
	l.Append(nil)
	broken := sample(1)
	broken.Verdict.Treatment = nil // cannot be stored
	l.Append(broken)
	l.Append(sample(0))
	closeLog(t, l)
	l.Append(sample(2)) // too late
	if s := l.Stats(); s.Dropped != 3 || s.Written != 1 {
		t.Errorf("stats %+v, want 3 dropped and 1 written", s)
	}
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("health %v must tell of the loss", err)
	}
	if !strings.Contains(out.String(), "audit records lost") {
		t.Errorf("the log must tell of the loss:\n%s", out.String())
	}
	intact(t, o.Path, 1)
}

func TestFullQueueDropsAndNeverWaits(t *testing.T) {
	q := newQueue(4, 2)
	for i := range 6 {
		if got, want := q.add(sample(i)), i < 4; got != want {
			t.Errorf("add %d: %v", i, got)
		}
	}
	if !q.pressing() {
		t.Error("a full queue must be pressing")
	}
	for i := range 4 {
		if r := q.take(); r.Reference != call.Reference(uint64(i)) {
			t.Errorf("take %d: %+v", i, r)
		}
		q.add(sample(i + 4)) // round the ring
	}
	q.close()
	if q.add(sample(9)) || q.len() != 4 {
		t.Error("a closed queue must keep what it has and take nothing")
	}
}

func TestOpenRefuses(t *testing.T) {
	used := options(t)
	l := open(t, used)
	defer closeLog(t, l)
	nowhere := options(t)
	nowhere.Path += "/missing/calls.db"
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"no path":        {Options{}, "path of the database is missing"},
		"negative queue": {Options{Path: "x", Queue: -1}, "cannot be negative"},
		"second process": {used, "in use by another ringfence process"},
		"no spool":       {nowhere, "audit spool"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestHeadIsLoggedOnceAMinuteAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := options(t)
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		l := open(t, o)
		for i := range 120 { // two minutes
			l.Append(sample(i))
			time.Sleep(time.Second)
		}
		l.Append(sample(120))
		closeLog(t, l)
		if n := strings.Count(out.String(), "audit head"); n < 3 || n > 4 {
			t.Errorf("the head was logged %d times in two minutes:\n%s", n, out.String())
		}
		if last := l.Stats().Head.String(); !strings.HasSuffix(strings.TrimSpace(out.String()), "head="+last) {
			t.Errorf("the last head must be logged:\n%s", out.String())
		}
	})
}

func TestRetentionPrunesAndVerifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t)
		o.Retention = 6 * time.Hour
		l := open(t, o)
		for i := range 50 {
			r := sample(i)
			r.Facts.Time = time.Now()
			l.Append(r)
			time.Sleep(10 * time.Minute)
		}
		closeLog(t, l)
		r := reader(t, o.Path)
		report, err := r.Verify(context.Background(), nil, nil)
		if err != nil || !report.OK() {
			t.Fatalf("verify: %v, %v", err, report.Findings)
		}
		if p := report.Pruned; p == nil || p.FirstKept != report.First || p.Author != "retention" || p.Reason != "older than 6h0m0s" {
			t.Errorf("pruned %+v", p)
		}
		kept, err := r.List(context.Background(), Filter{})
		if err != nil || len(kept) < 36 || len(kept) > 42 { // it looks once an hour
			t.Errorf("%d calls kept (%v), want those of six hours", len(kept), err)
		}
		runSQL(t, plain(t, o.Path), `DELETE FROM records WHERE seq = ?`, report.First)
		if report, err = r.Verify(context.Background(), nil, nil); err != nil || report.OK() {
			t.Errorf("a first record removed by hand must be found: %v", err)
		}
	})
}

func TestPeriod(t *testing.T) {
	for d, want := range map[time.Duration]string{DefaultRetention: "180 days", 90 * time.Minute: "1h30m0s"} {
		if got := period(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestHealthTellsOfAHangingDisk(t *testing.T) {
	l := open(t, options(t))
	closeLog(t, l)
	l.status.busy(time.Now().Add(-time.Minute))
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "hung") {
		t.Errorf("health %v", err)
	}
}

func TestCloseWithoutTimeSpools(t *testing.T) {
	o := options(t)
	l := open(t, o)
	for i := range 50 {
		l.Append(sample(i))
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Close(ended); err != nil {
		t.Fatal(err)
	}
	closeLog(t, open(t, o))
	intact(t, o.Path, 50)
}

func TestCloseTellsWhatIsLost(t *testing.T) {
	o := options(t)
	o.MaxSpool = 1
	o.Path += "/missing/calls.db"
	o.Spool = t.TempDir() + "/spool"
	l := open(t, o)
	l.Append(sample(0))
	err := l.Close(context.Background())
	if err == nil || !strings.Contains(err.Error(), "1 records could be stored nowhere") || errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
