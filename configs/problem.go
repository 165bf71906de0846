package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	File    string `json:"file"`           // as the file was named by the person
	Line    int    `json:"line,omitempty"` // from 1; 0 when the file could not be read at all
	Column  int    `json:"column,omitempty"`
	Key     string `json:"key,omitempty"` // path of the key: trunks[0].class
	Message string `json:"message"`       // what is wrong, and what to write
	Source  string `json:"source"`        // the line of the file
}

// Error is the problem as file:line:column, key and message, with the line of the file below it
// and a mark under the place.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Source != "" {
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s^", p.Line, p.Source, strings.Repeat(" ", max(0, p.Column-1)))
	}
	return b.String()
}

// Problems is the error that reading a configuration returns: everything found wrong, in the order
// of the files' lines.
type Problems []Problem

// Error is each problem on its own lines.
func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, problem := range p {
		texts[i] = problem.Error()
	}
	return strings.Join(texts, "\n")
}

// sort orders problems by place; those of one file that has been read before another stay first.
func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.File != b.File {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
