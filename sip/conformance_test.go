package sip_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const conformance = "../docs/sip-conformance.md"

var span = regexp.MustCompile("`([^`]+)`")

// The table of conformance is honest: what it names exists, and the tests it names are run by go test. A row that
// shows nothing says that it is not done.
func TestConformance(t *testing.T) {
	text, err := os.ReadFile(conformance)
	if err != nil {
		t.Fatal(err)
	}
	rows, undone := 0, 0
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Requirement |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 4 {
			t.Errorf("line %d has %d cells, not 4", i+1, len(cells))
			continue
		}
		rows++
		if strings.TrimSpace(cells[2]) == "Not done" {
			undone++
			continue
		}
		checkCode(t, i+1, spans(cells[2]))
		checkTests(t, i+1, spans(cells[3]))
	}
	if rows < 60 || undone > rows/4 {
		t.Errorf("%d rows, of which %d are not done: the test does not see the table", rows, undone)
	}
}

func spans(cell string) (all []string) {
	for _, found := range span.FindAllStringSubmatch(cell, -1) {
		all = append(all, found[1])
	}
	return all
}

// checkCode checks files, each followed by functions of it.
func checkCode(t *testing.T, line int, names []string) {
	t.Helper()
	var file string
	functions := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".go") {
			file = name
			continue
		}
		functions++
		if declared, err := functionsOf(filepath.Join("..", file)); err != nil || declared[name] == nil {
			t.Errorf("line %d: %s has no function %s (%v)", line, file, name, err)
		}
	}
	if functions == 0 {
		t.Errorf("line %d names no code", line)
	}
}

// checkTests checks call scripts, and Go tests with the folder of their package before the first of each that is
// not sip.
func checkTests(t *testing.T, line int, names []string) {
	t.Helper()
	folder, tests := "sip", 0
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, ".call"):
			tests++
			if _, err := os.Stat(filepath.Join("testdata", "calls", name)); err != nil {
				t.Errorf("line %d: %v", line, err)
			}
		case strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz"):
			tests++
			if problem := missing(folder, name); problem != "" {
				t.Errorf("line %d: %s", line, problem)
			}
		default:
			folder = name
		}
	}
	if tests == 0 {
		t.Errorf("line %d names no test", line)
	}
}

// missing says why a test would not be run. Of subtests only those of TestTorture can be named.
func missing(folder, name string) string {
	name, sub, _ := strings.Cut(name, "/")
	context := build.Default
	context.BuildTags = []string{"e2e"} // the tests against real peers, which `make test` runs too
	pkg, err := context.ImportDir(filepath.Join("..", folder), 0)
	if err != nil {
		return err.Error()
	}
	for _, file := range slices.Concat(pkg.TestGoFiles, pkg.XTestGoFiles) { // those that no build tag leaves out
		functions, err := functionsOf(filepath.Join(pkg.Dir, file))
		if err != nil {
			return err.Error()
		}
		f := functions[name]
		if f == nil || f.Recv != nil {
			continue
		}
		if name == "TestTorture" && sub != "" {
			set, message, _ := strings.Cut(sub, "/")
			all := map[string][]torture{"RFC4475": rfc4475, "RFC5118": rfc5118}[set]
			if !slices.ContainsFunc(all, func(m torture) bool { return m.name == message }) {
				return "there is no message " + sub
			}
		} else if sub != "" {
			return name + ": its subtests are not known"
		}
		return ""
	}
	return folder + " has no test " + name
}

func functionsOf(file string) (map[string]*ast.FuncDecl, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	all := map[string]*ast.FuncDecl{}
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			all[f.Name.Name] = f
		}
	}
	return all, nil
}

// Every call script is run, and skipped by none: what TestCalls reads is all that lies there.
func TestEveryCallScriptIsRun(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("testdata", "calls"))
	if err != nil {
		t.Fatal(err)
	}
	var lying []string
	for _, entry := range entries {
		lying = append(lying, entry.Name())
	}
	if run := slices.Sorted(maps.Keys(scripts(t))); !slices.Equal(run, lying) {
		t.Errorf("run are %q, there lie %q", run, lying)
	}
}
