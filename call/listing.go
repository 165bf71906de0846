package call

import "time"

// List is one of the lists an entry can stand on.
type List uint8

// The lists. Allow beats block, block beats watch.
const (
	ListAllow List = iota // passes whatever the rules say
	ListBlock             // refused
	ListWatch             // passes, with a warning
)

var listNames = [...]string{"allow", "block", "watch"}

// String is the word used in list files, records and commands.
func (l List) String() string { return nameOf(listNames[:], l) }

// MarshalText writes the word for l.
func (l List) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (l *List) UnmarshalText(text []byte) error { return parseName(listNames[:], "list", text, l) }

// Source says where a list entry came from. A later source never overrides an earlier one on the
// same list and pattern: staff outrank reports, reports outrank feeds.
type Source uint8

// The sources, the weightiest first.
const (
	SourceStaff  Source = iota // entered by a person who answers for it
	SourceReport               // reported by people who were called
	SourceFeed                 // imported from a data feed
)

var sourceNames = [...]string{"staff", "report", "feed"}

// String is the word used in list files, records and commands.
func (s Source) String() string { return nameOf(sourceNames[:], s) }

// MarshalText writes the word for s.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (s *Source) UnmarshalText(text []byte) error {
	return parseName(sourceNames[:], "source", text, s)
}

// Pattern is what a list entry covers: one number, or every number that begins with its digits.
type Pattern struct {
	Number Number
	Range  bool // Number is a prefix
}

// ParsePattern reads a number as ParseNumber does, or a range: a number followed by "*".
// The error wraps ErrNumber.
func ParsePattern(text string) (Pattern, error) {
	if l := len(text); l > 1 && text[l-1] == '*' {
		n, err := ParseNumber(text[:l-1])
		return Pattern{Number: n, Range: err == nil}, err
	}
	n, err := ParseNumber(text)
	return Pattern{Number: n}, err
}

// Covers reports whether n is one of the numbers that p stands for.
func (p Pattern) Covers(n Number) bool {
	if n == 0 || p.Number == 0 {
		return false
	}
	return n == p.Number || p.Range && n.HasPrefix(p.Number)
}

// String writes p as ParsePattern reads it.
func (p Pattern) String() string {
	if p.Range {
		return p.Number.String() + "*"
	}
	return p.Number.String()
}

// MarshalText writes p as String does.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote. The error wraps ErrNumber.
func (p *Pattern) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePattern(string(text))
	return err
}

// Listing is what a screening decision needs of a list entry.
type Listing struct {
	Pattern  Pattern
	Category Category
	Score    uint8 // 0 to 100
	Source   Source
}

// Listings holds the entry that wins on each list for one number. A Listing whose Pattern is the
// zero Pattern says that the number is not on that list.
type Listings struct {
	Allow, Block, Watch Listing
}

// Lists is what screening reads. Implementations answer from memory, at once, to any number of
// callers at a time.
type Lists interface {
	// Lookup returns the entries that cover n and have not expired at the given instant; of two on
	// one list the longer match wins, and of two as long the weightier source.
	Lookup(n Number, at time.Time) Listings
	// Version names the state of the lists, so that a record can say what it was decided with.
	Version() string
}
