package blocklist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"ringfence/call"
)

// The tallies of reports are beside the list, in the file PATH.reports: a JSON object with the tally
// of each number reported. It is written under the lock of the list and after it: should the process
// be killed between, the report is told again, and counts then.

// maxTallyFile bounds the file of tallies, in bytes.
const maxTallyFile = 256 << 20

// Report implements Store.
func (f *File) Report(ctx context.Context, report Report, scoring Scoring) (outcome Outcome, err error) {
	if err := errors.Join(report.validate(), scoring.Validate()); err != nil {
		return "", err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	tallies, err := f.readTallies()
	if err != nil {
		return "", err
	}
	var c counting
	err = f.change(reportSignature(report.Time), func(present map[Key]Entry) (added, removed []Entry, err error) {
		state := reportState{tally: tallies[report.Number], spent: func() (int, error) { return spentIn(tallies, &report), nil }}
		for _, key := range Covering(report.Number) {
			if e, there := present[key]; there {
				state.covering = append(state.covering, e)
			}
		}
		if c, err = scoring.count(&report, state); err != nil || c.outcome != OutcomeCounted {
			return nil, nil, err
		}
		return []Entry{c.entry}, nil, nil
	})
	if err != nil || c.outcome != OutcomeCounted {
		return c.outcome, err
	}
	tallies[report.Number] = c.tally
	return c.outcome, f.writeTallies(tallies)
}

// spentIn counts the numbers that the person who reports has reported on the day.
func spentIn(tallies map[call.Number]tally, r *Report) int {
	n := 0
	for _, t := range tallies {
		if v, is := t.find(r.Reporter); is && dayOf(v.at) == dayOf(r.Time) {
			n++
		}
	}
	return n
}

// Decay implements Store.
func (f *File) Decay(ctx context.Context, scoring Scoring, at time.Time) (changed int, err error) {
	if err := scoring.Validate(); err != nil {
		return 0, err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	tallies, err := f.readTallies()
	if err != nil || len(tallies) == 0 {
		return 0, err
	}
	var d decay
	err = f.change(decaySignature(at), func(present map[Key]Entry) (added, removed []Entry, err error) {
		for n, t := range tallies {
			var entry *Entry
			if e, there := present[reportKey(n)]; there {
				entry = &e
			}
			d.add(scoring, n, entry, t, at)
		}
		return d.exchanged, d.removed, nil
	})
	if err != nil || len(d.dropped) == 0 {
		return len(d.exchanged), err
	}
	for _, n := range d.dropped {
		delete(tallies, n)
	}
	return len(d.exchanged) + len(d.removed), f.writeTallies(tallies)
}

func (f *File) readTallies() (map[call.Number]tally, error) {
	path := f.path + ".reports"
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[call.Number]tally{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tallies of reports: %w", err)
	}
	if info.Size() > maxTallyFile {
		return nil, fmt.Errorf("tallies of reports: %s has %d bytes, more than %d: a site of that size needs Redis", path, info.Size(), maxTallyFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tallies of reports: %w", err)
	}
	tallies := map[call.Number]tally{}
	if err := json.Unmarshal(text, &tallies); err != nil {
		return nil, fmt.Errorf("tallies of reports: %s: %w (restore it, or delete it: reports then count from now on)", path, err)
	}
	return tallies, nil
}

func (f *File) writeTallies(tallies map[call.Number]tally) error {
	return replaceFile(f.path+".reports", 0o640, func(w *os.File) error {
		out := json.NewEncoder(w)
		out.SetIndent("", " ")
		return out.Encode(tallies)
	})
}
