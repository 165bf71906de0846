package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ringfence/configs"
)

const rulesDoc = "../../docs/rules.md"

// docBlock is one fenced block of a page.
type docBlock struct {
	line           int
	language, text string
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func docBlocks(t *testing.T, page string) (blocks []docBlock) {
	t.Helper()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, docBlock{1 + strings.Count(text[:at[0]], "\n"), text[at[2]:at[3]], text[at[4]:at[5]]})
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no examples", page)
	}
	return blocks
}

// siteAround is a configuration to which an example adds its rules.
const siteAround = `
sip: {listen: ["udp://127.0.0.1:5060"]}
trunks:
  - {name: test-trunk, class: voip, sources: [127.0.0.2]}
pbx: {targets: ["sip:127.0.0.1:5070"]}
divert: {reporting-line: "sip:reporting@127.0.0.1:5070"}
`

// TestRulesDoc runs every example of docs/rules.md: a rule file is written under its pack's name and
// checked, a part of a configuration is loaded, a command is run and its output compared.
func TestRulesDoc(t *testing.T) {
	page, err := filepath.Abs(rulesDoc)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, b := range docBlocks(t, page) {
		switch {
		case b.language == "yaml" && strings.HasPrefix(b.text, "name: "):
			name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "name: "), "\n")
			if err := os.WriteFile(name+".yaml", []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := configs.CompileRules([]string{defaultPack}, []string{name + ".yaml"}); err != nil {
				t.Errorf("line %d: %v", b.line, err)
			}
		case b.language == "yaml":
			if _, err := configs.Parse("example.yaml", []byte(b.text+siteAround), "."); err != nil {
				t.Errorf("line %d: %v", b.line, err)
			}
		case b.language == "console":
			command, want, _ := strings.Cut(b.text, "\n")
			args, ok := strings.CutPrefix(command, "$ ringfence rules ")
			if !ok {
				t.Errorf("line %d: %q is no command that is run here", b.line, command)
				continue
			}
			out, err := runRules(strings.Fields(args)...)
			if err != nil || !matchesExample(want, out) {
				t.Errorf("line %d: %q gives (%v)\n%s", b.line, command, err, out)
			}
		default:
			t.Errorf("line %d: an example in %s is run by nothing", b.line, b.language)
		}
	}
}

// matchesExample compares output with an example, in which … stands for anything.
func matchesExample(example, out string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(example), "…", "(?s:.*)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(out)
}

// Every shipped rule stands in the page, in the order it is asked.
func TestRulesDocIsComplete(t *testing.T) {
	source, err := os.ReadFile(rulesDoc)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := configs.CompileRules([]string{defaultPack}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(source)
	for _, rule := range rules.All() {
		_, after, ok := strings.Cut(rest, "\n| `"+rule.Name+"` |")
		if !ok {
			t.Errorf("rule %s is not in its place in the table", rule.Name)
			continue
		}
		rest = after
	}
}
