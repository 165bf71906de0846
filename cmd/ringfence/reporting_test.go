package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"ringfence/audit"
	"ringfence/blocklist"
	"ringfence/call"
	"ringfence/configs"
	"ringfence/report"
	"ringfence/sip"
)

// reporting starts a Reporter as serve does, with its state in dir.
func reporting(t *testing.T, dir string, store blocklist.Store) *report.Reporter {
	t.Helper()
	cfg, err := configs.Load("../../configs/demo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg.StateDir, cfg.Audit.Database = dir, filepath.Join(dir, "calls.db")
	var s screener
	s.rules.Store(cfg.Screening())
	r, err := openReporter(cfg, sip.Secret{1}, store, s.official, slog.New(slog.DiscardHandler))
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

// A member of the site dials the feature code on a gateway that has just started: her last caller is
// found in the call log, and stands on the watch list.
func TestLastCallerOfTheLogIsReported(t *testing.T) {
	dir := t.TempDir()
	log, err := audit.Open(audit.Options{Path: filepath.Join(dir, "calls.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	suspect, she := callsNumber(t, "+8613800138000"), callsNumber(t, "+862155550000")
	facts := call.Facts{
		Time: time.Now().Add(-time.Hour), CallID: "a", Trunk: "itsp", Class: call.ClassVoIP,
		Caller: call.Party{Text: "+8613800138000", Number: suspect}, Called: call.Party{Text: "+862155550000", Number: she},
	}
	log.Append(&call.Record{
		Reference: call.Reference(7), Facts: facts, Outcome: call.Outcome{Status: 200, By: call.EndedByCalled, Attempts: 1},
		Verdict: call.Verdict{Treatment: call.Warn{}, Rule: "r", Reason: "r", Category: call.CategoryLoan},
	})
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	store := blocklist.OpenFile(filepath.Join(dir, "lists.tsv"))
	r := reporting(t, dir, store)
	answer := make(chan string, 1)
	dialled := &call.Record{Facts: call.Facts{Time: time.Now(), Class: call.ClassInternal, Caller: facts.Called}}
	if !r.ReportLast(dialled, func(reference string) { answer <- reference }) {
		t.Fatal("no room")
	}
	if reference := <-answer; reference != call.Reference(7) {
		t.Fatalf("reported %q", reference)
	}
	key := blocklist.Key{List: call.ListWatch, Pattern: call.Pattern{Number: suspect}, Source: call.SourceReport}
	for deadline := time.Now().Add(10 * time.Second); r.Stats().Score.Sent == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not scored: %+v", r.Stats())
		}
	}
	found, err := store.Get(t.Context(), []blocklist.Key{key})
	if err != nil || len(found) != 1 || found[0].Score != 20 || found[0].Category != call.CategoryLoan {
		t.Errorf("%+v, %v", found, err)
	}
}

// Nobody gets a bank listed by reporting those who use its number.
func TestOfficialNumbersAreNotReported(t *testing.T) {
	dir := t.TempDir()
	store := blocklist.OpenFile(filepath.Join(dir, "lists.tsv"))
	r := reporting(t, dir, store)
	for _, text := range []string{"95588", "110", "+862155056666"} {
		n := callsNumber(t, text)
		r.Report(&call.Record{
			Reference: call.Reference(1),
			Facts:     call.Facts{Caller: call.Party{Text: text, Number: n}, Called: call.Party{Number: callsNumber(t, "+862155550000")}},
		})
	}
	if err := r.Close(); err != nil { // what was reported is on its way
		t.Fatal(err)
	}
	if s := r.Stats(); s.Score.Queued+int(s.Score.Sent) != 0 {
		t.Errorf("%+v", s)
	}
}
