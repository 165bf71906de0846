package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"ringfence/call"
)

// Erasure orders the erasure of the personal data held about a number.
type Erasure struct {
	Number call.Number
	Author string // who orders it
	Reason string // why; it stays in the log, so it should not name the person
	DryRun bool   // only count
}

// Check returns an error that says what is missing.
func (e *Erasure) Check() error {
	switch {
	case e.Number.IsZero():
		return errors.New("erasure: the number is missing")
	case e.Author == "":
		return errors.New("erasure: the author is missing: say who orders it")
	case e.Reason == "":
		return errors.New("erasure: the reason is missing: say why")
	}
	return nil
}

// maxErase bounds the records that one transaction erases and one chained record lists.
const maxErase = 1000

// eraseBusy is how long an erasure waits for the gateway's batches.
const eraseBusy = 10 * time.Second

// Erase deletes the personal data of every record in the database at path in which the number is
// that of the caller, the called, a forwarding party or a list entry, and chains a record of it. It
// works beside a running gateway. Records that the gateway has not committed yet are not reached:
// see Stats.Spooled. It returns how many records were erased (with DryRun: would be).
func Erase(ctx context.Context, path string, e Erasure) (erased int, err error) {
	if err = e.Check(); err != nil {
		return 0, err
	}
	if _, err = os.Stat(path); err != nil { // opening would create it
		return 0, fmt.Errorf("audit database: %w", err)
	}
	d, err := openDatabase(ctx, path, eraseBusy)
	if err != nil {
		return 0, fmt.Errorf("audit database %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, d.close()) }()
	found, err := d.about(ctx, e.Number)
	if err != nil || e.DryRun {
		return len(found), err
	}
	for len(found) > 0 {
		n := min(len(found), maxErase)
		if err = d.erase(ctx, found[:n], &e); err != nil {
			return erased, fmt.Errorf("audit database %s: %d records were erased, then: %w", path, erased, err)
		}
		erased += n
		found = found[n:]
	}
	// What was erased still stands in the write-ahead log until that is emptied.
	_, err = d.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return erased, err
}

// about finds the records that hold the number. SQLite looks for its digits anywhere in the data,
// then each candidate is read.
func (d *database) about(ctx context.Context, n call.Number) (found []uint64, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT seq, data FROM personal WHERE instr(data, ?) ORDER BY seq`, n.Digits())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var data []byte
		if err := rows.Scan(&seq, &data); err != nil {
			return nil, err
		}
		var r call.Record
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("record %d cannot be read, run \"ringfence calls verify\": %w", seq, err)
		}
		if concerns(&r, n) {
			found = append(found, seq)
		}
	}
	return found, rows.Err()
}

func concerns(r *call.Record, n call.Number) bool {
	f := &r.Facts
	for _, p := range []*call.Party{&f.Caller, &f.From, &f.Asserted, &f.Called, &f.Diverted} {
		if p.Number == n {
			return true
		}
	}
	return r.Verdict.Match.Pattern == call.Pattern{Number: n}
}

func (d *database) erase(ctx context.Context, seqs []uint64, e *Erasure) error {
	_, err := d.extend(ctx, func(x *extension) error {
		for _, seq := range seqs {
			if _, err := x.tx.ExecContext(ctx, `DELETE FROM personal WHERE seq = ?`, int64(seq)); err != nil {
				return err
			}
		}
		return x.addNote(body{Kind: KindErase, Erase: &Erasing{Author: e.Author, Reason: e.Reason, Records: seqs}})
	})
	return err
}
