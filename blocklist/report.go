package blocklist

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"ringfence/call"
)

// Report is the report of a number by a person who was called from it.
type Report struct {
	Number   call.Number
	Reporter string        // who reported, as a keyed hash: 16 to 64 letters, digits, "-" and "_"
	Category call.Category // of the call; none when not known
	Time     time.Time     // kept to the second
}

// Outcome says what became of a report.
type Outcome string

// The outcomes.
const (
	OutcomeCounted   Outcome = "counted"    // it moved the number's score
	OutcomeRepeated  Outcome = "repeated"   // this person's report of this number is known
	OutcomeOverLimit Outcome = "over-limit" // this person has reported enough for the day
	OutcomeExempt    Outcome = "exempt"     // the number is allowed, an emergency or official number, or staff keep its entry
)

// ReportAuthor is the author of the entries that reports make. An entry of source report by another
// author is a person's, and reports leave it alone.
const ReportAuthor = "reports"

// decayStep is by how much a score must have fallen before it is written anew: every change goes to
// every node and into the history.
const decayStep = 5

// reporterForm is what a keyed hash looks like. A telephone number does not.
var reporterForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// validate wraps ErrEntry in its error.
func (r *Report) validate() error {
	switch err := checkTimes(r.Time, time.Time{}); {
	case r.Number.IsZero():
		return fmt.Errorf("%w: a report of no number", ErrEntry)
	case !reporterForm.MatchString(r.Reporter):
		return fmt.Errorf("%w: the reporter is not a keyed hash of 16 to 64 letters and digits", ErrEntry)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrEntry, err)
	}
	if err := checkCategory(r.Category); err != nil {
		return fmt.Errorf("%w: %w", ErrEntry, err)
	}
	return nil
}

// dayOf names the day (UTC) that a report counts for.
func dayOf(t time.Time) string { return t.UTC().Format("20060102") }

func reportKey(n call.Number) Key {
	return Key{call.ListWatch, call.Pattern{Number: n}, call.SourceReport}
}

// Reports sign the changes they make.
func reportSignature(at time.Time) Signature {
	return Signature{ReportAuthor, "a person who was called reported it", at}
}

func decaySignature(at time.Time) Signature {
	return Signature{ReportAuthor, "reports fade with time", at}
}

// reportState is what a store knows when a report comes.
type reportState struct {
	covering []Entry             // that cover the number
	tally    tally               // of the number; empty when there is none
	spent    func() (int, error) // how many numbers the person has reported on the day
}

// counting is what is to be done about a report. Only one that is OutcomeCounted changes anything.
type counting struct {
	outcome Outcome
	entry   Entry // to be stored,
	tally   tally // and this with it
	spends  bool  // it is one of the numbers that the person may report on the day
}

// count says what is to be done about a report.
func (s Scoring) count(r *Report, state reportState) (counting, error) {
	known := tally(nil) // without an entry, staff took it out, and with it what was reported before
	for i := range state.covering {
		e := &state.covering[i]
		own := e.Key() == reportKey(r.Number)
		if e.List == call.ListAllow && !e.Expired(r.Time) || own && e.Author != ReportAuthor {
			return counting{outcome: OutcomeExempt}, nil
		}
		if own {
			known = state.tally
		}
	}
	if coversProtected(call.Pattern{Number: r.Number}) != "" {
		return counting{outcome: OutcomeExempt}, nil
	}
	v := vote{r.Reporter, r.Time.UTC().Truncate(time.Second), r.Category}
	before, repeated := known.find(r.Reporter)
	if repeated && !v.at.After(before.at) {
		return counting{outcome: OutcomeRepeated}, nil
	}
	c := counting{outcome: OutcomeCounted, tally: known.with(v), spends: !repeated || dayOf(before.at) != dayOf(v.at)}
	if c.spends {
		spent, err := state.spent()
		if err != nil || spent >= s.PerDay {
			return counting{outcome: OutcomeOverLimit}, err
		}
	}
	c.entry = s.entry(r.Number, c.tally, c.tally.newest())
	return c, c.entry.Validate()
}

// entry is the entry that a tally makes, with its score at an instant.
func (s Scoring) entry(n call.Number, t tally, at time.Time) Entry {
	times := t.times()
	newest := t.newest()
	people := "people"
	if len(t) == 1 {
		people = "person"
	}
	return Entry{
		List: call.ListWatch, Pattern: call.Pattern{Number: n}, Source: call.SourceReport,
		Category: t.category(), Score: s.Score(times, at), Author: ReportAuthor,
		Reason: fmt.Sprintf("reported by %d %s, last %s", len(t), people, stamp(newest)),
		Added:  slices.MinFunc(times, time.Time.Compare), Expires: s.End(times, newest),
	}
}

// decay is what becomes of reported numbers with time.
type decay struct {
	exchanged, removed []Entry
	dropped            []call.Number // their tallies go
	seen               map[call.Number]bool
}

// full reports that one change of the store is enough to do at once.
func (d *decay) full() bool { return len(d.exchanged)+len(d.removed) >= bulkLimit }

// add decides about one number, with its entry, nil if there is none, and its tally. A scan may give a
// number twice.
func (d *decay) add(s Scoring, n call.Number, present *Entry, t tally, at time.Time) {
	if d.seen[n] || d.full() {
		return
	}
	if d.seen == nil {
		d.seen = map[call.Number]bool{}
	}
	d.seen[n] = true
	switch {
	case present == nil || present.Author != ReportAuthor || len(t) == 0:
		d.dropped = append(d.dropped, n)
	case present.Expired(at):
		d.dropped = append(d.dropped, n)
		d.removed = append(d.removed, *present)
	default:
		if e := s.entry(n, t, at); int(present.Score)-int(e.Score) >= decayStep {
			d.exchanged = append(d.exchanged, e)
		}
	}
}
