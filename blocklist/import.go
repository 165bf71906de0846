package blocklist

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/call"
)

// Bounds of an imported file.
const (
	MaxImport        = 512 << 20 // bytes
	MaxImportEntries = 2_000_000
	maxImportLine    = 4096 // bytes
)

// ImportOptions say how a file is read.
type ImportOptions struct {
	// Defaults fills what the file does not say: columns it lacks, and cells that are empty. Added
	// must be set. A plain list of numbers takes all but the number from here.
	Defaults Entry
	// HasList says that Defaults.List is meant; without it a file must name the list itself.
	HasList bool
	// Force accepts entries that Entry.Danger warns of.
	Force bool
	// Progress, if not nil, is called every 100,000 lines.
	Progress func(lines int)
}

// progressLines is how often progress is told.
const progressLines = 100_000

// ParseImport reads a list file: either CSV, whose first line names its columns (some of Columns, at
// least pattern), or a plain list with a number or range on each line. Empty lines, and in a plain
// list lines that begin with #, are passed over; a byte order mark and CRLF are accepted. A file with
// any fault gives a *LinesError that lists the bad lines, and no entries.
func ParseImport(r io.Reader, o ImportOptions) ([]Entry, error) {
	limited := &io.LimitedReader{R: r, N: MaxImport + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, maxImportLine), maxImportLine)
	p := importer{options: o, seen: map[Key]int{}, texts: map[string]string{}}
	for lines.Scan() {
		p.number++
		text := lines.Text()
		if p.number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if err := p.line(strings.TrimSuffix(text, "\r")); err != nil {
			return nil, err
		}
		if o.Progress != nil && p.number%progressLines == 0 {
			o.Progress(p.number)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		p.faults.add(p.number+1, fmt.Errorf("longer than %d bytes; nothing after it was read", maxImportLine))
	case err != nil:
		return nil, err
	case limited.N <= 0:
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxImport)
	case len(p.entries) == 0 && p.faults.found.Count == 0:
		return nil, errors.New("there is no entry in the file")
	}
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	return p.entries, nil
}

// importer reads an import line by line.
type importer struct {
	options ImportOptions
	number  int   // of the line being read, from 1
	columns []int // of a CSV file: the place in Columns of each cell
	plain   bool
	cells   []string
	entries []Entry
	seen    map[Key]int       // the line each entry stands on
	texts   map[string]string // authors and reasons, kept once each
	faults  faults
}

// maxTexts bounds how many authors and reasons are kept once each.
const maxTexts = 10_000

// line reads the next line. Faults in it are collected; an error ends the reading.
func (p *importer) line(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if !p.plain && p.columns == nil {
		is, err := p.header(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", p.number, err)
		}
		if is {
			return nil
		}
		p.plain = true
	}
	if p.plain && text[0] == '#' {
		return nil
	}
	e, err := p.entry(text)
	if err == nil {
		err = p.accept(&e)
	}
	if err != nil {
		p.faults.add(p.number, err)
		return nil
	}
	if p.entries = append(p.entries, e); len(p.entries) > MaxImportEntries {
		return fmt.Errorf("line %d: more than %d entries in one file: split it", p.number, MaxImportEntries)
	}
	return nil
}

// header reads the first line. It is no header, and the file a plain list, when it has neither a
// comma nor the word pattern.
func (p *importer) header(text string) (is bool, err error) {
	if !strings.Contains(text, ",") && strings.TrimSpace(text) != Columns[1] {
		return false, nil
	}
	names, err := splitCSV(text, nil)
	if err != nil {
		return true, err
	}
	place := map[string]int{}
	for i, name := range Columns {
		place[name] = i
	}
	for _, name := range names {
		column, known := place[name]
		if !known {
			return true, fmt.Errorf("%q is not a column, or stands twice: the first line of a CSV file names its columns, some of %s", name, strings.Join(Columns[:], ","))
		}
		delete(place, name)
		p.columns = append(p.columns, column)
	}
	if _, missing := place[Columns[1]]; missing {
		return true, fmt.Errorf("the column %q is missing", Columns[1])
	}
	return true, nil
}

// entry reads one line into an entry, which is not validated yet.
func (p *importer) entry(text string) (e Entry, err error) {
	if !utf8.ValidString(text) {
		return e, errors.New("not UTF-8 text: save the file as UTF-8")
	}
	e = p.options.Defaults
	var f [lineFields]string
	if p.plain {
		f[1] = strings.TrimSpace(text)
	} else {
		if p.cells, err = splitCSV(text, p.cells[:0]); err != nil {
			return e, err
		}
		if len(p.cells) != len(p.columns) {
			return e, fmt.Errorf("%d cells, and not %d as the first line has", len(p.cells), len(p.columns))
		}
		for i, cell := range p.cells {
			f[p.columns[i]] = strings.TrimSpace(cell)
		}
	}
	if f[0] == "" && !p.options.HasList {
		return e, errors.New("it does not say which list (a column list, or --list)")
	}
	return e, p.fill(&e, f)
}

// fill sets what the cells say; an empty cell leaves the default.
func (p *importer) fill(e *Entry, f [lineFields]string) (err error) {
	if f[0] != "" {
		err = e.List.UnmarshalText([]byte(f[0]))
	}
	if err == nil {
		e.Pattern, err = call.ParsePattern(f[1])
	}
	if err == nil && f[2] != "" {
		e.Category = knownCategory(f[2])
	}
	if err == nil && f[3] != "" {
		e.Score, err = parseScore(f[3])
	}
	if err == nil && f[4] != "" {
		err = e.Source.UnmarshalText([]byte(f[4]))
	}
	if err == nil && f[6] != "" {
		e.Added, err = parseStamp("added", f[6])
	}
	if err == nil && f[7] != "" {
		e.Expires, err = ParseExpiry(f[7], p.options.Defaults.Added)
	}
	if f[5] != "" {
		e.Author = p.text(f[5])
	}
	if f[8] != "" {
		e.Reason = p.text(f[8])
	}
	return err
}

// accept checks an entry against its own rules and against the lines before.
func (p *importer) accept(e *Entry) error {
	*e = e.stored()
	if err := e.Validate(); err != nil {
		return err
	}
	if !p.options.Force {
		if err := e.Danger(); err != nil {
			return err
		}
	}
	if first, twice := p.seen[e.Key()]; twice {
		return fmt.Errorf("%s stands on line %d already", e.Key(), first)
	}
	p.seen[e.Key()] = p.number
	return nil
}

// text returns a copy of s that does not keep its line in memory, the same one for the same text.
func (p *importer) text(s string) string {
	if known, ok := p.texts[s]; ok {
		return known
	}
	s = strings.Clone(s)
	if len(p.texts) < maxTexts {
		p.texts[s] = s
	}
	return s
}

// ParseExpiry reads when an entry ends: "never" or nothing, a time (2026-12-31T18:00:00Z), a day (the
// entry ends as that day begins, UTC), or a span from now: 90d, 12h, 30m.
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "never" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Truncate(time.Second), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	if days, is := strings.CutSuffix(text, "d"); is {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return now.UTC().AddDate(0, 0, int(n)).Truncate(time.Second), nil
		}
	} else if span, err := time.ParseDuration(text); err == nil && span >= time.Second {
		return now.UTC().Add(span).Truncate(time.Second), nil
	}
	return time.Time{}, fmt.Errorf("expires: %q is neither never, nor a day such as 2026-12-31, nor a time such as 2026-12-31T18:00:00Z, nor a span such as 90d or 12h", text)
}
