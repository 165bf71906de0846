package screening

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/call"
)

// Compile checks packs and makes Rules of them: the rules of the first are asked before those of the
// second. Tables, labels and the policy for anonymous callers are shared: a pack may use the tables
// of another, and of two labels for one category the later one holds. A pack that names no country
// is of the country of the pack before it. The error is a Problems.
func Compile(packs ...Pack) (*Rules, error) { return compile(packs, nil, "") }

func compile(packs []Pack, failClosed []string, reportCode string) (*Rules, error) {
	packs = slices.Clone(packs)
	c := compiler{
		rules:  &Rules{packs: packs, failClosed: map[string]bool{}, labels: maps.Clone(labels), reportCode: reportCode},
		tables: map[string]*table{},
		names:  map[string]bool{checkClean: true},
	}
	r := c.rules
	for _, check := range slices.Concat(beforeRules, afterRules) {
		c.names[check.name] = true
	}
	for c.pack = range packs {
		c.head(&packs[c.pack])
	}
	c.policies()
	r.checks = slices.Clone(beforeRules)
	for c.pack = range packs {
		packs[c.pack].Rules = slices.Clone(packs[c.pack].Rules)
		c.addRules(packs[c.pack].Rules)
	}
	r.checks = append(r.checks, afterRules...)
	for _, trunk := range failClosed {
		r.failClosed[trunk] = true
	}
	if err := c.problems.err(); err != nil {
		return nil, err
	}
	var err error
	r.version, err = versionOf(packs, failClosed, reportCode)
	return r, err
}

// versionOf is a digest of everything that a decision depends on besides facts and lists.
func versionOf(packs []Pack, failClosed []string, reportCode string) (string, error) {
	text, err := json.Marshal(struct {
		Packs      []Pack
		FailClosed []string
		ReportCode string `json:",omitempty"`
	}{packs, failClosed, reportCode})
	if err != nil {
		return "", fmt.Errorf("version of the rules: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6]), nil
}

// compiler makes Rules and collects what is wrong on the way.
type compiler struct {
	rules    *Rules
	dialling *dialling // of the pack being read
	tables   map[string]*table
	entries  int             // of all tables
	names    map[string]bool // of checks and rules
	pack     int             // index of the pack being read
	problems Problems
}

func (c *compiler) problem(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.pack, path, fmt.Sprintf(format, args...)})
}

// head reads the parts of a pack that its rules build on.
func (c *compiler) head(pack *Pack) {
	if !call.ValidReason(pack.Name) {
		c.problem("name", "%q is not a name (%s)", pack.Name, nameForm)
	}
	c.digits("country", pack.Country)
	c.digits("international_prefix", pack.International)
	c.digits("national_prefix", pack.National)
	if pack.Country != "" || c.dialling == nil {
		c.dialling = &dialling{country: pack.Country, international: pack.International, national: pack.National}
		c.dialling.areas = c.codes("areas", pack.Areas).codes.patterns
	}
	r := c.rules
	r.called = append(r.called, c.codes("emergency.called", pack.Emergency.Called))
	r.callers = append(r.callers, c.codes("emergency.caller", pack.Emergency.Caller))
	checkLabels(pack.Labels, c.problem)
	maps.Copy(r.labels, pack.Labels)
	for name, entries := range pack.Tables {
		path := "tables." + name
		if !call.ValidReason(name) {
			c.problem(path, "%q is not a name (%s)", name, nameForm)
		}
		if c.tables[name] != nil {
			c.problem(path, "another pack has a table %q; choose another name", name)
		}
		c.tables[name] = c.table(path, entries)
	}
	for i, name := range pack.Official {
		if c.tables[name] == nil {
			c.problem(fmt.Sprintf("official[%d]", i), "there is no table %q (the tables are %s)", name, names(c.tables))
			continue
		}
		r.official = append(r.official, c.tables[name])
	}
}

// nameForm says how names are written.
const nameForm = "lower-case letters, digits and hyphens, at most 48 characters"

// maxPrefix bounds the country code and the prefixes, in digits.
const maxPrefix = 4

func (c *compiler) digits(path, text string) {
	if len(text) > maxPrefix || strings.Trim(text, "0123456789") != "" {
		c.problem(path, "must be digits, at most %d of them, not %q", maxPrefix, text)
	}
}

// table reads the entries of a table.
func (c *compiler) table(path string, entries []string) *table {
	if c.entries += len(entries); c.entries > MaxEntries {
		c.problem(path, "all tables together have more than %d entries", MaxEntries)
		entries = nil
	}
	t := &table{dialling: c.dialling, numbers: map[call.Number]struct{}{}}
	for i, entry := range entries {
		if err := t.add(entry); err != nil {
			c.problem(fmt.Sprintf("%s[%d]", path, i), "%v", err)
		}
	}
	return t
}

// codes reads a table of service codes or area codes, which have an end and no plus.
func (c *compiler) codes(path string, entries []string) *table {
	t := c.table(path, entries)
	open := func(p pattern) bool { return p.open }
	if len(t.global.patterns)+len(t.numbers) > 0 || slices.ContainsFunc(t.codes.patterns, open) {
		c.problem(path, `must be whole codes as they are dialled, without a plus before or a "*" behind`)
	}
	return t
}

// policies makes ready what is done with callers who give no number, and with those on the watch list:
// what the last pack says that says something. Nothing is known against the former, so the default is to
// let them pass; somebody has an eye on the latter, so the default is to warn of them.
func (c *compiler) policies() {
	anonymous, watch := Treatments{All: Action{word: wordAllow}}, Treatments{All: Action{word: wordWarn}}
	for i := range c.rules.packs {
		if own := c.rules.packs[i].Anonymous; !own.IsZero() {
			anonymous = own
		}
		if own := c.rules.packs[i].Watch; !own.IsZero() {
			watch = own
		}
	}
	r := c.rules
	r.anonymous = anonymous.compile(r.labels[call.CategoryInternational])
	r.watch = make(map[call.Category]byClass, len(call.Categories))
	for _, category := range call.Categories {
		r.watch[category] = watch.compile(r.labels[category])
	}
}

func (c *compiler) addRules(sources []Rule) {
	for i := range sources {
		path := fmt.Sprintf("rules[%d]", i)
		source := &sources[i]
		if len(c.rules.checks) > MaxRules {
			c.problem(path, "there are more than %d rules", MaxRules)
			return
		}
		if c.names[source.Name] {
			c.problem(path+".name", "%q is the name of another rule or check", source.Name)
		}
		c.names[source.Name] = true
		made := c.rule(path, source)
		c.rules.checks = append(c.rules.checks, check{source.Name, made.ask, made})
	}
}

// rule checks one rule and makes it ready; it fills in the reason where none is written.
func (c *compiler) rule(path string, source *Rule) *rule {
	if !call.ValidReason(source.Name) {
		c.problem(path+".name", "%q is not a name (%s)", source.Name, nameForm)
	}
	if source.Reason == "" {
		source.Reason = call.Reason(source.Name)
	} else if !call.ValidReason(string(source.Reason)) {
		c.problem(path+".reason", "%q is not a reason (%s)", source.Reason, nameForm)
	}
	if source.Category != call.CategoryNone && !knownCategory(source.Category) {
		c.problem(path+".category", "%q is not a category (one of %s)", source.Category, categoryNames())
	}
	if source.Score < 0 || source.Score > 100 {
		c.problem(path+".score", "must be from 0 to 100, not %d", source.Score)
	}
	if len(source.Doc) > maxDoc {
		c.problem(path+".doc", "has %d bytes, at most %d", len(source.Doc), maxDoc)
	}
	if len(source.When) == 0 {
		c.problem(path+".when", "has no condition: the rule would never fire")
	}
	if source.Treatment.IsZero() {
		c.problem(path+".treatment", `has no treatment: write one under "all", "international", "voip" or "domestic"`)
	}
	if source.describes() && source.Category == call.CategoryNone {
		c.problem(path+".treatment", "a label or warning says what is suspected: write a category (one of %s)", categoryNames())
	}
	return &rule{
		source:     *source,
		when:       c.conditions(path+".when", source.When),
		except:     c.conditions(path+".except", source.Except),
		treatments: source.Treatment.compile(c.rules.labels[source.Category]),
	}
}

func (c *compiler) conditions(path string, sources []Condition) []condition {
	if len(sources) > maxConditions {
		c.problem(path, "has %d conditions, at most %d", len(sources), maxConditions)
	}
	made := make([]condition, len(sources))
	for i := range sources {
		made[i] = c.condition(fmt.Sprintf("%s[%d]", path, i), &sources[i])
	}
	return made
}

func (c *compiler) condition(path string, source *Condition) condition {
	if source.String() == "" {
		c.problem(path, "is empty: it would hold for every call")
	}
	made := condition{
		classes: maskOf(source.Class), formats: maskOf(source.Format), forms: maskOf(source.Form),
		writings: maskOf(source.Written),
		trunks:   source.Trunk,
		video:    source.Video, alien: source.Alien, otherNumber: source.Other,
	}
	if len(source.Display) > maxWords {
		c.problem(path+".display", "has %d words, at most %d", len(source.Display), maxWords)
	}
	for i, text := range source.Display {
		word := fold(nil, text)
		if len(word) == 0 {
			c.problem(fmt.Sprintf("%s.display[%d]", path, i), "%q has neither letters nor digits", text)
		}
		made.display = append(made.display, word)
	}
	for i, text := range source.Caller {
		patterns, err := parsePattern(text)
		if err != nil {
			c.problem(fmt.Sprintf("%s.caller[%d]", path, i), "%v", err)
		}
		for _, p := range patterns {
			if p.global {
				made.globalCallers.add(p)
			} else {
				made.callers.add(p)
			}
		}
	}
	switch table := c.tables[source.Table]; {
	case source.Table == "" && len(source.Written) > 0:
		c.problem(path+".written", `goes with "table": it says how a code of a table was written`)
	case source.Table != "" && table == nil:
		c.problem(path+".table", "there is no table %q (the tables are %s)", source.Table, names(c.tables))
	default:
		made.table = table
	}
	return made
}
