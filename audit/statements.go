package audit

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// rowsAtOnce are the numbers of records that one statement can add: much of the cost of a statement is
// not that of its rows.
var rowsAtOnce = [...]int{64, 8, 1}

// statements are those that every batch needs.
type statements struct {
	insert   [len(rowsAtOnce)]*sql.Stmt
	block    *sql.Stmt // reads a block of keys
	putBlock *sql.Stmt
	head     *sql.Stmt // the end of the chain
	run      *sql.Stmt // the number of a run's last record
	putRun   *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, db *sql.DB) error {
	var errs []error
	prepare := func(query string) *sql.Stmt {
		stmt, err := db.PrepareContext(ctx, query)
		errs = append(errs, err)
		return stmt
	}
	*s = statements{
		block:    prepare(`SELECT keys FROM keys WHERE block = ?`),
		putBlock: prepare(`REPLACE INTO keys (block, first, last, keys) VALUES (?,?,?,?)`),
		head:     prepare(`SELECT seq, hash FROM heads ORDER BY seq DESC LIMIT 1`),
		run:      prepare(`SELECT n FROM heads WHERE run = ?`),
		putRun:   prepare(`REPLACE INTO heads (run, n, seq, hash) VALUES (?,?,?,?)`),
	}
	for i, n := range rowsAtOnce {
		s.insert[i] = prepare(`INSERT INTO records (seq, body, hash, personal) VALUES (?,?,?,?)` + strings.Repeat(",(?,?,?,?)", n-1))
	}
	return errors.Join(errs...)
}
