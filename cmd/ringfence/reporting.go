package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"ringfence/audit"
	"ringfence/blocklist"
	"ringfence/call"
	"ringfence/configs"
	"ringfence/report"
	"ringfence/sip"
)

// reportsFolder is where the reports of a configuration wait.
func reportsFolder(cfg *configs.Config) string { return filepath.Join(cfg.StateDir, "reports") }

// openReporter starts what takes the reports of people who were called. exempt says whose score
// reports may not move.
func openReporter(cfg *configs.Config, secret sip.Secret, store blocklist.Store, exempt func(*call.Party) bool, log *slog.Logger) (*report.Reporter, error) {
	// Gateways that stand in for each other have one secret, and so one key.
	key, err := hkdf.Key(sha256.New, secret[:], nil, "ringfence reporters", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key of reporters: %w", err)
	}
	r := &cfg.Report
	o := report.Options{
		Node: cfg.Node, Dir: reportsFolder(cfg), Key: key, Exempt: exempt, Log: log,
		Scores: sharedScores{store, blocklist.Scoring{Weight: uint8(r.Weight), HalfLife: time.Duration(r.HalfLife), PerDay: r.PerReporterPerDay}},
		Calls:  callLog(cfg.Audit.Database),
	}
	if r.Webhook.URL != "" {
		if o.Webhook, err = report.NewWebhook(r.Webhook.URL, r.Webhook.SecretFile, time.Duration(r.Webhook.Timeout)); err != nil {
			return nil, err
		}
	}
	return report.Open(o)
}

// official reports whether a caller gives the number of an authority or firm, by the rules of the
// moment.
func (s *screener) official(caller *call.Party) bool { return s.rules.Load().Official(caller) }

// sharedScores are the scores of reported numbers in the list store.
type sharedScores struct {
	store   blocklist.Store
	scoring blocklist.Scoring
}

// Report implements report.Scores.
func (s sharedScores) Report(ctx context.Context, number call.Number, reporter string, category call.Category, at time.Time) (string, error) {
	outcome, err := s.store.Report(ctx, blocklist.Report{Number: number, Reporter: reporter, Category: category, Time: at}, s.scoring)
	if errors.Is(err, blocklist.ErrEntry) {
		err = fmt.Errorf("%w: %w", report.ErrRefused, err)
	}
	return string(outcome), err
}

// Decay implements report.Scores.
func (s sharedScores) Decay(ctx context.Context, at time.Time) error {
	_, err := s.store.Decay(ctx, s.scoring, at)
	return err
}

// callLog is the database of the call log, opened for each look-up: reports are rare.
type callLog string

// Newest implements report.Calls.
func (path callLog) Newest(ctx context.Context, called call.Number, since time.Time, visit func(*call.Record) bool) (err error) {
	reader, err := audit.OpenReader(string(path))
	if errors.Is(err, fs.ErrNotExist) { // nothing was ever logged
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for entry, err := range reader.Scan(ctx, audit.Filter{Called: called.String(), From: since}) {
		if err != nil {
			return err
		}
		if entry.Record != nil && !visit(entry.Record) {
			return nil
		}
	}
	return nil
}
