package blocklist

import (
	"fmt"
	"strings"
)

// maxFaults bounds how many bad lines an error spells out.
const maxFaults = 50

// LinesError lists what is wrong with a file, line by line.
type LinesError struct {
	Lines []LineError // in file order, at most 50
	Count int         // of all bad lines
}

// LineError is what is wrong with one line.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error writes one bad line a line.
func (e *LinesError) Error() string {
	var b strings.Builder
	if e.Count == 1 {
		fmt.Fprintf(&b, "line %d: %v", e.Lines[0].Line, e.Lines[0].Err)
		return b.String()
	}
	fmt.Fprintf(&b, "%d bad lines", e.Count)
	for _, l := range e.Lines {
		fmt.Fprintf(&b, "\n  line %d: %v", l.Line, l.Err)
	}
	if more := e.Count - len(e.Lines); more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

// Unwrap gives the errors of the lines that are listed.
func (e *LinesError) Unwrap() []error {
	errs := make([]error, len(e.Lines))
	for i, l := range e.Lines {
		errs[i] = l.Err
	}
	return errs
}

// faults collects bad lines.
type faults struct{ found LinesError }

func (f *faults) add(line int, err error) {
	f.found.Count++
	if len(f.found.Lines) < maxFaults {
		f.found.Lines = append(f.found.Lines, LineError{line, err})
	}
}

// err is nil when there is no bad line.
func (f *faults) err() error {
	if f.found.Count == 0 {
		return nil
	}
	return &f.found
}
