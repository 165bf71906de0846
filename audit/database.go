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
	stmt statements
}

// writePragmas: FULL makes a commit durable against power failure; secure_delete overwrites what is
// erased; journal_size_limit (bytes) gives disk space back after a long transaction. Pages that change
// with every batch are copied into the database once in wal_autocheckpoint (pages). A page_size (bytes)
// of 8 KiB holds eight or so records; a smaller one wastes more at its end and costs more system calls.
var writePragmas = []string{
	"page_size(8192)", "synchronous(FULL)", "secure_delete(ON)", "journal_size_limit(67108864)", "wal_autocheckpoint(2000)",
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
	d := &database{db: db, path: path, file: info}
	// Only now: in write-ahead mode the size of a page is fixed.
	if _, err = db.ExecContext(ctx, `PRAGMA journal_mode = WAL`); err == nil {
		err = migrate(ctx, db)
	}
	if err == nil {
		err = d.stmt.prepare(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
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
