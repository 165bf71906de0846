package blocklist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signature says who changes a list, when and why.
type Signature struct {
	Author string
	Reason string
	Time   time.Time // kept to the second
}

// validate wraps ErrEntry in its error.
func (s *Signature) validate() error {
	err := errors.Join(checkText("author of the change", s.Author, MaxAuthor), checkText("reason of the change", s.Reason, MaxReason))
	if s.Time.IsZero() {
		err = errors.Join(err, errors.New("the time of the change is missing"))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEntry, err)
	}
	return nil
}

// Op is what a change did.
type Op string

// The operations. A batch of more than bulkLimit entries is recorded as one change, OpBulk, and
// not entry by entry.
const (
	OpAdd    Op = "add"    // Entry was added, or replaced the one with its key
	OpRemove Op = "remove" // Entry, as it was, was removed
	OpBulk   Op = "bulk"   // many entries changed at once
)

// bulkLimit is the largest batch recorded entry by entry. Beyond it, reading the whole list again
// costs a mirror less than following the changes, and the history would hold nothing else.
const bulkLimit = 1000

// Change is one line of the history.
type Change struct {
	Op      Op        `json:"op"`
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Reason  string    `json:"reason"`
	Entry   *Entry    `json:"entry,omitempty"`   // of OpAdd and OpRemove
	Added   int       `json:"added,omitempty"`   // of OpBulk
	Removed int       `json:"removed,omitempty"` // of OpBulk
}

// changesOf records that entries were added and removed: one change for each, or one for all.
func changesOf(added, removed []Entry, by Signature) []Change {
	at := by.Time.UTC().Truncate(time.Second)
	total := len(added) + len(removed)
	if total > bulkLimit {
		return []Change{{OpBulk, at, by.Author, by.Reason, nil, len(added), len(removed)}}
	}
	changes := make([]Change, 0, total)
	for i := range removed {
		changes = append(changes, Change{OpRemove, at, by.Author, by.Reason, &removed[i], 0, 0})
	}
	for i := range added {
		changes = append(changes, Change{OpAdd, at, by.Author, by.Reason, &added[i], 0, 0})
	}
	return changes
}

// appendLine appends c as tab-separated fields: op, time, author, reason, and then the entry's
// line, or for OpBulk the numbers of entries added and removed.
func (c *Change) appendLine(dst []byte) []byte {
	for _, field := range [...]string{string(c.Op), stamp(c.Time), c.Author, c.Reason} {
		dst = append(append(dst, field...), '\t')
	}
	if c.Entry != nil {
		return c.Entry.appendLine(dst)
	}
	dst = strconv.AppendInt(dst, int64(c.Added), 10)
	dst = append(dst, '\t')
	return strconv.AppendInt(dst, int64(c.Removed), 10)
}

// parseChange reads what appendLine wrote.
func parseChange(line string) (Change, error) {
	var f [5]string
	if splitTabs(line, f[:]) < len(f) {
		return Change{}, fmt.Errorf("not a recorded change: %d tab-separated fields are too few", strings.Count(line, "\t")+1)
	}
	at, err := parseStamp("time", f[1])
	if err != nil {
		return Change{}, fmt.Errorf("not a recorded change: %w", err)
	}
	c := Change{Op: Op(f[0]), Time: at, Author: f[2], Reason: f[3]}
	by := Signature{c.Author, c.Reason, c.Time}
	if err := by.validate(); err != nil {
		return Change{}, fmt.Errorf("not a recorded change: %w", err)
	}
	switch c.Op {
	case OpAdd, OpRemove:
		e, err := parseLine(f[4])
		c.Entry = &e
		return c, err
	case OpBulk:
		added, removed, _ := strings.Cut(f[4], "\t")
		if c.Added, err = parseCount(added); err == nil {
			c.Removed, err = parseCount(removed)
		}
		return c, err
	}
	return Change{}, fmt.Errorf("not a recorded change: operation %q is not known", f[0])
}

func parseCount(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("not a recorded change: %q is not a count of entries", text)
	}
	return int(n), nil
}
