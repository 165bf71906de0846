package blocklist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"ringfence/call"
)

// dayKept is how long Redis remembers how many numbers a person reported on a day: until the clocks of
// all nodes have left it behind.
const dayKept = 48 * time.Hour

// Report implements Store.
func (r *Redis) Report(ctx context.Context, report Report, scoring Scoring) (outcome Outcome, err error) {
	if err := errors.Join(report.validate(), scoring.Validate()); err != nil {
		return "", err
	}
	spent := r.reporter + report.Reporter + ":" + dayOf(report.Time)
	err = r.transact(ctx, func(tx *redis.Tx) error {
		covering, err := r.get(ctx, tx, Covering(report.Number))
		if err != nil {
			return err
		}
		known, err := r.tally(ctx, tx, report.Number)
		if err != nil {
			return err
		}
		c, err := scoring.count(&report, reportState{covering, known, func() (int, error) { return orZero(tx.Get(ctx, spent).Int()) }})
		outcome = c.outcome
		if err != nil || c.outcome != OutcomeCounted {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, r.reports, report.Number.String(), c.tally.String())
			if c.spends {
				p.Incr(ctx, spent)
				p.Expire(ctx, spent, dayKept)
			}
			r.queue(ctx, p, []Entry{c.entry}, nil, reportSignature(report.Time))
			return nil
		})
		return err
	})
	return outcome, err
}

// orZero takes a key that is not there for 0.
func orZero(n int, err error) (int, error) {
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, err
}

func (r *Redis) tally(ctx context.Context, c redis.Cmdable, n call.Number) (tally, error) {
	text, err := c.HGet(ctx, r.reports, n.String()).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.readTally(text)
}

func (r *Redis) readTally(text string) (tally, error) {
	t, err := parseTally(text)
	if err != nil {
		err = fmt.Errorf("list store %s: a tally in %s was not written by this program: %w", r.addr, r.reports, err)
	}
	return t, err
}

// Decay implements Store.
func (r *Redis) Decay(ctx context.Context, scoring Scoring, at time.Time) (changed int, err error) {
	if err := scoring.Validate(); err != nil {
		return 0, err
	}
	err = r.transact(ctx, func(tx *redis.Tx) error {
		var d decay
		for cursor := uint64(0); ; {
			pairs, next, err := tx.HScan(ctx, r.reports, cursor, "", scanCount).Result()
			if err != nil {
				return err
			}
			if err := r.decayChunk(ctx, tx, pairs, &d, scoring, at); err != nil {
				return err
			}
			if cursor = next; cursor == 0 || d.full() {
				break
			}
		}
		if changed = len(d.exchanged) + len(d.removed); changed+len(d.dropped) == 0 {
			return nil
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for _, n := range d.dropped {
				p.HDel(ctx, r.reports, n.String())
			}
			if changed > 0 {
				r.queue(ctx, p, d.exchanged, d.removed, decaySignature(at))
			}
			return nil
		})
		return err
	})
	return changed, err
}

// decayChunk adds to d what becomes of some numbers and tallies of the hash.
func (r *Redis) decayChunk(ctx context.Context, tx *redis.Tx, pairs []string, d *decay, scoring Scoring, at time.Time) error {
	tallies := make(map[call.Number]tally, len(pairs)/2)
	keys := make([]Key, 0, len(pairs)/2)
	for i := 1; i < len(pairs); i += 2 {
		n, err := call.ParseNumber(pairs[i-1])
		if err != nil {
			return r.damaged(err)
		}
		if tallies[n], err = r.readTally(pairs[i]); err != nil {
			return err
		}
		keys = append(keys, reportKey(n))
	}
	found, err := r.get(ctx, tx, keys)
	if err != nil {
		return err
	}
	present := make(map[call.Number]*Entry, len(found))
	for i := range found {
		present[found[i].Pattern.Number] = &found[i]
	}
	for n, t := range tallies {
		d.add(scoring, n, present[n], t, at)
	}
	return nil
}
