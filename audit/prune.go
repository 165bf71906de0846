package audit

import (
	"context"
	"fmt"
	"time"
)

// maxPrune bounds the records that one transaction deletes, so that calls' records do not wait long.
const maxPrune = 10_000

// prune deletes the oldest records up to the first that is not before cutoff, at most maxPrune, and
// adds a record that says so and from where the chain goes on. more reports that others are due.
func (d *database) prune(ctx context.Context, cutoff time.Time, retention time.Duration) (h Head, pruned int, more bool, err error) {
	h, err = d.extend(ctx, func(x *extension) error {
		var last Head
		if last, pruned, more, err = x.due(cutoff); err != nil || pruned == 0 {
			return err
		}
		for _, statement := range []string{`DELETE FROM personal WHERE seq <= ?`, `DELETE FROM records WHERE seq <= ?`} {
			if _, err := x.tx.ExecContext(ctx, statement, int64(last.Seq)); err != nil {
				return err
			}
		}
		return x.addNote(body{Kind: KindPrune, Prune: &Pruning{
			Author: "retention", Reason: "older than " + period(retention),
			FirstKept: last.Seq + 1, Before: last.Hash,
		}})
	})
	return h, pruned, more, err
}

// due finds the last of the records to prune.
func (x *extension) due(cutoff time.Time) (last Head, n int, more bool, err error) {
	rows, err := x.tx.QueryContext(x.ctx, `SELECT seq, time, hash FROM records ORDER BY seq LIMIT ?`, maxPrune)
	if err != nil {
		return Head{}, 0, false, err
	}
	defer rows.Close()
	limit := cutoff.UnixMicro()
	for rows.Next() {
		var at int64
		var seq uint64
		var hash []byte
		if err := rows.Scan(&seq, &at, &hash); err != nil {
			return Head{}, 0, false, err
		}
		if at >= limit {
			return last, n, false, nil
		}
		last.Seq = seq
		copy(last.Hash[:], hash)
		n++
	}
	return last, n, n == maxPrune, rows.Err()
}

func period(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
