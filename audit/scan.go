package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"math"
)

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
		c, err := r.cursor(ctx, &f)
		for err == nil && !c.done {
			var entries []Entry
			entries, err = r.page(ctx, c, min(left, page))
			for i := range entries {
				if !f.matches(&entries[i]) {
					continue
				}
				if left--; !yield(entries[i], nil) || left == 0 {
					return
				}
			}
		}
		if err != nil {
			yield(Entry{}, fmt.Errorf("audit database %s: %w", r.path, err))
		}
	}
}

// cursor is the way of a scan through the keys.
type cursor struct {
	filter      keyFilter
	up          bool
	first, last uint64 // sequence numbers not yet looked at
	done        bool
}

// cursor leaves out the blocks of another time, as far as an index tells.
func (r *Reader) cursor(ctx context.Context, f *Filter) (*cursor, error) {
	c := &cursor{filter: f.keys(), up: f.OldestFirst}
	var first, last sql.NullInt64
	err := r.db.QueryRowContext(ctx, `SELECT min(block), max(block) FROM keys WHERE last >= ? AND first <= ?`,
		int64(c.filter.from), int64(c.filter.to)).Scan(&first, &last)
	c.done = !last.Valid
	c.first, c.last = uint64(first.Int64)*blockSize, uint64(last.Int64)*blockSize+blockSize-1
	if f.Before != 0 {
		c.last = min(c.last, f.Before-1)
	}
	return c, err
}

// page reads the next records whose keys fit, at most size.
func (r *Reader) page(ctx context.Context, c *cursor, size int) ([]Entry, error) {
	seqs, err := r.candidates(ctx, c, size)
	if err != nil {
		return nil, err
	}
	return r.read(ctx, seqs, c.up)
}

// candidates are the next sequence numbers whose keys fit.
func (r *Reader) candidates(ctx context.Context, c *cursor, size int) (seqs []uint64, err error) {
	query := `SELECT block, keys FROM keys WHERE block BETWEEN ? AND ? ORDER BY block`
	if !c.up {
		query += ` DESC`
	}
	rows, err := r.db.QueryContext(ctx, query, int64(c.first/blockSize), int64(c.last/blockSize))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var raw sql.RawBytes
	for rows.Next() {
		var b block
		if err := rows.Scan(&b.id, &raw); err != nil {
			return nil, err
		}
		b.keys = raw
		if seqs = c.look(&b, seqs, size); len(seqs) == size {
			return seqs, nil
		}
	}
	c.done = true
	return seqs, rows.Err()
}

// look adds the sequence numbers of b whose keys fit to seqs, until there are size.
func (c *cursor) look(b *block, seqs []uint64, size int) []uint64 {
	for k := range b.len() {
		i := k
		if !c.up {
			i = b.len() - 1 - k
		}
		seq := b.id*blockSize + uint64(i)
		if seq < c.first || seq > c.last || !c.filter.match(b.at(i)) {
			continue
		}
		if seqs = append(seqs, seq); len(seqs) < size {
			continue
		}
		if c.up {
			c.first = seq + 1
		} else {
			c.last = seq - 1
		}
		c.done = c.first > c.last
		break
	}
	return seqs
}

// read reads the records with these sequence numbers, as far as there are any. What comes before one that
// cannot be read is returned with the error.
func (r *Reader) read(ctx context.Context, seqs []uint64, up bool) (entries []Entry, err error) {
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	query := `SELECT seq, body, hash, personal FROM records WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`
	if !up {
		query += ` DESC`
	}
	rows, err := r.db.QueryContext(ctx, query, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var stored row
		if err := rows.Scan(&stored.seq, &stored.body, &stored.hash, &stored.personal); err != nil {
			return entries, err
		}
		e, err := stored.entry()
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
