package blocklist

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The list file is text, made to be read, compared and, with care, edited:
//
//	#ringfence-lists 1
//	#list	pattern	category	score	source	author	added	expires	reason
//	block	+8613800138000	officials	90	staff	wang	2026-11-23T09:00:00Z	-	claims to be the police
//	#history
//	add	2026-11-23T09:00:00Z	wang	claims to be the police	block	+8613800138000	…
//	#end
//
// The last line tells a whole file from one that was cut short. Entries may be added, changed and
// taken out by hand; the history then does not say who did.
const (
	fileHead     = "#ringfence-lists 1"
	historyHead  = "#history"
	fileEnd      = "#end"
	maxFile      = 1 << 30 // bytes
	maxFileLine  = 4096    // bytes; an entry and a change of it have less than 1,500
	maxFileLines = 20_000_000
)

// readFile reads a list file; either function may be nil. A file with any fault is refused as a
// whole: visit may have been called by then, and what it was given must be dropped.
func readFile(r io.Reader, visit func(Entry) error, change func(Change)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxFileLine), maxFileLine)
	p := fileParser{seen: map[Key]int{}, visit: visit, change: change}
	for !p.ended && lines.Scan() {
		p.number++
		if err := p.line(lines.Text()); err != nil {
			return err
		}
		if p.number == maxFileLines {
			return fmt.Errorf("it has more than %d lines", maxFileLines)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than %d bytes", p.number+1, maxFileLine)
	case err != nil:
		return err
	case p.number == 0:
		return fmt.Errorf("it is empty; a list file begins with %q", fileHead)
	case p.ended && lines.Scan():
		p.faults.add(p.number+1, fmt.Errorf("there is more after %s", fileEnd))
	case !p.ended:
		p.faults.add(p.number, fmt.Errorf("the file ends here, without the line %s: it was cut short", fileEnd))
	}
	return p.faults.err()
}

// fileParser reads a list file line by line.
type fileParser struct {
	number    int // of the line being read, from 1
	inHistory bool
	ended     bool
	seen      map[Key]int // the line each entry stands on
	faults    faults
	visit     func(Entry) error
	change    func(Change)
}

// line reads the next line. Faults in it are collected; an error ends the reading.
func (p *fileParser) line(text string) error {
	switch {
	case p.number == 1:
		if text != fileHead {
			return fmt.Errorf("line 1 is not %q: this is no list file, or one of another version", fileHead)
		}
	case text == fileEnd:
		p.ended = true
	case text == historyHead && !p.inHistory:
		p.inHistory = true
	case p.inHistory:
		c, err := parseChange(text)
		if err != nil {
			p.faults.add(p.number, err)
		} else if p.change != nil {
			p.change(c)
		}
	case strings.HasPrefix(text, "#"):
		if p.number != 2 || text != columnHead() {
			p.faults.add(p.number, errors.New("remarks are not kept here: write them into the reason of an entry"))
		}
	default:
		return p.entry(text)
	}
	return nil
}

func (p *fileParser) entry(text string) error {
	e, err := parseLine(text)
	if err != nil {
		p.faults.add(p.number, err)
		return nil
	}
	if first, twice := p.seen[e.Key()]; twice {
		p.faults.add(p.number, fmt.Errorf("%s stands on line %d already", e.Key(), first))
		return nil
	}
	p.seen[e.Key()] = p.number
	if p.visit == nil {
		return nil
	}
	return p.visit(e)
}

func columnHead() string { return "#" + strings.Join(Columns[:], "\t") }

// writeFile writes what readFile reads.
func writeFile(w io.Writer, entries []Entry, history []Change) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	put := func(text []byte) { // a bufio.Writer keeps its first error for Flush
		_, _ = out.Write(append(text, '\n'))
	}
	put([]byte(fileHead))
	put([]byte(columnHead()))
	for i := range entries {
		line = entries[i].appendLine(line[:0])
		put(line)
	}
	put([]byte(historyHead))
	for i := range history {
		line = history[i].appendLine(line[:0])
		put(line)
	}
	put([]byte(fileEnd))
	return out.Flush()
}
