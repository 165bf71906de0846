package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ringfence/screening"
)

func TestShippedPacksCompile(t *testing.T) {
	names := PackNames()
	if len(names) == 0 {
		t.Fatal("no packs in the binary")
	}
	rules, err := CompileRules(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Version()) != 12 || len(rules.All()) == 0 {
		t.Errorf("version %q, %d rules", rules.Version(), len(rules.All()))
	}
}

func TestUnknownPack(t *testing.T) {
	_, err := CompileRules([]string{"atlantis"}, nil)
	if err == nil || !strings.Contains(err.Error(), "the packs are cn") {
		t.Errorf("%v, want the packs there are", err)
	}
	for _, name := range []string{"../rules/cn", ""} {
		if _, ok := PackSource(name); ok {
			t.Errorf("there is a pack %q", name)
		}
	}
}

// Digits need no quotes, however YAML would read them.
func TestPackKeepsDigits(t *testing.T) {
	const source = `
name: digits
country: 0123
international_prefix: 00
tables:
  numbers: [0123, +155, 00, 0x, 110]
`
	var pack screening.Pack
	if err := readDocument("p.yaml", []byte(source), &pack).err(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(pack.Tables["numbers"], " "); got != "0123 +155 00 0x 110" || pack.Country != "0123" || pack.International != "00" {
		t.Errorf("read as %s, %s, %s", got, pack.Country, pack.International)
	}
}

// brokenPack is a rule file in which each case changes one line.
const brokenPack = `name: own
tables:
  shops: [96xxx]
rules:
  - name: shop
    category: customer-service
    score: 10
    when:
      - table: shops
        class: [voip]
    treatment: {voip: refuse}
`

func TestPackProblemsHaveTheirPlace(t *testing.T) {
	for _, c := range []struct {
		old, new string
		place    string // line:column
		message  string
	}{
		{"score: 10", "sore: 10", "7:5", `unknown key "sore"`},
		{"score: 10", "score: 10\n    score: 11", "8:5", "twice"},
		{"score: 10", "score: high", "7:12", "whole number"},
		{"score: 10", "score: 1000", "7:12", "0 to 100"},
		{"[voip]", "[carrier]", "10:17", "one of voip, international, domestic, internal"},
		{"voip: refuse", "carrier: refuse", "11:17", "all, international, voip, domestic"},
		{"voip: refuse", "voip: reject", "11:23", "one of allow, label, label nameless, warn"},
		{"voip: refuse", "voip: divert", "11:23", "divert TARGET"},
		{"customer-service", "shopping", "6:15", "one of officials, customer-service"},
		{"table: shops", "table: stores", "9:16", "there is no table \"stores\" (the tables are cn-plan"},
		{"[96xxx]", "[96xxx, 96abc]", "3:18", "may not stand"},
		{"name: shop\n", "name: My Shop\n", "5:11", "lower-case letters"},
		{"- table: shops", "- table: shops\n        colour: red", "10:9", `unknown key "colour"`},
		{"rules:", "rules: &all", "4:8", "anchors"},
	} {
		file := filepath.Join(t.TempDir(), "own.yaml")
		text := strings.Replace(brokenPack, c.old, c.new, 1)
		if text == brokenPack {
			t.Fatalf("%q is not in the file", c.old)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := CompileRules([]string{"cn"}, []string{file})
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%q: %v, want problems", c.new, err)
			continue
		}
		found := slices.ContainsFunc(problems, func(p Problem) bool {
			return strings.HasPrefix(p.Error(), file+":"+c.place+": ") && strings.Contains(p.Message, c.message) &&
				p.Source == strings.Split(text, "\n")[p.Line-1]
		})
		if !found {
			t.Errorf("%q: want %s and %q in\n%v", c.new, c.place, c.message, err)
		}
	}
}

func TestMissingRuleFile(t *testing.T) {
	_, err := CompileRules(nil, []string{filepath.Join(t.TempDir(), "none.yaml")})
	if err == nil || !strings.Contains(err.Error(), "none.yaml: cannot be read") {
		t.Errorf("%v", err)
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(brokenPack))
	for _, name := range PackNames() {
		source, _ := PackSource(name)
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		var all packSet
		all.add("fuzz.yaml", source)
		if rules, problems := all.compile(); rules == nil && len(problems) == 0 {
			t.Fatal("the pack is refused, and nobody says why")
		}
	})
}
