package callscript

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ladder is what happened on the wire.
type ladder struct {
	began  time.Time
	events []event
}

type event struct {
	at       time.Duration
	party    string
	from, to string
	label    string
}

// maxEvents bounds what is remembered of a run that does not end.
const maxEvents = 2000

func (l *ladder) note(party, from, to, label string) {
	if len(l.events) < maxEvents {
		l.events = append(l.events, event{time.Since(l.began), party, from, to, label})
	}
}

const (
	columnWidth = 22
	maxRungs    = 60 // the last ones are drawn
)

// draw draws the ladder with a column for each of the names that took part.
func (l *ladder) draw(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name != "gw" && !slices.ContainsFunc(l.events, func(e event) bool { return e.party == name })
	})
	var b strings.Builder
	b.WriteString("        s ")
	for _, name := range names {
		fmt.Fprintf(&b, "%-*s", columnWidth, name)
	}
	b.WriteString("\n")
	shown := l.events
	if hidden := len(shown) - maxRungs; hidden > 0 {
		fmt.Fprintf(&b, "          ... %d messages before\n", hidden)
		shown = shown[hidden:]
	}
	for _, e := range shown {
		fmt.Fprintf(&b, "  %7.3f ", e.at.Seconds())
		b.WriteString(strings.TrimRight(rung(names, e), " "))
		b.WriteString("\n")
	}
	return b.String()
}

// rung draws one event.
func rung(names []string, e event) string {
	from, to := slices.Index(names, e.from), slices.Index(names, e.to)
	if from < 0 || to < 0 {
		return e.from + " -> " + e.to + ": " + e.label
	}
	row := []byte(strings.Repeat("|"+strings.Repeat(" ", columnWidth-1), len(names)))
	left, right := min(from, to)*columnWidth+1, max(from, to)*columnWidth-1
	for i := left; i <= right; i++ {
		row[i] = '-'
	}
	if from < to {
		row[right] = '>'
	} else {
		row[left] = '<'
	}
	label := e.label
	if !utf8.ValidString(label) || len(label) > columnWidth-6 {
		label = strings.ToValidUTF8(label[:min(len(label), columnWidth-6)], "?")
	}
	copy(row[left+2:], label)
	return string(row)
}

// maxShown is how much of a message a failure shows, in bytes.
const maxShown = 4096

// indent shows a message within an error, bytes that are no text as escapes.
func indent(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown] + "\n... " + strconv.Itoa(len(text)-maxShown) + " bytes more"
	}
	var b strings.Builder
	b.WriteString("    ")
	for _, r := range strings.TrimRight(strings.ReplaceAll(strings.ToValidUTF8(text, "\\x??"), "\r\n", "\n"), "\n") {
		switch {
		case r == '\n':
			b.WriteString("\n    ")
		case unicode.IsControl(r):
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
