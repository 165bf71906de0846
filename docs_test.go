package ringfence_test

import (
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// commandLine is the binary's own vocabulary, read from its source: the first words of every cobra
// command, and every string literal (flag names are among them).
type commandLine struct {
	commands map[string]bool // value: it takes no arguments of its own, so a word after it is a subcommand
	literals map[string]bool
}

func readCommandLine(t *testing.T) commandLine {
	t.Helper()
	line := commandLine{commands: map[string]bool{}, literals: map[string]bool{"help": true, "version": true}}
	for _, file := range goFiles(t) {
		if file.IsTest() || !within(file.Dir(), "cmd") {
			continue
		}
		ast.Inspect(file.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				key, isName := n.Key.(*ast.Ident)
				value, isText := n.Value.(*ast.BasicLit)
				if isName && isText && key.Name == "Use" {
					usage := strings.Fields(unquote(value))
					line.commands[usage[0]] = len(usage) == 1
				}
			case *ast.BasicLit:
				line.literals[unquote(n)] = true
			}
			return true
		})
	}
	return line
}

func unquote(literal *ast.BasicLit) string {
	if text, err := strconv.Unquote(literal.Value); err == nil {
		return text
	}
	return literal.Value
}

// plainWord is what a subcommand looks like, as opposed to a flag, a file or a number.
var plainWord = regexp.MustCompile(`^[a-z]+$`)

// check says what is wrong with the words after "ringfence" in an example, "" if nothing is.
func (line commandLine) check(words []string) string {
	parent := true
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		switch {
		case isFlag:
			if name, _, _ = strings.Cut(name, "="); !line.literals[name] {
				return "there is no flag --" + name
			}
		case parent && plainWord.MatchString(word):
			takesNone, known := line.commands[word]
			if !known {
				return fmt.Sprintf("there is no command %q", word)
			}
			parent = takesNone
		default:
			parent = false
		}
	}
	return ""
}

// fence is a fenced block of shell, as console or sh.
var fence = regexp.MustCompile("(?ms)^```(?:console|sh|shell|bash)\n(.*?)^```")

// inline is a command within a sentence.
var inline = regexp.MustCompile("`((?:ringfence|go run) [^`]+)`")

// invocation finds the words after the binary's name in a line of shell, up to a pipe, redirection or
// comment.
var invocation = regexp.MustCompile(`(?:^|\s)(?:\./cmd/|\S*bin/|\.?/)?ringfence((?: +[^\s|<>#;&]+)+)`)

// documents are the files whose examples people copy.
func documents(t *testing.T) []string {
	return slices.DeleteFunc(repositoryFiles(t, ".md"), func(name string) bool { return name == "CHANGELOG.md" })
}

func TestDocumentedCommandsExist(t *testing.T) {
	line := readCommandLine(t)
	if _, found := line.commands["serve"]; !found {
		t.Fatalf("no command serve among %v: the test does not see the commands", line.commands)
	}
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range examples(text) {
			for _, found := range invocation.FindAllStringSubmatch(example, -1) {
				if problem := line.check(strings.Fields(found[1])); problem != "" {
					t.Errorf("%s: %q: %s", name, strings.TrimSpace(example), problem)
				}
			}
		}
	}
}

// examples lists the lines of shell that a Markdown text shows.
func examples(text []byte) []string {
	var lines []string
	for _, block := range fence.FindAllSubmatch(text, -1) {
		for _, example := range strings.Split(string(block[1]), "\n") {
			lines = append(lines, strings.ReplaceAll(example, "-u ringfence ", "")) // sudo's user
		}
	}
	for _, command := range inline.FindAllSubmatch(text, -1) {
		lines = append(lines, string(command[1]))
	}
	return lines
}

func TestExamples(t *testing.T) {
	const text = "Run `ringfence check` or:\n" +
		"```console\n$ sudo -u ringfence /usr/bin/ringfence list show | head\n# useradd -d /var/lib/ringfence x\n" +
		"$ go run ./cmd/ringfence demo\n```\n"
	var got []string
	for _, example := range examples([]byte(text)) {
		for _, found := range invocation.FindAllStringSubmatch(example, -1) {
			got = append(got, strings.TrimSpace(found[1]))
		}
	}
	if want := []string{"list show", "demo", "check"}; !slices.Equal(got, want) {
		t.Errorf("examples found: %q, want %q", got, want)
	}
}

func TestCommandLineCheck(t *testing.T) {
	line := commandLine{
		commands: map[string]bool{"serve": true, "list": true, "add": false, "check": false},
		literals: map[string]bool{"config": true},
	}
	for _, c := range []struct {
		words string
		want  string
	}{
		{"serve --config /etc/ringfence.yaml", ""},
		{"list add block +86*", ""},
		{"check file", ""},
		{"list ad block", `there is no command "ad"`},
		{"server", `there is no command "server"`},
		{"serve --conf=x", "there is no flag --conf"},
	} {
		if got := line.check(strings.Fields(c.words)); got != c.want {
			t.Errorf("check(%q) = %q, want %q", c.words, got, c.want)
		}
	}
}

// link is a Markdown link to a file of the repository or a heading.
var link = regexp.MustCompile(`\]\(([^)\s:]*)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(string(found[1]), "#")
			path := name
			if target != "" {
				path = resolve(name, target)
			}
			linked, err := os.ReadFile(path)
			if err != nil {
				if info, statErr := os.Stat(path); statErr != nil || !info.IsDir() {
					t.Errorf("%s links to %s: %v", name, found[1], err)
				}
				continue
			}
			if anchor != "" && !slices.ContainsFunc(headings(linked), func(h string) bool { return anchorOf(h) == anchor }) {
				t.Errorf("%s links to %s: no such heading", name, found[1])
			}
		}
	}
}

// resolve is the path of a link's target, which is relative to the folder of the file it stands in.
func resolve(from, target string) string {
	if i := strings.LastIndexByte(from, '/'); i >= 0 {
		return from[:i+1] + target
	}
	return target
}

var heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)

// headings lists the headings of a Markdown text.
func headings(text []byte) []string {
	var found []string
	for _, match := range heading.FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	return found
}

var notAnchor = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

// anchorOf is the name by which a link reaches a heading.
func anchorOf(heading string) string {
	return strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
