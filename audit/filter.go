package audit

import (
	"strings"
	"time"

	"ringfence/call"
)

// Filter chooses records. A zero field chooses all. All fields that are set must match.
type Filter struct {
	From, To  time.Time // From is included, To is not
	Caller    string    // a number as call.Number writes it, or with a trailing "*" all that begin so
	Called    string    // likewise
	Trunk     string
	Treatment string
	Rule      string
	Reason    string
	Status    int // SIP status
	Reference string
	CallID    string

	Before      uint64 // only records with a lower sequence number: the cursor to the next page
	Limit       int    // at most so many; 0 is no limit
	OldestFirst bool
	Notes       bool // also records about the log itself (prune, erase)
}

// matches reports whether f chooses e.
func (f *Filter) matches(e *Entry) bool {
	if !f.From.IsZero() && e.Time.Before(f.From) || !f.To.IsZero() && !e.Time.Before(f.To) {
		return false
	}
	s, callID := e.Call, ""
	if s == nil {
		if !f.Notes {
			return false
		}
		s = &Summary{}
	}
	if e.Record != nil {
		callID = e.Record.Facts.CallID
	}
	return same(f.Trunk, s.Trunk) && same(f.Treatment, s.Treatment) && same(f.Rule, s.Rule) &&
		same(f.Reason, string(s.Reason)) && (f.Status == 0 || f.Status == s.Status) &&
		same(f.Reference, s.Reference) && same(f.CallID, callID) &&
		sameParty(f.Caller, e.Caller()) && sameParty(f.Called, e.Called())
}

func same(want, has string) bool { return want == "" || want == has }

func sameParty(want, has string) bool {
	if prefix, ok := strings.CutSuffix(want, "*"); ok && strings.HasPrefix(has, prefix) && has != "" {
		return true
	}
	return same(want, has)
}

// keyFilter chooses the keys of all records that a Filter may choose, and of few others.
type keyFilter struct {
	want           key // a zero part chooses all
	from, to       uint32
	caller, called partyFilter
}

func (f *Filter) keys() keyFilter {
	k := keyFilter{
		want: newKey(time.Time{}, &Summary{
			Reference: f.Reference, Trunk: f.Trunk, Treatment: f.Treatment, Rule: f.Rule, Reason: call.Reason(f.Reason),
			Status: f.Status,
		}, &call.Facts{CallID: f.CallID}),
		caller: newPartyFilter(f.Caller), called: newPartyFilter(f.Called),
	}
	if !f.From.IsZero() {
		k.from = seconds(f.From)
	}
	k.to = ^uint32(0)
	if !f.To.IsZero() {
		k.to = seconds(f.To)
	}
	return k
}

func (f *keyFilter) match(k key) bool {
	w := &f.want
	return k.time != 0 && k.time >= f.from && k.time <= f.to &&
		(w.callID == 0 || w.callID == k.callID) && (w.reference == 0 || w.reference == k.reference) &&
		(w.trunk == 0 || w.trunk == k.trunk) && (w.treatment == 0 || w.treatment == k.treatment) &&
		(w.rule == 0 || w.rule == k.rule) && (w.reason == 0 || w.reason == k.reason) &&
		(w.status == 0 || w.status == k.status) && f.caller.match(k.caller) && f.called.match(k.called)
}

// partyFilter chooses the keys of parties.
type partyFilter struct {
	set, prefix bool
	number      call.Number // 0 when what is looked for is no number
	text        uint64
}

func newPartyFilter(value string) partyFilter {
	f := partyFilter{set: value != "", prefix: strings.HasSuffix(value, "*"), text: textKey(value)}
	if p, err := call.ParsePattern(value); err == nil {
		f.number = p.Number
	}
	return f
}

func (f *partyFilter) match(k uint64) bool {
	switch {
	case !f.set:
		return true
	case k == 0:
		return false
	case f.prefix && k&textMark != textMark:
		return call.Number(k).HasPrefix(f.number)
	}
	return f.prefix || k == uint64(f.number) || k == f.text
}
