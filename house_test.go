package ringfence_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines bounds a Go file: a longer one has more than one subject.
const maxLines = 600

// vagueNames are package names that say nothing of what is inside, so that anything ends up there.
var vagueNames = []string{"base", "common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, file := range goFiles(t) {
		name := strings.TrimSuffix(file.Syntax.Name.Name, "_test")
		if slices.Contains(vagueNames, name) {
			t.Errorf("%s: package %s: name it after what it provides", file.Path, name)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, file := range goFiles(t) {
		if lines := bytes.Count(file.Source, []byte("\n")); lines > maxLines {
			t.Errorf("%s has %d lines, at most %d: give each subject its own file", file.Path, lines, maxLines)
		}
	}
}

func TestEverythingExportedIsDocumented(t *testing.T) {
	documented := map[string]bool{} // folders whose package has a doc comment
	folders := map[string]string{}  // folder to one of its files
	for _, file := range goFiles(t) {
		if file.IsTest() {
			continue
		}
		folders[file.Dir()] = file.Path
		documented[file.Dir()] = documented[file.Dir()] || file.Syntax.Doc != nil
		if file.Syntax.Name.Name == "main" {
			continue
		}
		for _, ident := range undocumented(file.Syntax) {
			t.Errorf("%s: %s has no doc comment", file.Line(ident.Pos()), ident.Name)
		}
	}
	for folder, path := range folders {
		if !documented[folder] {
			t.Errorf("package %s (%s) has no package comment", folder, path)
		}
	}
}

// undocumented lists the exported identifiers of a file that no comment explains. A comment over a
// group, or over several methods that stand together line by line, explains each of them.
func undocumented(file *ast.File) []*ast.Ident {
	var found []*ast.Ident
	previous := token.NoPos // end of the last declaration that is explained
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			grouped := previous.IsValid() && decl.Pos() == previous+1
			if decl.Doc != nil || grouped {
				previous = decl.End()
			} else if decl.Name.IsExported() && exportedReceiver(decl) {
				found = append(found, decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				found = append(found, undocumentedSpec(decl, spec)...)
			}
		}
	}
	return found
}

// undocumentedSpec lists the exported names of one line of a declaration that has no comment, unless
// its group has one.
func undocumentedSpec(decl *ast.GenDecl, spec ast.Spec) []*ast.Ident {
	var names []*ast.Ident
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Doc == nil && spec.Comment == nil {
			names = []*ast.Ident{spec.Name}
		}
	case *ast.ValueSpec:
		if spec.Doc == nil && spec.Comment == nil {
			names = spec.Names
		}
	}
	if decl.Doc != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name *ast.Ident) bool { return !name.IsExported() })
}

// exportedReceiver reports whether a function can be reached from outside: it is no method, or one
// of an exported type.
func exportedReceiver(decl *ast.FuncDecl) bool {
	if decl.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(decl.Recv.List[0].Type, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok {
			exported = ident.IsExported()
			return false
		}
		return true
	})
	return exported
}

func TestUndocumented(t *testing.T) {
	const source = `package p
// Grouped is explained, and so are those that stand with it.
func Grouped() {}
func Together() {}

func Lonely() {}

// The colours.
const (
	Red = 1
)

var Bare = 2

type (
	Named struct{}
	Told  struct{} // explained on its line
)

func (Named) Method() {}

func (hidden) Method2() {}

type hidden struct{}
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, ident := range undocumented(file) {
		got = append(got, ident.Name)
	}
	if want := []string{"Lonely", "Bare", "Named", "Method"}; !slices.Equal(got, want) {
		t.Errorf("undocumented finds %q, want %q", got, want)
	}
}

// ban is a pattern that no text of the repository may contain, and why.
type ban struct {
	pattern *regexp.Regexp
	reason  string
}

// banned lists the bans, written so that they do not match themselves.
var banned = []ban{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`), "finish it, or leave it out"},
	{regexp.MustCompile(`(^|[^\w.])/(wo` + `rk|ro` + `ot|ho` + `me)/`), "a path of one machine"},
}

// textSuffixes are the kinds of files that people write by hand.
var textSuffixes = []string{
	".go", ".md", ".yml", ".yaml", ".conf", ".service", ".sql", ".call", ".txt", ".sh", ".html",
	"Makefile", "Dockerfile", ".ci/run", ".dockerignore", ".gitignore",
}

func TestNothingIsBanned(t *testing.T) {
	for _, name := range repositoryFiles(t, textSuffixes...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, b := range banned {
				if found := b.pattern.Find(line); found != nil {
					t.Errorf("%s:%d: %q: %s", name, i+1, found, b.reason)
				}
			}
		}
	}
}

func TestBanned(t *testing.T) {
	for _, c := range []struct {
		line string
		want bool
	}{
		{"// TO" + "DO: later", true},
		{"XX" + "X", true},
		{"open /ro" + "ot/key", true},
		{`"/wo` + `rk/main"`, true},
		{"+86 138 XX" + "XX XX" + "XX", false},
		{"https://example.org/wo" + "rk/", false},
		{"the root of the tree", false},
	} {
		got := slices.ContainsFunc(banned, func(b ban) bool { return b.pattern.MatchString(c.line) })
		if got != c.want {
			t.Errorf("%q banned: %v, want %v", c.line, got, c.want)
		}
	}
}

// A test may not skip itself. A property test may discard a generated case: its T is called rt.
func TestNoTestIsSkipped(t *testing.T) {
	for _, file := range goFiles(t) {
		if !file.IsTest() {
			continue
		}
		ast.Inspect(file.Syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			receiver, ok := selector.X.(*ast.Ident)
			name := selector.Sel.Name
			if ok && receiver.Name != "rt" && (name == "Skip" || name == "Skipf" || name == "SkipNow") {
				t.Errorf("%s: a skipped test looks like a passed one: make it run, or delete it", file.Line(selector.Pos()))
			}
			return true
		})
	}
}
