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
	official   []*table // numbers that reports may not list
	checks     []check
	anonymous  byClass
	watch      map[call.Category]byClass
	labels     map[call.Category]string
	reportCode string // what members of the site dial to report their last caller; empty: nothing
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
	r.each(func(t call.Treatment) {
		switch t := t.(type) {
		case call.Divert:
			targets[t.Target] = true
		case call.Challenge:
			if t.Divert != nil {
				targets[t.Divert.Target] = true
			}
		}
	})
	return slices.Sorted(maps.Keys(targets))
}

// Treats reports whether a call may get a treatment in which the gateway speaks or listens.
func (r *Rules) Treats() bool {
	treats := r.reportCode != ""
	r.each(func(t call.Treatment) {
		switch t.(type) {
		case call.Warn, call.Announce, call.Challenge:
			treats = true
		}
	})
	return treats
}

// each calls visit for every treatment that a call may get but those of listed callers and of failures.
func (r *Rules) each(visit func(call.Treatment)) {
	all := [][]call.Treatment{r.anonymous[:]}
	for _, treatments := range r.watch {
		all = append(all, treatments[:])
	}
	for i := range r.checks {
		if rule := r.checks[i].rule; rule != nil {
			all = append(all, rule.treatments[:])
		}
	}
	for _, t := range slices.Concat(all...) {
		visit(t)
	}
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

// watched are the treatments of callers on the watch list with a category. A category of the entry's own
// counts as high risk.
func (r *Rules) watched(c call.Category) byClass {
	if t, ok := r.watch[c]; ok {
		return t
	}
	return r.watch[call.CategoryHighRisk]
}
