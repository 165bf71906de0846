package audit

import (
	"context"
	"fmt"
	"time"
)

// maxPrune bounds the records that one transaction deletes, so that calls' records do not wait long.
const maxPrune = 10_000

// prune deletes the oldest records up to the first that is not before cutoff (in whole seconds), at
// most maxPrune, and adds a record that says so and from where the chain goes on. more reports that
// others are due.
func (d *database) prune(ctx context.Context, cutoff time.Time, retention time.Duration) (h Head, pruned int, more bool, err error) {
	h, err = d.extend(ctx, func(x *extension) error {
		var last uint64
		if last, pruned, err = x.due(seconds(cutoff)); err != nil || pruned == 0 {
			return err
		}
		more = pruned >= maxPrune
		before, err := x.delete(last)
		if err != nil {
			return err
		}
		return x.addNote(body{Kind: KindPrune, Prune: &Pruning{
			Author: "retention", Reason: "older than " + period(retention), FirstKept: last + 1, Before: before,
		}})
	})
	return h, pruned, more, err
}

// due finds the last of the records to prune, and how many there are.
func (x *extension) due(cutoff uint32) (last uint64, n int, err error) {
	rows, err := x.tx.QueryContext(x.ctx, `SELECT block, keys FROM keys ORDER BY block`)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for n < maxPrune && rows.Next() {
		var b block
		if err := rows.Scan(&b.id, &b.keys); err != nil {
			return 0, 0, err
		}
		for i := range b.len() {
			switch at := b.at(i).time; {
			case at == 0: // pruned before
				continue
			case at >= cutoff:
				return last, n, nil
			}
			last = b.id*blockSize + uint64(i)
			n++
		}
	}
	return last, n, rows.Err()
}

// delete deletes the records up to last, whose hash it returns.
func (x *extension) delete(last uint64) (before Hash, err error) {
	var hash []byte
	if err = x.tx.QueryRowContext(x.ctx, `SELECT hash FROM records WHERE seq = ?`, int64(last)).Scan(&hash); err != nil {
		return before, fmt.Errorf("record %d: %w", last, err)
	}
	copy(before[:], hash)
	id, i := place(last + 1)
	for _, statement := range []struct {
		query string
		upTo  uint64
	}{
		{`DELETE FROM records WHERE seq <= ?`, last},
		{`DELETE FROM heads WHERE seq <= ?`, last},
		{`DELETE FROM keys WHERE block < ?`, id},
	} {
		if _, err = x.tx.ExecContext(x.ctx, statement.query, int64(statement.upTo)); err != nil {
			return before, err
		}
	}
	if err = x.open(id); err != nil {
		return before, err
	}
	clear(x.block.keys[:min(i*keySize, len(x.block.keys))])
	return before, nil
}

func period(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
