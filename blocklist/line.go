package blocklist

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/call"
)

// An entry is stored as one line of tab-separated fields, in the file and in Redis alike:
//
//	list pattern category score source author added expires reason
//
// Times are RFC 3339 in UTC; "-" stands for no category and for an expiry of never. No field can
// hold a tab or a line break (see Entry.Validate), so nothing is quoted or escaped.
const lineFields = 9

// Columns names the fields of a stored line, and of an exported file, in order.
var Columns = [lineFields]string{"list", "pattern", "category", "score", "source", "author", "added", "expires", "reason"}

// none stands in a line for a field that has no value.
const none = "-"

// stamp writes a time as lines and messages have it; the zero time is "never".
func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// Fields returns the fields of e as text, in the order of Columns. No category and no expiry are
// empty.
func (e *Entry) Fields() [lineFields]string {
	expires := ""
	if !e.Expires.IsZero() {
		expires = stamp(e.Expires)
	}
	return [lineFields]string{
		e.List.String(), e.Pattern.String(), string(e.Category), strconv.Itoa(int(e.Score)),
		e.Source.String(), e.Author, stamp(e.Added), expires, e.Reason,
	}
}

// appendLine appends e as a line without its line break.
func (e *Entry) appendLine(dst []byte) []byte {
	for i, field := range e.Fields() {
		if i > 0 {
			dst = append(dst, '\t')
		}
		if field == "" {
			field = none
		}
		dst = append(dst, field...)
	}
	return dst
}

// parseLine reads what appendLine wrote and validates it. The error wraps ErrEntry.
func parseLine(line string) (Entry, error) {
	var f [lineFields]string
	if n := splitTabs(line, f[:]); n != lineFields {
		return Entry{}, fmt.Errorf("%w: it has %d tab-separated fields and not the %d of %s",
			ErrEntry, n, lineFields, strings.Join(Columns[:], " "))
	}
	var e Entry
	if err := e.readFields(f); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	return e, e.Validate()
}

func (e *Entry) readFields(f [lineFields]string) (err error) {
	if err = e.List.UnmarshalText([]byte(f[0])); err != nil {
		return err
	}
	if err = e.Pattern.UnmarshalText([]byte(f[1])); err != nil {
		return err
	}
	if f[2] != none {
		e.Category = knownCategory(f[2])
	}
	if e.Score, err = parseScore(f[3]); err != nil {
		return err
	}
	if err = e.Source.UnmarshalText([]byte(f[4])); err != nil {
		return err
	}
	e.Author, e.Reason = f[5], f[8]
	if e.Added, err = parseStamp("added", f[6]); err != nil {
		return err
	}
	if f[7] != none {
		e.Expires, err = parseStamp("expires", f[7])
	}
	return err
}

// knownCategory returns the category named by text without keeping text, which is part of a longer
// line, in memory.
func knownCategory(text string) call.Category {
	for _, c := range call.Categories {
		if string(c) == text {
			return c
		}
	}
	return call.Category(text)
}

func parseScore(text string) (uint8, error) {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n > MaxScore {
		return 0, fmt.Errorf("score %q is not a whole number from 0 to %d", text, MaxScore)
	}
	return uint8(n), nil
}

func parseStamp(what, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a time such as 2026-01-31T18:00:00Z", what, text)
	}
	return t.UTC().Truncate(time.Second), nil
}

// splitTabs sets dst to the fields of line and returns how many there are, which may be more than
// dst holds; the last of dst then has the rest of the line.
func splitTabs(line string, dst []string) int {
	n := 0
	for n < len(dst)-1 {
		field, rest, found := strings.Cut(line, "\t")
		if !found {
			break
		}
		dst[n], line = field, rest
		n++
	}
	dst[n] = line
	return n + 1 + strings.Count(line, "\t")
}
