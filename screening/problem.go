package screening

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a Pack or Site.
type Problem struct {
	Pack    int    // index of the pack among those given to Compile; 0 for a Site
	Path    string // of the key, as in rules[2].when[0].caller[1]
	Message string // what is wrong, and what to write
}

// Error is the path and the message.
func (p Problem) Error() string { return p.Path + ": " + p.Message }

// Problems is the error of Compile and Rules.With: everything found wrong.
type Problems []Problem

// Error is each problem on its own line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems as an error, in order, and nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pack, b.Pack), cmp.Compare(a.Path, b.Path))
	})
	return p
}
