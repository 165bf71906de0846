package callscript

import (
	"errors"
	"slices"
	"time"

	"ringfence/call"
)

// Screen gives the verdict that the script wrote, or has the call screened.
func (r *run) Screen(f *call.Facts) call.Verdict {
	r.mu.Lock()
	words, lists := r.verdict, slices.Clone(r.lists)
	r.mu.Unlock()
	if words.treatment == "" || words.treatment == "screen" {
		return r.options.Screen(f, lists)
	}
	v, err := words.verdict()
	if err != nil {
		panic(err) // the parser has seen it
	}
	return v
}

// verdict is what the words mean.
func (w *wordsOfVerdict) verdict() (call.Verdict, error) {
	v := call.Verdict{
		Reason: call.Reason(w.reason), Rule: w.reason, Score: w.score, Category: call.Category(w.category),
	}
	switch w.treatment {
	case "label":
		prefix := w.prefix
		if prefix == "" {
			prefix = "[Suspect] "
		}
		hide := w.argument == "nameless"
		v.Treatment = call.Label{Prefix: prefix, HideName: hide}
		if hide {
			return v, nil
		}
	case "refuse":
		var class call.Refusal
		if w.argument != "" {
			if err := class.UnmarshalText([]byte(w.argument)); err != nil {
				return v, err
			}
		}
		v.Treatment = call.Refuse{Class: class}
		return v, nil
	case "announce":
		v.Treatment = call.Announce{}
		if w.argument != "" {
			var class call.Refusal
			if err := class.UnmarshalText([]byte(w.argument)); err != nil {
				return v, err
			}
			v.Treatment = call.Announce{Refuse: &call.Refuse{Class: class}}
		}
		return v, nil
	case "warn":
		v.Treatment = call.Warn{Prefix: w.prefix}
	case "challenge":
		v.Treatment = call.Challenge{Digits: 1}
	case "take-report":
		v.Treatment = call.TakeReport{}
	case "divert":
		if w.argument == "" {
			return v, errors.New("divert to what target?")
		}
		v.Treatment = call.Divert{Target: w.argument}
		return v, nil
	default:
		v.Treatment = call.Allow{}
	}
	if w.argument != "" {
		return v, errors.New(w.treatment + " has no argument")
	}
	return v, nil
}

func (v verdict) run(r *run) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verdict = v.words
	return nil
}

// lists are the lists of a script. The longest entry wins.
type lists []entry

type entry struct {
	list call.List
	call.Listing
}

// Lookup implements call.Lists.
func (l lists) Lookup(n call.Number, _ time.Time) (found call.Listings) {
	for _, e := range l {
		if !e.Pattern.Covers(n) {
			continue
		}
		best := map[call.List]*call.Listing{call.ListAllow: &found.Allow, call.ListBlock: &found.Block, call.ListWatch: &found.Watch}[e.list]
		if best.Pattern.Number.Len() <= e.Pattern.Number.Len() {
			*best = e.Listing
		}
	}
	return found
}

// Version implements call.Lists.
func (l lists) Version() string { return "script" }

func (l listing) run(r *run) error {
	e := entry{}
	if err := e.list.UnmarshalText([]byte(l.list)); err != nil {
		return err
	}
	pattern, err := call.ParsePattern(l.pattern)
	if err != nil {
		return err
	}
	e.Listing = call.Listing{Pattern: pattern, Category: call.Category(l.category)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lists = slices.DeleteFunc(slices.Clone(r.lists), func(old entry) bool { return old.list == e.list && old.Pattern == pattern })
	if !l.remove {
		r.lists = append(r.lists, e)
	}
	return nil
}
