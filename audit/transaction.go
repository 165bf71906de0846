package audit

import (
	"context"
	"database/sql"
	"errors"
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
	x := &extension{ctx: ctx, tx: tx, stmt: &d.stmt, runs: make(map[string]head)}
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

// exec runs a prepared statement in the transaction.
func (x *extension) exec(prepared *sql.Stmt, args ...any) error {
	stmt := x.tx.StmtContext(x.ctx, prepared)
	defer stmt.Close()
	_, err := stmt.ExecContext(x.ctx, args...)
	return err
}

// get reads the one row of a prepared query in the transaction. Without such a row found is false.
func (x *extension) get(prepared *sql.Stmt, args []any, columns ...any) (found bool, err error) {
	stmt := x.tx.StmtContext(x.ctx, prepared)
	defer stmt.Close()
	err = stmt.QueryRowContext(x.ctx, args...).Scan(columns...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (x *extension) readHead() error {
	var hash []byte
	found, err := x.get(x.stmt.head, nil, &x.head.Seq, &hash)
	if err != nil {
		return err
	}
	damaged := found && len(hash) != len(x.head.Hash)
	if !found { // as in an empty log
		if err := x.tx.QueryRowContext(x.ctx, `SELECT EXISTS (SELECT 1 FROM records)`).Scan(&damaged); err != nil {
			return err
		}
	}
	if damaged {
		return errors.New("the head of the chain is missing or damaged: run \"ringfence calls verify\", " +
			"then restore a backup, or move the database away to begin a new one")
	}
	copy(x.head.Hash[:], hash)
	return nil
}

// tryWrite fails when the database takes no writes. It changes nothing.
func (x *extension) tryWrite() error {
	_, err := x.tx.ExecContext(x.ctx, `UPDATE heads SET n = n`)
	return err
}
