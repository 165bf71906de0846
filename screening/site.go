package screening

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/call"
)

// Site is what one installation decides for itself, over packs that it does not copy.
type Site struct {
	Overrides  map[string]Treatments    // by rule name
	Tables     map[string][]string      // entries added to the tables of the packs
	Labels     map[call.Category]string // instead of the packs'
	Anonymous  Treatments               // instead of the packs'
	Watch      Treatments               // instead of the packs'
	FailClosed []string                 // trunks whose calls are refused when a check fails
	ReportCode string                   // members of the site dial it to report their last caller; empty: nothing
}

// With returns the rules with the decisions of a site over them. The error is a Problems whose paths
// are those of the Site: overrides.NAME, tables.NAME[0], labels.CATEGORY.
func (r *Rules) With(site Site) (*Rules, error) {
	s := siteDecisions{packs: slices.Clone(r.packs)}
	if len(s.packs) == 0 {
		s.packs = []Pack{{Name: "site"}} // a site without packs has lists and policies
	}
	for i := range s.packs {
		s.packs[i].Rules = slices.Clone(s.packs[i].Rules)
		s.packs[i].Tables = maps.Clone(s.packs[i].Tables)
	}
	for name, treatments := range site.Overrides {
		s.override(name, treatments)
	}
	for name, entries := range site.Tables {
		s.extend(name, entries)
	}
	checkLabels(site.Labels, s.problem)
	last := &s.packs[len(s.packs)-1] // what it says holds
	last.Labels = maps.Clone(last.Labels)
	if last.Labels == nil {
		last.Labels = map[call.Category]string{}
	}
	maps.Copy(last.Labels, site.Labels)
	if !site.Anonymous.IsZero() {
		last.Anonymous = site.Anonymous
	}
	if !site.Watch.IsZero() {
		last.Watch = site.Watch
	}
	if err := s.problems.err(); err != nil {
		return nil, err
	}
	return compile(s.packs, slices.Sorted(slices.Values(site.FailClosed)), site.ReportCode)
}

// siteDecisions are packs to which a site's decisions are being applied.
type siteDecisions struct {
	packs    []Pack
	problems Problems
}

func (s *siteDecisions) problem(path, format string, args ...any) {
	s.problems = append(s.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (s *siteDecisions) override(name string, treatments Treatments) {
	path := "overrides." + name
	var known []string
	for i := range s.packs {
		for j := range s.packs[i].Rules {
			rule := &s.packs[i].Rules[j]
			known = append(known, rule.Name)
			if rule.Name != name {
				continue
			}
			rule.Treatment = rule.Treatment.override(treatments)
			if treatments.IsZero() {
				s.problem(path, `has no treatment: write one under "all", "international", "voip" or "domestic"`)
			}
			if rule.Category == call.CategoryNone && rule.describes() {
				s.problem(path, "rule %q has no category, and so no label and no warning: choose another treatment", name)
			}
			return
		}
	}
	s.problem(path, "there is no rule %q (the rules are %s)", name, strings.Join(known, ", "))
}

func (s *siteDecisions) extend(name string, entries []string) {
	path := "tables." + name
	known := map[string]bool{}
	for i := range s.packs {
		for table := range s.packs[i].Tables {
			known[table] = true
		}
		if own, ok := s.packs[i].Tables[name]; ok {
			for j, entry := range entries {
				if _, err := parsePattern(entry); err != nil {
					s.problem(fmt.Sprintf("%s[%d]", path, j), "%v", err)
				}
			}
			s.packs[i].Tables[name] = slices.Concat(own, entries)
			return
		}
	}
	s.problem(path, "there is no table %q (the tables are %s)", name, names(known))
}

// describes reports whether the rule may tell somebody what is suspected.
func (r *Rule) describes() bool {
	return slices.ContainsFunc(screenedClasses[:], func(class call.Class) bool {
		return r.Treatment.For(class).describes()
	})
}

// names lists the keys of a map in order.
func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
