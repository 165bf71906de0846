package audit

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Finding is something wrong with the log.
type Finding struct {
	Seq     uint64 `json:"seq"` // the record concerned; 0 when it is the log as a whole
	Problem string `json:"problem"`
}

// String writes f as one line.
func (f Finding) String() string {
	if f.Seq == 0 {
		return f.Problem
	}
	return fmt.Sprintf("record %d: %s", f.Seq, f.Problem)
}

// Report is the result of a verification.
type Report struct {
	First    uint64     `json:"first"`   // first record kept
	Records  uint64     `json:"records"` // records read
	Head     Head       `json:"head"`    // the last record
	Erased   int        `json:"erased"`  // calls whose personal data was erased, as the log says itself
	Pruned   *Pruning   `json:"pruned,omitempty"`
	PrunedAt *time.Time `json:"pruned_at,omitempty"`
	Findings []Finding  `json:"findings"`
	More     uint64     `json:"more_findings,omitempty"` // found beyond maxFindings
}

// OK reports that nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// maxFindings bounds Report.Findings.
const maxFindings = 1000

func (r *Report) found(seq uint64, format string, args ...any) {
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{seq, fmt.Sprintf(format, args...)})
}

// Verify reads the whole log in one transaction and checks it against itself, and against anchor
// unless that is nil: every record's hash and sequence, its erasable part, the keys it is searched by,
// the heads, and the tables. progress, unless nil, is called now and then with the records read so far
// and all there are. The error is for a log that could not be read; what is wrong with one that
// could stands in the Report.
func (r *Reader) Verify(ctx context.Context, anchor *Head, progress func(done, total uint64)) (*Report, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("audit database %s: %w", r.path, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	v := &verification{
		ctx: ctx, tx: tx, anchor: anchor, progress: progress, heads: make(map[string]head), erased: make(map[uint64]struct{}),
	}
	for _, step := range []func() error{v.tables, v.begin, v.chain, v.end, v.erasures} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("audit database %s: %w", r.path, err)
		}
	}
	return &v.report, nil
}

// verification is one run of Verify.
type verification struct {
	ctx      context.Context
	tx       *sql.Tx
	anchor   *Head
	progress func(done, total uint64)
	report   Report

	linker  linker
	last    Head            // the record checked last
	next    uint64          // the sequence number that must follow
	heads   map[string]head // the last record of each run
	keys    keyCheck
	absent  []uint64            // calls without personal data
	erased  map[uint64]struct{} // calls that an erase record names
	matched bool                // the anchor was compared
}

// tables finds what would make the database answer other than its records say: damaged pages,
// indexes that disagree with their tables, triggers and views.
func (v *verification) tables() error {
	lines, err := v.strings(`PRAGMA integrity_check(100)`)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line != "ok" {
			v.report.found(0, "database file: %s", line)
		}
	}
	names, err := v.strings(`SELECT type || ' ' || name FROM sqlite_schema WHERE type IN ('trigger', 'view')`)
	for _, name := range names {
		v.report.found(0, "the database has a %s that ringfence did not make", name)
	}
	return err
}

// begin finds from where the chain goes: from nothing, or from where the last prune record says.
func (v *verification) begin() error {
	v.next, v.report.First = 1, 1
	bodies, err := v.strings(`SELECT body FROM records WHERE body LIKE '{"v":1,"kind":"prune"%' ORDER BY seq DESC LIMIT 1`)
	if err != nil || len(bodies) == 0 {
		return err
	}
	b, bad := readBody([]byte(bodies[0]))
	if bad == nil && b.Prune != nil && b.Prune.FirstKept > 1 { // otherwise it was altered, which is found on the way
		v.report.Pruned, v.report.PrunedAt = b.Prune, &b.Time
		v.next, v.report.First = b.Prune.FirstKept, b.Prune.FirstKept
		v.last = Head{b.Prune.FirstKept - 1, b.Prune.Before}
	}
	return nil
}

// end compares the last records with the heads and the anchor.
func (v *verification) end() error {
	v.report.Head = v.last
	stored, err := v.storedHeads()
	if err != nil {
		return err
	}
	var end Head
	for _, h := range stored {
		if h.Seq >= end.Seq {
			end = h.Head
		}
	}
	if end != v.last {
		v.report.found(0, "the head of the chain is %s, but the last record is %s: records were removed or added at the end", end, v.last)
	}
	for _, run := range slices.Sorted(maps.Keys(v.heads)) {
		if stored[run] != v.heads[run] {
			v.report.found(0, "the head of run %q is not its last record, %s", run, v.heads[run].Head)
		}
		delete(stored, run)
	}
	for _, run := range slices.Sorted(maps.Keys(stored)) {
		v.report.found(0, "there is a head of run %q, which has no records", run)
	}
	if a := v.anchor; a != nil && !v.matched {
		switch {
		case a.Seq > v.last.Seq:
			v.report.found(0, "the log ends at %d, before the anchor %d: its last records were removed", v.last.Seq, a.Seq)
		case a.Seq < v.report.First:
			v.report.found(0, "record %d was pruned: take an anchor from %d on", a.Seq, v.report.First-1)
		default:
			v.report.found(a.Seq, "the record of the anchor is missing")
		}
	}
	return nil
}

func (v *verification) storedHeads() (map[string]head, error) {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT run, n, seq, hash FROM heads`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	heads := make(map[string]head)
	for rows.Next() {
		var run string
		var n, seq int64
		var hash []byte
		if err := rows.Scan(&run, &n, &seq, &hash); err != nil {
			return nil, err
		}
		h := head{n: uint64(n), Head: Head{Seq: uint64(seq)}}
		if len(hash) == len(h.Hash) {
			copy(h.Hash[:], hash)
		}
		heads[run] = h
	}
	return heads, rows.Err()
}

// erasures compares the calls without personal data with the erase records.
func (v *verification) erasures() error {
	for _, seq := range v.absent {
		if _, ok := v.erased[seq]; ok {
			v.report.Erased++
			delete(v.erased, seq)
			continue
		}
		v.report.found(seq, "its personal data is missing, and no erase record names it")
	}
	for _, seq := range slices.Sorted(maps.Keys(v.erased)) {
		if seq >= v.report.First {
			v.report.found(seq, "it was erased, but has personal data again")
		}
	}
	return nil
}

func (v *verification) strings(query string) (all []string, err error) {
	rows, err := v.tx.QueryContext(v.ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
