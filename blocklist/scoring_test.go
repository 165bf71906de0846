package blocklist

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// usual is the scoring of the default configuration.
var usual = Scoring{Weight: 20, HalfLife: 14 * 24 * time.Hour, PerDay: 10}

func repeat(t time.Time, n int) []time.Time { return slices.Repeat([]time.Time{t}, n) }

func TestScore(t *testing.T) {
	for _, c := range []struct {
		people int
		age    time.Duration
		want   uint8
	}{
		{0, 0, 0},
		{1, 0, 20},
		{2, 0, 36},
		{3, 0, 49},
		{5, 0, 67},
		{10, 0, 89},
		{64, 0, 100},
		{1, 7 * 24 * time.Hour, 14},
		{1, 14 * 24 * time.Hour, 10},
		{5, 14 * 24 * time.Hour, 41},
		{5, 28 * 24 * time.Hour, 23},
		{1, -time.Hour, 20}, // the clock of the node that took it is ahead
	} {
		if got := usual.Score(repeat(day, c.people), day.Add(c.age)); got != c.want {
			t.Errorf("%d people, %v ago: score %d, want %d", c.people, c.age, got, c.want)
		}
	}
}

// The table of docs/reports.md says what the code does.
func TestDocumentedScores(t *testing.T) {
	text, err := os.ReadFile("../docs/reports.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) < 5 {
		t.Fatalf("docs/reports.md has a table of %d scores: the test does not see it", len(rows))
	}
	for _, row := range rows {
		people, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		for i, days := range []int{0, 7, 14, 28} {
			if got := usual.Score(repeat(day, people), day.AddDate(0, 0, days)); strconv.Itoa(int(got)) != row[2+i] {
				t.Errorf("%d people after %d days: score %d, docs/reports.md says %s", people, days, got, row[2+i])
			}
		}
	}
}

func TestEnd(t *testing.T) {
	for people, want := range map[int]time.Duration{1: usual.HalfLife, 2: 659*time.Hour + 24*time.Minute} {
		got := usual.End(repeat(day, people), day).Sub(day)
		if diff := got - want; diff.Abs() > time.Hour {
			t.Errorf("%d people: listed for %v, want about %v", people, got, want)
		}
	}
}

// drawReports draws a scoring, and times of reports in the year before day.
func drawReports(t *rapid.T) (Scoring, []time.Time) {
	s := Scoring{
		Weight:   uint8(rapid.IntRange(1, MaxScore).Draw(t, "weight")),
		HalfLife: time.Duration(rapid.Int64Range(int64(minHalfLife), int64(maxHalfLife)).Draw(t, "half-life")),
		PerDay:   1,
	}
	age := rapid.Custom(func(t *rapid.T) time.Time {
		return day.Add(-time.Duration(rapid.IntRange(0, 365*24*3600).Draw(t, "seconds")) * time.Second)
	})
	return s, rapid.SliceOfN(age, 0, maxVotes).Draw(t, "reports")
}

func TestScoreProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, reports := drawReports(t)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		score := s.Score(reports, day)
		if score > MaxScore {
			t.Fatalf("score %d", score)
		}
		if more := s.Score(append(slices.Clone(reports), day), day); more < score {
			t.Fatalf("one person more lowers the score from %d to %d", score, more)
		}
		later := time.Duration(rapid.Int64Range(0, int64(maxHalfLife)).Draw(t, "later"))
		if faded := s.Score(reports, day.Add(later)); faded > score {
			t.Fatalf("after %v the score rose from %d to %d", later, score, faded)
		}
		shuffled := rapid.Permutation(reports).Draw(t, "shuffled")
		if other := s.Score(shuffled, day); other != score {
			t.Fatalf("in another order the score is %d, not %d", other, score)
		}
	})
}

func TestEndProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, reports := drawReports(t)
		newest := day
		reports = append(reports, newest)
		end := s.End(reports, newest)
		half := float64(s.Weight) / 200
		if left := s.certainty(reports, end); left >= half {
			t.Fatalf("let go at %v while %v is left", end, left)
		}
		if left := s.certainty(reports, end.Add(-2*time.Second)); left < half {
			t.Fatalf("let go at %v, later than it faded (%v)", end, left)
		}
		if end.Sub(newest) < s.HalfLife-time.Second {
			t.Fatalf("a fresh report lasts %v, less than a half-life %v", end.Sub(newest), s.HalfLife)
		}
	})
}

func TestScoringValidate(t *testing.T) {
	for name, s := range map[string]Scoring{
		"no weight":      {0, usual.HalfLife, 1},
		"weight":         {101, usual.HalfLife, 1},
		"half-life":      {20, time.Second, 1},
		"long half-life": {20, 2 * maxHalfLife, 1},
		"per day":        {20, usual.HalfLife, 0},
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
