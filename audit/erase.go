package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
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

// about finds the records that hold the number. SQLite looks for its digits anywhere in the personal
// data, then each candidate is read.
func (d *database) about(ctx context.Context, n call.Number) (found []uint64, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT seq, personal FROM records WHERE instr(personal, ?) ORDER BY seq`, n.Digits())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var text []byte
		if err := rows.Scan(&seq, &text); err != nil {
			return nil, err
		}
		if _, erased, _ := commitment(text); erased { // a hash may have the digits too
			continue
		}
		p, err := readPersonal(text)
		if err != nil {
			return nil, unreadable(seq, err)
		}
		if p.concerns(n) {
			found = append(found, seq)
		}
	}
	return found, rows.Err()
}

// concerns reports whether n is the number of a party or of the list entry.
func (p *personal) concerns(n call.Number) bool {
	parties := []*call.Party{&p.Caller, &p.Asserted, &p.Called, &p.Diverted}
	if p.From != nil {
		parties = append(parties, p.From)
	}
	return slices.ContainsFunc(parties, func(p *call.Party) bool { return p.Number == n }) ||
		p.Match.Pattern == call.Pattern{Number: n}
}

func (d *database) erase(ctx context.Context, seqs []uint64, e *Erasure) error {
	_, err := d.extend(ctx, func(x *extension) error {
		for _, seq := range seqs {
			if err := x.erase(seq); err != nil {
				return err
			}
		}
		return x.addNote(body{Kind: KindErase, Erase: &Erasing{Author: e.Author, Reason: e.Reason, Records: seqs}})
	})
	return err
}

// erase leaves of a record's personal data what the chain holds of it.
func (x *extension) erase(seq uint64) error {
	var text []byte
	err := x.tx.QueryRowContext(x.ctx, `SELECT personal FROM records WHERE seq = ?`, int64(seq)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) { // pruned meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	hash, _, err := commitment(text)
	if err != nil {
		return unreadable(seq, err)
	}
	if _, err := x.tx.ExecContext(x.ctx, `UPDATE records SET personal = ? WHERE seq = ?`, hash.String(), int64(seq)); err != nil {
		return err
	}
	id, i := place(seq)
	if err := x.open(id); err != nil {
		return err
	}
	if i < x.block.len() {
		x.block.set(i, x.block.at(i).erased())
	}
	return nil
}
