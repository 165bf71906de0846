package screening

import (
	"maps"
	"slices"

	"ringfence/call"
)

// Rules are a pack, and what a site decides over it, made ready to decide calls with. They never
// change, so that any number of goroutines may use them at a time.
type Rules struct {
	packs      []Pack // with the site's decisions in them
	version    string
	called     []*table // emergency services as called, a table of each pack
	callers    []*table // emergency services as callers
	checks     []check
	anonymous  byClass
	labels     map[call.Category]call.Treatment
	failClosed map[string]bool
}

// Version names the content of the rules: 12 hexadecimal digits, the same for the same rules.
func (r *Rules) Version() string { return r.version }

// Packs returns what the rules were made of, with the decisions of the site in it. It must not be
// changed.
func (r *Rules) Packs() []Pack { return r.packs }

// All returns the rules in the order they are asked, those that are off among them.
func (r *Rules) All() []Rule {
	var all []Rule
	for i := range r.packs {
		all = append(all, r.packs[i].Rules...)
	}
	return all
}

// Targets lists, in order, the names of the divert targets that calls may be sent to. Whoever holds
// the configuration checks that they exist.
func (r *Rules) Targets() []string {
	targets := map[string]bool{}
	add := func(treatments byClass) {
		for _, t := range treatments {
			if divert, ok := t.(call.Divert); ok {
				targets[divert.Target] = true
			}
		}
	}
	add(r.anonymous)
	for i := range r.checks {
		if rule := r.checks[i].rule; rule != nil {
			add(rule.treatments)
		}
	}
	return slices.Sorted(maps.Keys(targets))
}

// Trunks lists, in order, the names of the trunks that rules speak of. Whoever holds the
// configuration checks that they exist.
func (r *Rules) Trunks() []string {
	var trunks []string
	for _, rule := range r.All() {
		for _, c := range slices.Concat(rule.When, rule.Except) {
			trunks = append(trunks, c.Trunk...)
		}
	}
	slices.Sort(trunks)
	return slices.Compact(trunks)
}

// label is the treatment that labels a call with a category.
func (r *Rules) label(c call.Category) call.Treatment {
	if t, ok := r.labels[c]; ok {
		return t
	}
	return r.labels[call.CategoryHighRisk] // a list entry with a category of its own
}
