package configs

import (
	"embed"
	"errors"
	"fmt"
	"strings"

	"ringfence/screening"
)

//go:embed rules/*.yaml
var packs embed.FS

// PackNames lists the rule packs that come with Ringfence.
func PackNames() []string {
	entries, err := packs.ReadDir("rules")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".yaml")
	}
	return names
}

// PackSource is the text of a pack that comes with Ringfence; ok is false when there is none of the
// name.
func PackSource(name string) (source []byte, ok bool) {
	source, err := packs.ReadFile("rules/" + name + ".yaml")
	return source, err == nil
}

// CompileRules reads packs by name, and then rule files, and makes one set of rules of them. The
// error is Problems: all that is wrong with the files.
func CompileRules(names, files []string) (*screening.Rules, error) {
	var all packSet
	for _, name := range names {
		if err := all.addPack(name); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if err := all.addFile(file); err != nil {
			return nil, err
		}
	}
	rules, problems := all.compile()
	if len(problems) > 0 {
		return nil, problems
	}
	return rules, nil
}

// packSet is rule files being read, to be compiled together.
type packSet struct {
	documents []*document
	packs     []screening.Pack
}

func (s *packSet) addPack(name string) error {
	source, ok := PackSource(name)
	if !ok {
		return fmt.Errorf("there is no pack %q (the packs are %s)", name, strings.Join(PackNames(), ", "))
	}
	s.add(name+".yaml", source)
	return nil
}

func (s *packSet) addFile(path string) error {
	source, err := readFile(path)
	if err == nil {
		s.add(path, source)
	}
	return err
}

func (s *packSet) add(file string, source []byte) {
	var pack screening.Pack
	s.documents = append(s.documents, readDocument(file, source, &pack))
	s.packs = append(s.packs, pack)
}

// compile makes rules of the packs. Problems of their content stand where the files write it.
func (s *packSet) compile() (*screening.Rules, Problems) {
	rules, err := screening.Compile(s.packs...)
	var found screening.Problems
	if errors.As(err, &found) {
		for _, p := range found {
			s.documents[p.Pack].reject(p.Path, "%s", p.Message)
		}
	}
	var problems Problems
	for _, d := range s.documents {
		d.problems.sort()
		problems = append(problems, d.problems...)
	}
	if err != nil && len(problems) == 0 {
		problems = Problems{{Message: err.Error()}}
	}
	return rules, problems
}
