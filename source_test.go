// Package ringfence_test holds the rules of the house as tests: which package may import which, how
// code is written, and that the deployment files and the documentation agree with the code.
package ringfence_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of the root of this repository.
const module = "ringfence"

// goFile is one parsed Go file of the repository, whatever its build tags.
type goFile struct {
	Path   string // slash-separated, from the root
	Source []byte
	Syntax *ast.File
	Set    *token.FileSet
}

// Dir is the folder of the file from the root, "." for the root itself.
func (f goFile) Dir() string { return path.Dir(f.Path) }

// IsTest reports whether the file is compiled into tests only.
func (f goFile) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Line is where pos stands, as "path:line".
func (f goFile) Line(pos token.Pos) string {
	return f.Path + ":" + strconv.Itoa(f.Set.Position(pos).Line)
}

// Imports lists the import paths of the file.
func (f goFile) Imports() []string {
	var paths []string
	for _, spec := range f.Syntax.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// repositoryFiles lists the text files of the repository whose names end in one of the suffixes.
func repositoryFiles(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "bin" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) {
				files = append(files, filepath.ToSlash(name))
				return nil
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// goFiles parses every Go file of the repository.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	set := token.NewFileSet()
	for _, name := range repositoryFiles(t, ".go") {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		syntax, err := parser.ParseFile(set, name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, goFile{name, source, syntax, set})
	}
	if len(files) == 0 {
		t.Fatal("no Go files found: the test looks in the wrong folder")
	}
	return files
}
