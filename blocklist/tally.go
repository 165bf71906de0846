package blocklist

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/call"
)

// tally is who reported a number: one vote for each person, newest first. Votes may come in any
// order and any number of times: the tally is the same in the end.
type tally []vote

// vote is the last report of a number by one person.
type vote struct {
	reporter string // keyed hash
	at       time.Time
	category call.Category
}

// maxVotes bounds the people kept for one number. With as many the score is at its top for any
// sensible weight; the newest are kept.
const maxVotes = 64

func (t tally) find(reporter string) (vote, bool) {
	for _, v := range t {
		if v.reporter == reporter {
			return v, true
		}
	}
	return vote{}, false
}

// with returns t and a vote, which takes the place of an older one of the same person.
func (t tally) with(v vote) tally {
	more := tally{v}
	for _, other := range t {
		if other.reporter != v.reporter {
			more = append(more, other)
		}
	}
	slices.SortFunc(more, func(a, b vote) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.reporter, b.reporter))
	})
	return more[:min(len(more), maxVotes)]
}

func (t tally) newest() time.Time { return t[0].at }

func (t tally) times() []time.Time {
	times := make([]time.Time, len(t))
	for i, v := range t {
		times[i] = v.at
	}
	return times
}

// category is the one most votes name; of two as frequent the first of call.Categories. A vote that
// names none does not count, since the category was not known to its call.
func (t tally) category() call.Category {
	best, most := call.CategoryNone, 0
	for _, c := range call.Categories {
		n := 0
		for _, v := range t {
			if v.category == c {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

// String writes t on one line: "REPORTER UNIXTIME CATEGORY", votes separated by a comma, "-" for no
// category.
func (t tally) String() string {
	votes := make([]string, len(t))
	for i, v := range t {
		votes[i] = fmt.Sprintf("%s %d %s", v.reporter, v.at.Unix(), cmp.Or(string(v.category), none))
	}
	return strings.Join(votes, ",")
}

// MarshalText writes t as String does.
func (t tally) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *tally) UnmarshalText(text []byte) (err error) {
	*t, err = parseTally(string(text))
	return err
}

// parseTally reads what String wrote.
func parseTally(text string) (tally, error) {
	if text == "" {
		return nil, nil
	}
	var t tally
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Split(part, " ")
		if len(fields) != 3 || len(t) == maxVotes {
			return nil, fmt.Errorf("%q is not a tally of reports", part)
		}
		seconds, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a tally of reports", part)
		}
		v := vote{reporter: strings.Clone(fields[0]), at: time.Unix(seconds, 0).UTC()}
		if fields[2] != none {
			v.category = knownCategory(fields[2])
		}
		r := Report{Number: 1, Reporter: v.reporter, Category: v.category, Time: v.at}
		if err := r.validate(); err != nil {
			return nil, err
		}
		t = t.with(v)
	}
	return t, nil
}
