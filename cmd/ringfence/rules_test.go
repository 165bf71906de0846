package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/configs"
	"ringfence/screening"
)

// runRules runs `ringfence rules ARGS` and returns what it wrote.
func runRules(args ...string) (string, error) {
	cmd := newRulesCommand(func(string) (*screening.Rules, error) { return nil, errors.New("no configuration here") })
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return out.String(), err
}

func TestRulesList(t *testing.T) {
	out, err := runRules("list")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := "do-not-originate\tcn\tdo-not-originate\tofficials\t95\tvoip=refuse rejected, international=refuse rejected, domestic=refuse rejected"
	if lines[0] != want {
		t.Errorf("first line\n%q, want\n%q", lines[0], want)
	}
	for _, line := range lines {
		if strings.Count(line, "\t") != 5 {
			t.Errorf("%q has not six columns", line)
		}
	}
	out, err = runRules("list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		var s shownRule
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Doc == "" || len(s.When) == 0 {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestRulesShow(t *testing.T) {
	out, err := runRules("show", "official-code-from-abroad")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"when\ttable official-codes; written bare or area or country or loose\n",
		"except\tform plus or international; caller +86 10086\n", "Trap: +8610086",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if _, err = runRules("show", "no-such"); err == nil || !strings.Contains(err.Error(), "cn-fixed-from-abroad") {
		t.Errorf("an unknown rule gives %v, want the rules there are", err)
	}
}

func TestRulesTest(t *testing.T) {
	out, err := runRules("test", "--trunk-class", "voip", "--caller", "+862161234567", "--video")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"caller\t+862161234567 (plus)\n", "treatment\trefuse rejected (SIP 608)\n", "rule\tcn-fixed-from-abroad\n",
		"passed\tofficial-code-from-abroad\tthe number is not in the table\n", "decided\tcn-fixed-from-abroad\t",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, err = runRules("test", "--trunk-class", "voip", "--caller", "", "--json")
	if err != nil || !strings.Contains(out, `"reason":"anonymous"`) {
		t.Errorf("no caller gives %s, %v", out, err)
	}
}

func TestRulesCheck(t *testing.T) {
	source, ok := configs.PackSource("cn")
	if !ok {
		t.Fatal("there is no pack cn")
	}
	file := filepath.Join(t.TempDir(), "own.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(source))
	if out, err := runRules("check", file); err != nil || !strings.Contains(out, "rules\t14\n") {
		t.Errorf("the pack itself: %s, %v", out, err)
	}
	write(strings.Replace(string(source), "category: officials", "category: officers", 1))
	_, err := runRules("check", file)
	if err == nil || !strings.Contains(err.Error(), "own.yaml:") || !strings.Contains(err.Error(), "customer-service") {
		t.Errorf("a wrong category gives %v, want its place and the categories", err)
	}
}

func TestRulesUsage(t *testing.T) {
	for _, args := range [][]string{
		{"show"},
		{"list", "extra"},
		{"list", "--no-such-flag"},
		{"test", "--caller", "110"},
		{"test", "--caller", "110", "--trunk-class", "carrier"},
		{"test", "--caller", "110", "--trunk-class", "voip", "--format", "odd"},
		{"check"},
	} {
		_, err := runRules(args...)
		var coded interface{ ExitCode() int }
		if !errors.As(err, &coded) || coded.ExitCode() != 2 {
			t.Errorf("rules %v gives %v, want a usage error", args, err)
		}
	}
	if _, err := runRules("list", "--config", "x"); err == nil || err.Error() != "no configuration here" {
		t.Errorf("--config gives %v, want what loading gives", err)
	}
}
