package blocklist

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/call"
)

// Bounds of the texts of an entry, in bytes.
const (
	MaxAuthor = 64
	MaxReason = 500
)

// MaxScore is the highest score of an entry: certain fraud.
const MaxScore = 100

// lastYear is the last year an entry may expire in: the mirror keeps expiry in 32 bits of seconds.
const lastYear = 2100

// ErrEntry is wrapped by every error that says a list entry is not valid.
var ErrEntry = errors.New("not a valid list entry")

// Entry is one number or range on one list, with who put it there and why.
type Entry struct {
	List     call.List     `json:"list"`
	Pattern  call.Pattern  `json:"pattern"`
	Category call.Category `json:"category,omitempty"`
	Score    uint8         `json:"score"` // 0 to MaxScore
	Source   call.Source   `json:"source"`
	Author   string        `json:"author"` // a person, or the name of a feed; 1 to MaxAuthor bytes
	Reason   string        `json:"reason"` // 1 to MaxReason bytes on one line
	Added    time.Time     `json:"added"`  // kept to the second
	Expires  time.Time     `json:"expires,omitzero"`
}

// Key tells entries apart. The source is part of it, so that a feed never overwrites what staff
// entered for the same number.
type Key struct {
	List    call.List
	Pattern call.Pattern
	Source  call.Source
}

// String writes k for messages: "block +86101234* staff".
func (k Key) String() string {
	return k.List.String() + " " + k.Pattern.String() + " " + k.Source.String()
}

// Key returns what tells e apart from other entries.
func (e *Entry) Key() Key { return Key{e.List, e.Pattern, e.Source} }

// Expired reports whether e no longer counts at the given instant. The instant Expires itself is
// the first at which it does not.
func (e *Entry) Expired(at time.Time) bool { return !e.Expires.IsZero() && !at.Before(e.Expires) }

// Validate reports everything that is wrong with e, in words for the person who wrote it. The
// error wraps ErrEntry.
func (e *Entry) Validate() error {
	var wrong []string
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if e.List > call.ListWatch {
		note(errors.New("the list is not one of allow, block, watch"))
	}
	note(checkPattern(e.Pattern))
	note(checkCategory(e.Category))
	if e.Score > MaxScore {
		note(fmt.Errorf("score %d is over %d", e.Score, MaxScore))
	}
	if e.Source > call.SourceFeed {
		note(errors.New("the source is not one of staff, report, feed"))
	}
	note(checkText("author", e.Author, MaxAuthor))
	note(checkText("reason", e.Reason, MaxReason))
	note(checkTimes(e.Added, e.Expires))
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrEntry, strings.Join(wrong, "; "))
}

// checkPattern refuses what could never match. Local codes such as 000 exist, but digits that go
// on after 00 are an international number in dialling form, and a site's prefix is not guessed.
func checkPattern(p call.Pattern) error {
	if p.Number.IsZero() {
		return errors.New("there is no number")
	}
	if digits := p.Number.Digits(); p.Number.IsLocal() && len(digits) > 3 && strings.HasPrefix(digits, "00") {
		return fmt.Errorf("%s begins with 00: write an international number with + (+%s)", p, strings.TrimLeft(p.String(), "0"))
	}
	return nil
}

func checkCategory(c call.Category) error {
	if c == call.CategoryNone || slices.Contains(call.Categories, c) {
		return nil
	}
	names := make([]string, len(call.Categories))
	for i, known := range call.Categories {
		names[i] = string(known)
	}
	return fmt.Errorf("%q is not a category (none, or one of %s)", string(c), strings.Join(names, ", "))
}

// checkText keeps texts to one printable line, so that they can stand in tab-separated files and
// on a terminal as they are.
func checkText(what, text string, limit int) error {
	switch {
	case text == "":
		return fmt.Errorf("there is no %s", what)
	case len(text) > limit:
		return fmt.Errorf("the %s is %d bytes long (at most %d)", what, len(text), limit)
	case !utf8.ValidString(text):
		return fmt.Errorf("the %s is not UTF-8 text", what)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("the %s begins or ends with a space", what)
	}
	for i, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("the %s has the character %U at byte %d, which cannot be printed on one line", what, r, i+1)
		}
	}
	return nil
}

func checkTimes(added, expires time.Time) error {
	switch {
	case added.IsZero():
		return errors.New("the time it was added is missing")
	case added.Year() > lastYear || added.Unix() < 0:
		return fmt.Errorf("it cannot have been added in %d", added.Year())
	case expires.IsZero():
		return nil
	case !expires.After(added):
		return fmt.Errorf("it expires (%s) before it was added (%s)", stamp(expires), stamp(added))
	case expires.Year() > lastYear:
		return fmt.Errorf("it expires in %d, after %d: leave the expiry out for never", expires.Year(), lastYear)
	}
	return nil
}

// stored returns e as a store gives it back: times in UTC, to the second.
func (e *Entry) stored() Entry {
	s := *e
	s.Added = s.Added.UTC().Truncate(time.Second)
	if !s.Expires.IsZero() {
		s.Expires = s.Expires.UTC().Truncate(time.Second)
	}
	return s
}

// Compare orders entries by list, number (a range before the numbers in it) and source: the order
// of files and of output.
func Compare(a, b Entry) int {
	if c := cmp.Compare(a.List, b.List); c != 0 {
		return c
	}
	var bufA, bufB [call.MaxDigits + 2]byte
	if c := bytes.Compare(appendSortKey(bufA[:0], a.Pattern), appendSortKey(bufB[:0], b.Pattern)); c != 0 {
		return c
	}
	return cmp.Compare(a.Source, b.Source)
}

// appendSortKey appends the text of p, whose marks "*" and "+" sort before digits.
func appendSortKey(dst []byte, p call.Pattern) []byte {
	if !p.Number.IsLocal() {
		dst = append(dst, '+')
	}
	dst = p.Number.AppendDigits(dst)
	if p.Range {
		dst = append(dst, '*')
	}
	return dst
}
