package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// extension is a transaction that adds records to the end of the chain.
type extension struct {
	ctx    context.Context
	tx     *sql.Tx
	stmt   *statements
	linker linker

	head  Head
	runs  map[string]head // the runs that have a record in this transaction, or were asked for
	rows  []any           // records to insert: four values each
	block *block          // the keys that are being written; nil before the first
}

// head is a row of table heads.
type head struct {
	n uint64
	Head
}

// extend runs add in one transaction. The head is read anew each time, because other processes add
// records too (an erasure from the command line).
func (d *database) extend(ctx context.Context, add func(*extension) error) (_ Head, err error) {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return Head{}, err
	}
	defer func() {
		if err != nil {
			if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) {
				err = errors.Join(err, undo)
			}
		}
	}()
	x := &extension{
		ctx: ctx, tx: tx, stmt: &d.stmt, runs: make(map[string]head), rows: make([]any, 0, rowsAtOnce*rowValues),
	}
	if err = x.readHead(); err != nil {
		return Head{}, err
	}
	if err = add(x); err != nil {
		return Head{}, err
	}
	if err = x.flush(); err != nil {
		return Head{}, err
	}
	return x.head, tx.Commit()
}

func (x *extension) readHead() error {
	var hash []byte
	err := x.tx.StmtContext(x.ctx, x.stmt.head).QueryRowContext(x.ctx).Scan(&x.head.Seq, &hash)
	if err == nil && len(hash) != len(x.head.Hash) {
		return errors.New("the head of the chain is damaged: run \"ringfence calls verify\", " +
			"then restore a backup, or move the database away to begin a new one")
	}
	copy(x.head.Hash[:], hash)
	if errors.Is(err, sql.ErrNoRows) { // an empty log
		return nil
	}
	return err
}

// tryWrite fails when the database takes no writes. It changes nothing.
func (x *extension) tryWrite() error {
	_, err := x.tx.ExecContext(x.ctx, `UPDATE heads SET n = n`)
	return err
}

// addCalls adds the entries that are not in the database yet, and counts them. One replayed after a
// crash may be: records of a run are stored in the order of their numbers.
func (x *extension) addCalls(entries []entry) (n int, err error) {
	for i := range entries {
		e := &entries[i]
		stored, err := x.stored(e.run)
		if err != nil {
			return n, err
		}
		if e.n <= stored {
			continue
		}
		if err := x.add(e); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// stored is the number of the run's last record in the database.
func (x *extension) stored(run string) (uint64, error) {
	h, known := x.runs[run]
	if !known {
		err := x.tx.StmtContext(x.ctx, x.stmt.run).QueryRowContext(x.ctx, run).Scan(&h.n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		x.runs[run] = h
	}
	return h.n, nil
}

// addNote adds a record about the log itself.
func (x *extension) addNote(b body) error {
	b.Version, b.Time = bodyVersion, time.Now().UTC()
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return x.add(&entry{body: string(text), commitment: commit(nil), key: key{time: seconds(b.Time)}})
}

// rowValues is the number of values of a row of table records.
const rowValues = 4

// add chains e.
func (x *extension) add(e *entry) error {
	seq := x.head.Seq + 1
	hash := x.linker.link(x.head.Hash, seq, e.commitment, e.body)
	x.head = Head{seq, hash}
	x.runs[e.run] = head{e.n, x.head}
	id, i := place(seq)
	if err := x.open(id); err != nil {
		return err
	}
	x.block.set(i, e.key)
	x.rows = append(x.rows, int64(seq), e.body, hash[:], e.personal)
	if len(x.rows) < rowsAtOnce*rowValues {
		return nil
	}
	_, err := x.tx.StmtContext(x.ctx, x.stmt.records).ExecContext(x.ctx, x.rows...)
	x.rows = x.rows[:0]
	return err
}

// open makes x.block the block of keys with this id, and writes the one before.
func (x *extension) open(id uint64) error {
	if x.block != nil && x.block.id == id {
		return nil
	}
	if err := x.putBlock(); err != nil {
		return err
	}
	x.block = &block{id: id}
	err := x.tx.StmtContext(x.ctx, x.stmt.block).QueryRowContext(x.ctx, int64(id)).Scan(&x.block.keys)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func (x *extension) putBlock() error {
	if x.block == nil || x.block.len() == 0 {
		return nil
	}
	first, last := x.block.times()
	_, err := x.tx.StmtContext(x.ctx, x.stmt.putBlock).ExecContext(x.ctx, int64(x.block.id), int64(first), int64(last), x.block.keys)
	return err
}

// flush writes what is left when all was added.
func (x *extension) flush() error {
	record := x.tx.StmtContext(x.ctx, x.stmt.record)
	for ; len(x.rows) > 0; x.rows = x.rows[rowValues:] {
		if _, err := record.ExecContext(x.ctx, x.rows[:rowValues]...); err != nil {
			return err
		}
	}
	for run, h := range x.runs {
		if h.Seq == 0 { // only asked for
			continue
		}
		if _, err := x.tx.StmtContext(x.ctx, x.stmt.putRun).ExecContext(x.ctx, run, int64(h.n), int64(h.Seq), h.Hash[:]); err != nil {
			return err
		}
	}
	return x.putBlock()
}
