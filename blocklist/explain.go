package blocklist

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ringfence/call"
)

// Standing says what one entry that covers a number means for a caller with that number.
type Standing struct {
	Entry
	Wins bool   `json:"wins"` // on its list
	Why  string `json:"why"`
}

// Covering returns the keys of all entries that could cover n: the number itself and each range
// that it begins with, on every list and of every source.
func Covering(n call.Number) []Key {
	if n.IsZero() {
		return nil
	}
	patterns := []call.Pattern{{Number: n}}
	for k := n.Len(); k > 0; k-- {
		patterns = append(patterns, call.Pattern{Number: n.Prefix(k), Range: true})
	}
	var keys []Key
	for _, p := range patterns {
		for list := call.ListAllow; list <= call.ListWatch; list++ {
			for source := call.SourceStaff; source <= call.SourceFeed; source++ {
				keys = append(keys, Key{list, p, source})
			}
		}
	}
	return keys
}

// Explain says which of the entries decide about n at an instant, by the very look-up that calls
// use. The entries that do not cover n are left out. Those that win come first, the strongest list
// before the others.
func Explain(entries []Entry, n call.Number, at time.Time) []Standing {
	x := newIndex(len(entries))
	var standings []Standing
	for _, e := range entries {
		if e.Pattern.Covers(n) {
			x.put(e.Pattern, packEntry(&e))
			standings = append(standings, Standing{Entry: e})
		}
	}
	found := x.lookup(n, at)
	winners := [...]call.Listing{call.ListAllow: found.Allow, call.ListBlock: found.Block, call.ListWatch: found.Watch}
	for i := range standings {
		s := &standings[i]
		s.Wins, s.Why = standing(&s.Entry, winners[s.List], at)
		if !s.Wins {
			continue
		}
		for stronger := range s.List {
			if winners[stronger].Pattern != (call.Pattern{}) {
				s.Why += fmt.Sprintf(", but the number is on the %s list too, and %s beats %s", stronger, stronger, s.List)
				break
			}
		}
	}
	slices.SortStableFunc(standings, func(a, b Standing) int {
		if a.Wins != b.Wins {
			if a.Wins {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(b.Pattern.Number.Len(), a.Pattern.Number.Len()), cmp.Compare(a.Source, b.Source))
	})
	return standings
}

// standing compares an entry with the winner on its list.
func standing(e *Entry, winner call.Listing, at time.Time) (wins bool, why string) {
	switch {
	case e.Expired(at):
		return false, "expired at " + stamp(e.Expires)
	case e.Pattern == winner.Pattern && e.Source == winner.Source:
		if e.Pattern.Range {
			return true, fmt.Sprintf("wins on the %s list: the longest match, %d digits", e.List, e.Pattern.Number.Len())
		}
		return true, fmt.Sprintf("wins on the %s list: the number itself", e.List)
	case e.Pattern.Number != winner.Pattern.Number:
		return false, fmt.Sprintf("%s is the longer match", winner.Pattern)
	case e.Source != winner.Source:
		return false, fmt.Sprintf("as long as that of source %s, which outranks %s", winner.Source, e.Source)
	}
	return false, fmt.Sprintf("%s is the number itself", winner.Pattern)
}
