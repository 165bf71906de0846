package audit

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"ringfence/call"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 123456789, time.UTC)

// sample is the i-th of a row of different call records, one a second from start.
func sample(i int) *call.Record {
	caller, _ := call.Global(fmt.Sprintf("8613800%06d", i%1000))
	called, _ := call.Global("862155550000")
	r := &call.Record{
		Reference: call.Reference(uint64(i)),
		Facts: call.Facts{
			Time: start.Add(time.Duration(i) * time.Second), CallID: fmt.Sprintf("call-%d@192.0.2.1", i),
			Trunk: "voip-a", Class: call.ClassVoIP, Peer: netip.MustParseAddrPort("192.0.2.1:5060"), Transport: "udp",
			Caller:  call.Party{Text: caller.String(), Number: caller, Form: call.FormPlus, Display: "张三"},
			Called:  call.Party{Text: "02155550000", Number: called, Form: call.FormNational},
			RawFrom: `"张三" <sip:` + caller.String() + `@192.0.2.1>;tag=1`,
		},
		Verdict: call.Verdict{Treatment: call.Allow{}, Rule: "clean", Reason: call.ReasonClean, Rules: "cn-1", Lists: "7"},
		Outcome: call.Outcome{Status: 200, By: call.EndedByCalled, Target: "pbx-1", Attempts: 1, Elapsed: 3 * time.Second},
	}
	r.Facts.From = r.Facts.Caller
	switch i % 4 {
	case 1:
		r.Verdict = call.Verdict{
			Treatment: call.Refuse{Class: call.RefusalDeclined}, Rule: "block", Reason: call.ReasonBlockListed,
			Category: call.CategoryLoan, Score: 90, Rules: "cn-1", Lists: "8",
			Match: call.Match{List: call.ListBlock, Pattern: call.Pattern{Number: caller}},
		}
		r.Outcome = call.Outcome{Status: 603, By: call.EndedByGateway, Elapsed: time.Millisecond}
	case 2:
		r.Facts.Trunk, r.Facts.Class = "abroad", call.ClassInternational
		r.Verdict.Treatment, r.Verdict.Reason = call.Label{Prefix: "可疑 "}, call.ReasonWatchListed
		r.Verdict.Failures = []call.Failure{{Check: "score", Error: "no history of " + caller.String()}}
	case 3:
		r.Facts.Caller, r.Facts.From = call.Party{}, call.Party{Text: "anonymous", Form: call.FormInvalid}
		r.Verdict.Treatment = call.Divert{Target: "voicemail"}
	}
	return r
}

// options are those of a log in a directory of its own that says nothing.
func options(t testing.TB) Options {
	return Options{
		Path: filepath.Join(t.TempDir(), "calls.db"), Interval: time.Millisecond, Retention: KeepForever,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), busy: 20 * time.Millisecond,
	}
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// filled is the path of a closed log with n samples.
func filled(t testing.TB, n int) string {
	t.Helper()
	o := options(t)
	l := open(t, o)
	for i := range n {
		l.Append(sample(i))
	}
	closeLog(t, l)
	return o.Path
}

func reader(t testing.TB, path string) *Reader {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// plain opens the database as a stranger with an SQLite tool would.
func plain(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func runSQL(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// intact checks that the log at path verifies and holds the samples 0 to n-1 once each, in order.
func intact(t testing.TB, path string, n int) *Report {
	t.Helper()
	r := reader(t, path)
	report, err := r.Verify(context.Background(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("verify: %s", f)
	}
	all, err := r.List(context.Background(), Filter{OldestFirst: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != n {
		t.Fatalf("the log holds %d calls, want %d", len(all), n)
	}
	for i, e := range all {
		if want := call.Reference(uint64(i)); e.Call.Reference != want {
			t.Fatalf("call %d has reference %s, want %s", i, e.Call.Reference, want)
		}
	}
	return report
}

// eventually waits until the writer has brought about a state.
func eventually(t testing.TB, what string, state func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !state() {
		if time.Now().After(deadline) {
			t.Fatalf("not reached: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
