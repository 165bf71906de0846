package audit

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// database is the one connection that writes.
type database struct {
	db   *sql.DB
	path string
	file os.FileInfo // what path was when it was opened
}

// writePragmas: FULL makes a commit durable against power failure; secure_delete overwrites what is
// erased; journal_size_limit (bytes) gives disk space back after a long transaction. The ends of the
// indexes stay in the cache (KiB, negative), and pages that change with every batch are copied into
// the database once in wal_autocheckpoint (pages).
var writePragmas = []string{
	"journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "journal_size_limit(67108864)",
	"cache_size(-32768)", "wal_autocheckpoint(4000)",
}

// openDatabase opens or creates the database and brings its tables up to date. busy is how long a
// lock held by somebody else is waited for.
func openDatabase(ctx context.Context, path string, busy time.Duration, pragmas ...string) (_ *database, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	query := url.Values{
		"_txlock":       {"immediate"},
		"_busy_timeout": {strconv.FormatInt(busy.Milliseconds(), 10)},
		"_pragma":       append(append([]string(nil), writePragmas...), pragmas...),
	}
	db, err := openSQLite(path, query)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &database{db: db, path: path, file: info}, nil
}

func openSQLite(path string, query url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query.Encode()}
	return sql.Open("sqlite", source.String())
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return fmt.Errorf("its tables have version %d, this program knows %d: use the newer ringfence", current, target)
	}
	_, err = provider.Up(ctx)
	return err
}

// present returns an error when the file was removed or replaced: SQLite would go on writing to a
// file that no one can open any more.
func (d *database) present() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, d.file) {
		return errors.New("another file has taken its place")
	}
	return nil
}

func (d *database) close() error { return d.db.Close() }

// extension is a transaction that adds records to the end of the chain.
type extension struct {
	ctx  context.Context
	tx   *sql.Tx
	head Head
	stmt struct{ record, personal *sql.Stmt }
}

const (
	// A record replayed after a crash may be in the database already: its uid says so.
	insertRecord = `INSERT INTO records
	(seq, uid, kind, time, trunk, class, treatment, rule, reason, status, reference, body, hash)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (uid) DO NOTHING`
	insertPersonal = `INSERT INTO personal (seq, salt, data, caller, called, call_id) VALUES (?,?,?,?,?,?)`
)

// extend runs add in one transaction and moves the head with it. The head is read anew each time,
// because other processes add records too (an erasure from the command line).
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
	x := &extension{ctx: ctx, tx: tx}
	if x.head, err = readHead(ctx, tx); err != nil {
		return Head{}, err
	}
	if x.stmt.record, err = tx.PrepareContext(ctx, insertRecord); err != nil {
		return Head{}, err
	}
	if x.stmt.personal, err = tx.PrepareContext(ctx, insertPersonal); err != nil {
		return Head{}, err
	}
	if err = add(x); err != nil {
		return Head{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE head SET seq = ?, hash = ?`, int64(x.head.Seq), x.head.Hash[:])
	if err != nil {
		return Head{}, err
	}
	return x.head, tx.Commit()
}

func readHead(ctx context.Context, tx *sql.Tx) (h Head, err error) {
	var hash []byte
	err = tx.QueryRowContext(ctx, `SELECT seq, hash FROM head`).Scan(&h.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(hash) != len(h.Hash) {
		return Head{}, errors.New("the head of the chain is missing or damaged: run \"ringfence calls verify\", " +
			"then restore a backup, or move the database away to begin a new one")
	}
	copy(h.Hash[:], hash)
	return h, err
}
