package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
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
		`SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('records', 'personal', 'head')`).Scan(&tables)
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

// page is how many records a scan reads at a time. Between pages no transaction is open, so that a
// slow consumer does not keep the write-ahead log from being emptied.
const page = 500

// Scan yields the records that f chooses, newest first unless f says otherwise. The error, if any,
// comes last.
func (r *Reader) Scan(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		left := f.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		var after uint64
		for left > 0 {
			size := min(left, page)
			entries, err := r.page(ctx, &f, after, size)
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if len(entries) < size {
				return
			}
			left -= size
			if last := entries[size-1].Seq; f.OldestFirst {
				after = last
			} else {
				f.Before = last
			}
		}
	}
}

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

func (r *Reader) page(ctx context.Context, f *Filter, after uint64, size int) (entries []Entry, err error) {
	query, args := f.query(after, size)
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("audit database %s: %w", r.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var text, hash, data []byte
		if err := rows.Scan(&seq, &text, &hash, &data); err != nil {
			return entries, err
		}
		e, err := readEntry(seq, text, hash, data)
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Get returns the record with this sequence number. The error wraps ErrNotFound.
func (r *Reader) Get(ctx context.Context, seq uint64) (Entry, error) {
	found, err := r.one(ctx, Filter{Before: seq + 1, Limit: 1, Notes: true})
	if err == nil && found[0].Seq != seq {
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
