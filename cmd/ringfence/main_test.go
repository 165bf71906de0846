package main

import (
	"io"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the commands of a script that call ringfence run this program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ringfence": main})
}

// The dialogues in testdata/script: what a person types, and what they see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}

// Wrong usage ends with 2, so that scripts can tell it from work that was not done.
func TestExitCodes(t *testing.T) {
	for line, want := range map[string]int{
		"":                                       0,
		"--help":                                 0,
		"--version":                              0,
		"help check":                             0,
		"check --help":                           0,
		"check ../../configs/demo.yaml":          0,
		"check nowhere.yaml":                     1,
		"check --json nowhere.yaml":              1,
		"serve --config nowhere.yaml":            1,
		"list show --config nowhere.yaml":        1,
		"rules list --config nowhere.yaml":       1,
		"check":                                  2,
		"check one.yaml two.yaml":                2,
		"check --colour ../../configs/demo.yaml": 2,
		"serve":                                  2,
		"serve nowhere.yaml":                     2,
		"nonsense":                               2,
		"--nonsense":                             2,
		"demo --port nonsense":                   2,
	} {
		var stdout, stderr strings.Builder
		got := run(strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
		if got != want {
			t.Errorf("ringfence %s: exit code %d, want %d\n%s%s", line, got, want, &stdout, &stderr)
		}
		if got == 2 && (stderr.Len() == 0 || stdout.Len() > 0) {
			t.Errorf("ringfence %s: wrong usage must be told on standard error alone\n%s%s", line, &stdout, &stderr)
		}
	}
}

// Every command says what it does, shows an example, and has no blank in its help.
func TestHelpTeaches(t *testing.T) {
	root := newRootCommand()
	for _, cmd := range append(root.Commands(), root) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: Short, Long and Example are what its help is made of", cmd.CommandPath())
		}
		cmd.SetOut(io.Discard)
		if err := cmd.Help(); err != nil {
			t.Errorf("%s: %v", cmd.CommandPath(), err)
		}
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 104 {
				t.Errorf("%s: the help has a line of %d characters: %s", cmd.CommandPath(), len([]rune(line)), line)
			}
		}
	}
}
