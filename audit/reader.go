package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	"ringfence/call"
)

// ErrNotFound is wrapped by the error of a look-up that finds nothing.
var ErrNotFound = errors.New("no such record in the audit log")

// Reader reads the log, also while a gateway writes it. It changes nothing.
type Reader struct {
	db   *sql.DB
	path string
}

// OpenReader opens the database at path for reading.
func OpenReader(path string) (*Reader, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("audit database: %w", err)
	}
	db, err := openSQLite(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}, "_busy_timeout": {"5000"}})
	if err != nil {
		return nil, fmt.Errorf("audit database %s: %w", path, err)
	}
	var tables int
	err = db.QueryRowContext(context.Background(),
		`SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('records', 'keys', 'heads')`).Scan(&tables)
	if err == nil && tables != 3 {
		err = errors.New("it holds no audit log")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit database %s: %w", path, err), db.Close())
	}
	return &Reader{db, path}, nil
}

// Close closes the reader.
func (r *Reader) Close() error { return r.db.Close() }

// List returns the records that f chooses, newest first unless f says otherwise. Set f.Limit.
func (r *Reader) List(ctx context.Context, f Filter) ([]Entry, error) {
	var all []Entry
	for e, err := range r.Scan(ctx, f) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// Get returns the record with this sequence number. The error wraps ErrNotFound.
func (r *Reader) Get(ctx context.Context, seq uint64) (Entry, error) {
	found, err := r.read(ctx, []uint64{seq}, true)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %d", ErrNotFound, seq)
	}
	if err != nil {
		return Entry{}, err
	}
	return found[0], nil
}

// maxFound bounds what Find returns: a caller that retries uses one Call-ID for a few attempts.
const maxFound = 100

// Find returns the records that key names, newest first: a redress reference, a sequence number or
// a Call-ID. The error wraps ErrNotFound.
func (r *Reader) Find(ctx context.Context, key string) ([]Entry, error) {
	if key == "" { // as a filter it would choose all
		return nil, ErrNotFound
	}
	if call.ValidReference(key) {
		return r.one(ctx, Filter{Reference: key, Limit: maxFound})
	}
	if seq, err := strconv.ParseUint(key, 10, 62); err == nil {
		e, err := r.Get(ctx, seq)
		return []Entry{e}, err
	}
	return r.one(ctx, Filter{CallID: key, Limit: maxFound})
}

// one is List for what must be there.
func (r *Reader) one(ctx context.Context, f Filter) ([]Entry, error) {
	found, err := r.List(ctx, f)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	return found, err
}
