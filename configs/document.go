package configs

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on a file, so that reading one takes bounded time and memory.
const (
	maxFile     = 1 << 20 // bytes
	maxNesting  = 16      // flow collections, or list marks on one line
	maxProblems = 50      // reported of one file
)

// document is one YAML file being read: where each key was written, and what is wrong so far.
//
// A key is named by its path, such as trunks[0].class; the empty path is the file as a whole.
type document struct {
	file     string
	lines    []string
	places   map[string]place
	problems Problems
	rejected map[string]bool // paths that have a problem already
	misspelt map[string]bool // paths of groups with an unknown key
	broken   bool            // not YAML: nothing could be read from it
}

// place is a position in a file; both numbers count from 1, columns in characters.
type place struct{ line, column int }

// readDocument reads the one YAML document in source into dst, a pointer to a struct that holds the
// defaults. file is the name to be used in problems. Keys that are absent leave dst as it is.
//
// The caller goes on to check what was read with has and reject, and then asks for err.
func readDocument(file string, source []byte, dst any) *document {
	d := &document{
		file:     file,
		lines:    strings.Split(string(source), "\n"),
		places:   map[string]place{"": {1, 1}},
		rejected: map[string]bool{},
		misspelt: map[string]bool{},
	}
	if body := d.parse(source); body != nil {
		d.value("", body, reflect.ValueOf(dst).Elem())
	}
	return d
}

// has reports whether the file writes the key at path.
func (d *document) has(path string) bool {
	_, ok := d.places[path]
	return ok
}

// reject notes that the value at path is not right. The place shown is that of the key, or of the
// nearest one around it that was written. Only the first problem of a path counts, and none of a
// group that has a wrong part or is part of a wrong group: it would follow from the other.
func (d *document) reject(path, format string, args ...any) {
	if d.broken {
		return
	}
	for other := range d.rejected {
		if contains(other, path) || contains(path, other) {
			return
		}
	}
	d.rejected[path] = true
	at := path
	for !d.has(at) {
		at = parent(at)
	}
	d.note(d.places[at], path, fmt.Sprintf(format, args...))
}

// missing notes that the key at path must be written, and why, unless another key beside it is
// unknown: then that one was likely meant.
func (d *document) missing(path, why string) {
	if !d.misspelt[parent(path)] {
		d.reject(path, "is missing: %s", why)
	}
}

// err returns the Problems found, or nil.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	d.problems.sort()
	return d.problems
}

// password finds the password in a URL, which must not get into a log with the line it stands on.
var password = regexp.MustCompile(`(://[^\s:/@]*:)[^\s/@]+@`)

func (d *document) note(at place, path, message string) {
	if len(d.problems) >= maxProblems {
		return
	}
	p := Problem{File: d.file, Line: at.line, Column: at.column, Key: path, Message: message}
	if at.line >= 1 && at.line <= len(d.lines) {
		line := strings.ReplaceAll(strings.TrimRight(d.lines[at.line-1], "\r "), "\t", " ")
		p.Source = password.ReplaceAllString(line, "${1}***@")
	}
	d.problems = append(d.problems, p)
}

// refuse notes that the file cannot be read as YAML.
func (d *document) refuse(at place, format string, args ...any) {
	d.note(at, "", fmt.Sprintf(format, args...))
	d.broken = true
}

// parse returns the syntax tree of the document, or nil when it is empty or broken.
func (d *document) parse(source []byte) (body ast.Node) {
	if len(source) > maxFile {
		d.refuse(place{1, 1}, "the file is larger than %d bytes", maxFile)
		return nil
	}
	// A configuration must never end the process that reloads it, whatever a parser of somebody
	// else's does with it.
	defer func() {
		if p := recover(); p != nil {
			d.refuse(place{1, 1}, "the file cannot be read as YAML: %v", p)
			body = nil
		}
	}()
	tokens := lexer.Tokenize(string(source))
	if !d.acceptTokens(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := place{1, 1}, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			at, message = placeOf(syntax.Token), syntax.Message
			if strings.Contains(message, "'\t'") {
				message = "a tab cannot indent: use spaces"
			}
		}
		d.refuse(at, "%s", message)
		return nil
	}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			d.refuse(placeOfNode(doc.Body), `a second document begins here: the file must hold one (remove the "---")`)
			return nil
		default:
			body = doc.Body
		}
	}
	return body
}

// acceptTokens refuses the parts of YAML that a configuration needs no more than an attacker does,
// before the parser sees them: they hide what a file says, or nest without bound.
func (d *document) acceptTokens(tokens token.Tokens) bool {
	depth, marks, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, marks = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType:
			d.refuse(placeOf(t), "anchors and aliases are not supported; put a text that begins with %q in quotes", t.Value)
			return false
		case token.TagType:
			d.refuse(placeOf(t), "tags are not supported; put a text that begins with \"!\" in quotes")
			return false
		case token.MergeKeyType, token.MappingKeyType, token.DirectiveType:
			d.refuse(placeOf(t), "%q is not supported here; write plain keys and values", t.Value)
			return false
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			marks++
		}
		if depth > maxNesting || marks > maxNesting {
			d.refuse(placeOf(t), "nested more than %d deep", maxNesting)
			return false
		}
	}
	return true
}

// placeOf is where t begins. The lexer counts the first column of a block text as 0.
func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{max(1, t.Position.Line), max(1, t.Position.Column)}
}

// contains reports whether path is outer, or a part of it.
func contains(outer, path string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// parent is the path around path: trunks[0] of trunks[0].class, trunks of trunks[0].
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
