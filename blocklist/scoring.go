package blocklist

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"
)

// Scoring says how much reports move a number.
type Scoring struct {
	Weight   uint8         // score that one fresh report gives, 1 to MaxScore
	HalfLife time.Duration // after which a report weighs half, from an hour to a year
	PerDay   int           // numbers one person's reports move in a day (UTC), at least 1
}

// Bounds of Scoring.HalfLife.
const (
	minHalfLife = time.Hour
	maxHalfLife = 365 * 24 * time.Hour
)

// Validate says what is out of bounds.
func (s Scoring) Validate() error {
	var errs []error
	if s.Weight < 1 || s.Weight > MaxScore {
		errs = append(errs, fmt.Errorf("weight %d of a report is not 1 to %d", s.Weight, MaxScore))
	}
	if s.HalfLife < minHalfLife || s.HalfLife > maxHalfLife {
		errs = append(errs, fmt.Errorf("half-life %v of a report is not %v to %v", s.HalfLife, minHalfLife, maxHalfLife))
	}
	if s.PerDay < 1 {
		errs = append(errs, fmt.Errorf("%d reports of a person in a day are less than 1", s.PerDay))
	}
	return errors.Join(errs...)
}

// Score is the score of a number at an instant, from the times of the last report of each person who
// reported it. Each report is taken as evidence of its own that the number is bad, certain to Weight
// percent when fresh and to half of that after each HalfLife, and the score is how certain all of
// them together make it:
//
//	100 · (1 − ∏ (1 − Weight/100 · 2^(−age/HalfLife)))
//
// So it grows with every person and never beyond 100, falls with time, and does not depend on the
// order in which the reports came. A report from the future, by a clock that is ahead, is fresh.
func (s Scoring) Score(reports []time.Time, at time.Time) uint8 {
	return uint8(math.Round(100 * s.certainty(reports, at)))
}

func (s Scoring) certainty(reports []time.Time, at time.Time) float64 {
	doubt := 1.0
	for _, t := range reports {
		age := max(0, at.Sub(t))
		doubt *= 1 - float64(s.Weight)/100*math.Exp2(-float64(age)/float64(s.HalfLife))
	}
	return 1 - doubt
}

// maxHalfLives is a number of half-lives after which any number of reports that is kept has faded.
const maxHalfLives = 32

// End is when a number reported at these times is let go: when all reports together weigh less than
// half of a fresh one. A single report so lasts for one HalfLife. It is to the second.
func (s Scoring) End(reports []time.Time, newest time.Time) time.Time {
	after := func(seconds int) time.Time { return newest.Add(time.Duration(seconds) * time.Second) }
	seconds := sort.Search(int(maxHalfLives*s.HalfLife/time.Second), func(n int) bool {
		return s.certainty(reports, after(n)) < float64(s.Weight)/200
	})
	return after(seconds)
}
