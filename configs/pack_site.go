package configs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/screening"
)

// ownNumbers is the table of the packs that the site's own numbers go into.
const ownNumbers = "own-numbers"

// compileRules makes the rules that the configuration asks for, with the site's decisions in them.
// It returns nil when something is wrong with them, and rejects it in d, the configuration's file.
func (c *Config) compileRules(d *document) *screening.Rules {
	var all packSet
	before := len(d.problems)
	for i, name := range c.Rules.Packs {
		if err := all.addPack(name); err != nil {
			d.reject(fmt.Sprintf("rules.packs[%d]", i), "%v", err)
		}
	}
	for i, file := range c.Rules.Files {
		if err := all.addFile(file); err != nil {
			d.reject(fmt.Sprintf("rules.files[%d]", i), "%v", err)
		}
	}
	rules, problems := all.compile()
	d.problems = append(d.problems, problems...)
	if len(d.problems) > before {
		return nil
	}
	rules, err := rules.With(c.site(all.packs))
	if err != nil {
		var found screening.Problems
		if !errors.As(err, &found) {
			d.reject("rules", "%v", err)
		}
		for _, p := range found {
			d.reject("rules."+p.Path, "%s", p.Message)
		}
		return nil
	}
	c.checkNames(d, rules)
	return rules
}

// site is what the configuration decides over the packs.
func (c *Config) site(packs []screening.Pack) screening.Site {
	site := screening.Site{
		Overrides: c.Rules.Overrides, Tables: map[string][]string{},
		Labels: c.Rules.Labels, Anonymous: c.Rules.Anonymous, Watch: c.Rules.Watch, ReportCode: string(c.Report.FeatureCode),
	}
	for name, entries := range c.Rules.Tables {
		site.Tables[name] = entries
	}
	// Packs without such a table have no rule about own numbers.
	if slices.ContainsFunc(packs, func(p screening.Pack) bool { _, ok := p.Tables[ownNumbers]; return ok }) {
		for _, own := range c.Numbering.OwnNumbers {
			if own.Number.IsZero() {
				continue // it was rejected where it is written
			}
			site.Tables[ownNumbers] = append(slices.Clip(site.Tables[ownNumbers]), own.String())
		}
	}
	for i := range c.Trunks {
		if c.Trunks[i].OnFailure == FailClosed {
			site.FailClosed = append(site.FailClosed, c.Trunks[i].Name)
		}
	}
	return site
}

// checkNames rejects rules that name what the configuration does not have.
func (c *Config) checkNames(d *document, rules *screening.Rules) {
	for _, target := range rules.Targets() {
		if _, ok := c.Divert[target]; !ok {
			d.reject("rules", "calls are diverted to %q, but divert names no such target (it names %s)", target, strings.Join(slices.Sorted(maps.Keys(c.Divert)), ", "))
		}
	}
	for _, trunk := range rules.Trunks() {
		if !slices.ContainsFunc(c.Trunks, func(t Trunk) bool { return t.Name == trunk }) {
			d.reject("rules", "a rule is about the trunk %q, but there is none of that name", trunk)
		}
	}
	if rules.Treats() && len(c.Media.Addresses) == 0 && len(d.problems) == 0 {
		d.missing("media.advertise", "the gateway speaks in treated calls, and their RTP needs an address; sip.listen and sip.advertise name none")
	}
}
