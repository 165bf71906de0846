package configs

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Text   string            `yaml:"text"`
	Flag   bool              `yaml:"flag"`
	Count  int               `yaml:"count"`
	Score  uint8             `yaml:"score"`
	Wait   Duration          `yaml:"wait"`
	List   []string          `yaml:"list"`
	Inner  inner             `yaml:"inner"`
	Inners []inner           `yaml:"inners"`
	Maybe  *inner            `yaml:"maybe"`
	Map    map[string]string `yaml:"map"`
	Groups map[string]inner  `yaml:"groups"`
}

type inner struct {
	A string `yaml:"a"`
	B string `yaml:"b"`
}

// A value arrives as the text that was typed, whatever YAML would make of it.
func TestTextArrivesAsTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"+8613800138000":       "+8613800138000",
		"+15551234567":         "+15551234567",
		"+155…":                "+155…",
		"0123":                 "0123",
		"00":                   "00",
		"0":                    "0",
		"86":                   "86",
		"1_000":                "1_000",
		"1e5":                  "1e5",
		"1.50":                 "1.50",
		"0x1F":                 "0x1F",
		"0o17":                 "0o17",
		"0b11":                 "0b11",
		".5":                   ".5",
		".inf":                 ".inf",
		".nan":                 ".nan",
		"021-5505":             "021-5505",
		"2026-11-23":           "2026-11-23",
		"12:30:45":             "12:30:45",
		"1,000":                "1,000",
		"true":                 "true",
		"yes":                  "yes",
		"95588 # a bank":       "95588",
		"+86 138 0013 8000":    "+86 138 0013 8000",
		`"+86138"`:             "+86138",
		`'it''s'`:              "it's",
		`""`:                   "",
		`"\u4e2d"`:             "中",
		"86138*":               "86138*",
		"sip:pbx:5060":         "sip:pbx:5060",
		"udp://[::]:5060":      "udp://[::]:5060",
		"99999999999999999999": "99999999999999999999",
	} {
		for _, form := range []string{"text: %s", "list: [%s]", "list:\n  - %s\n", "map:\n  key: %s\n", "inners:\n  - {a: %s}"} {
			source := fmt.Sprintf(form, typed)
			if strings.ContainsAny(form, "[{") && strings.ContainsAny(typed, "#,[") {
				continue // these mean something inside [] and {}
			}
			var got sample
			if err := readDocument("f", []byte(source), &got).err(); err != nil {
				t.Errorf("%q: %v", source, err)
				continue
			}
			text := got.Text + got.Map["key"] + strings.Join(got.List, "")
			if len(got.Inners) > 0 {
				text += got.Inners[0].A
			}
			if text != want {
				t.Errorf("%q gives %q, want %q", source, text, want)
			}
		}
	}
}

func TestDecodeKeepsDefaults(t *testing.T) {
	got := sample{Text: "default", Count: 7, Inner: inner{A: "a", B: "b"}, List: []string{"x", "y", "z"}}
	source := "flag: true\nscore: 100\nwait: 90d\ninner:\n  b: 中文\nlist: [1]\nmaybe: {a: 1}\nmap:\ngroups:\n  one: {a: 2}\n"
	d := readDocument("f", []byte(source), &got)
	if err := d.err(); err != nil {
		t.Fatal(err)
	}
	want := sample{
		Text: "default", Flag: true, Count: 7, Score: 100, Wait: Duration(90 * 24 * time.Hour), List: []string{"1"},
		Inner: inner{"a", "中文"}, Maybe: &inner{A: "1"}, Map: map[string]string{}, Groups: map[string]inner{"one": {A: "2"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for path, want := range map[string]bool{"flag": true, "inner.b": true, "list[0]": true, "groups.one.a": true, "text": false, "inner.a": false} {
		if d.has(path) != want {
			t.Errorf("has(%q) = %v", path, !want)
		}
	}
}

// All problems of a file are reported, in the order of its lines, each with its place.
func TestDecodeReportsEveryProblem(t *testing.T) {
	source := `text: [1]
flag: yes
count: 1.5
score: 256
nope: 1
text: again
list: one
inner: 3
inners:
  - a: 1
    c: 2
wait:
map: {a: [1]}
`
	var got sample
	err := readDocument("conf.yaml", []byte(source), &got).err()
	want := []string{
		"conf.yaml:1:7: text: must be a single value, not a list\n    1 | text: [1]\n      |       ^",
		`conf.yaml:2:7: flag: must be true or false, not "yes"`,
		`conf.yaml:3:8: count: must be a whole number, not "1.5"`,
		`conf.yaml:4:8: score: must be a whole number from 0 to 255, not "256"`,
		`conf.yaml:5:1: unknown key "nope"; the keys here are text, flag, count, score, wait, list, inner, inners, maybe, map, groups`,
		`conf.yaml:6:1: key "text" is written twice; the first is on line 1`,
		`conf.yaml:7:7: list: must be a list`,
		`conf.yaml:8:8: inner: must be a group of keys`,
		`conf.yaml:11:5: inners[0]: unknown key "c"; the keys here are a, b`,
		`conf.yaml:12:6: wait: has no value`,
		`conf.yaml:13:10: map.a: must be a single value`,
	}
	problems, ok := err.(Problems)
	if !ok || len(problems) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%v", len(problems), len(want), err)
	}
	for i, p := range problems {
		if !strings.HasPrefix(p.Error(), want[i]) {
			t.Errorf("problem %d is\n%v\nwant\n%s", i, p, want[i])
		}
	}
}

func TestRefusedYAML(t *testing.T) {
	for source, want := range map[string]string{
		"text: [1, 2\nflag: true\n":         "f:2:1: ',' or ']' must be specified",
		"text: \"abc\n":                     "f:1:7: could not find end character of double-quoted text",
		"inner:\n\ta: 1\n":                  "f:2:1: a tab cannot indent: use spaces",
		"text: 1\n---\ntext: 2\n":           "f:3:1: a second document begins here",
		"text: &x 1\n":                      `f:1:7: anchors and aliases are not supported`,
		"text: *x\n":                        `f:1:7: anchors and aliases are not supported`,
		"text: !!str 1\n":                   "f:1:7: tags are not supported",
		"<<: {}\n":                          `f:1:1: "<<" is not supported here`,
		"? a\n: b\n":                        `f:1:1: "?" is not supported here`,
		"list: " + strings.Repeat("[", 1e5): "f:1:23: nested more than 16 deep",
		strings.Repeat("- ", 1e5):           "f:1:33: nested more than 16 deep",
		"text: 1\n# " + strings.Repeat("x", maxFile): "f:1:1: the file is larger than 1048576 bytes",
		"- 1\n": "f:1:1: must be a group of keys",
	} {
		var got sample
		err := readDocument("f", []byte(source), &got).err()
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: got %.200v, want %s", source, err, want)
		}
	}
}

// A path is rejected once; what a rejected group holds, or holds a rejected part, is not reported
// again.
func TestReject(t *testing.T) {
	var got sample
	d := readDocument("f", []byte("inner:\n  a: 1\nlist: [x]\n"), &got)
	d.reject("inner", "first")
	d.reject("inner", "second")
	d.reject("inner.a", "third")
	d.reject("list[0].missing", "shown at the item")
	d.reject("list", "fourth")
	want := "f:2:3: inner: first\n    2 |   a: 1\n      |   ^\n" +
		"f:3:8: list[0].missing: shown at the item\n    3 | list: [x]\n      |        ^"
	if err := d.err(); err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// A file that is wrong all over is cut short.
func TestProblemsAreBounded(t *testing.T) {
	var source strings.Builder
	for i := range 10 * maxProblems {
		fmt.Fprintf(&source, "key%d: 1\n", i)
	}
	var got sample
	problems, _ := readDocument("f", []byte(source.String()), &got).err().(Problems)
	if len(problems) != maxProblems {
		t.Errorf("%d problems, want %d", len(problems), maxProblems)
	}
}

func FuzzReadDocument(f *testing.F) {
	for _, seed := range []string{
		"text: +86\nlist: [a, b]\ninner: {a: 1}\n", "text: |\n  a\n  b\n", "- 1\n- - 2\n", "\t", "a: b: c", "text: \"\\u4e2d\"",
		"? x", "text: 'a", "---\n...\n---\n", "inner:\n# c\n  a: 1", "\xff\xfe", "text: >-\n", "{", "]", ":", "- :", "\u00a0: 1", "%YAML 1.2\n---\na: 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		var got sample
		checkProblems(t, readDocument("f", source, &got).err())
	})
}

// checkProblems fails t unless err is nil or Problems that each have a place and a message.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	problems, ok := err.(Problems)
	if !ok || len(problems) == 0 {
		t.Fatalf("error of type %T: %v", err, err)
	}
	for _, p := range problems {
		if p.File == "" || p.Line < 1 || p.Column < 1 || p.Message == "" {
			t.Errorf("problem without a place or message: %#v", p)
		}
	}
}
