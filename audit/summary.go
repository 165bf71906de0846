package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"ringfence/call"
)

// Summary is the part of a call record that is chained in clear and survives erasure. It names no
// person: anything new in a call record belongs to the erasable part until it is added here.
type Summary struct {
	Reference string          `json:"reference"`
	Trunk     string          `json:"trunk"`
	Class     call.Class      `json:"class"`
	Treatment string          `json:"treatment"`
	Detail    json.RawMessage `json:"detail,omitempty"` // what the treatment's name does not say
	Rule      string          `json:"rule"`
	Reason    call.Reason     `json:"reason"`
	Category  call.Category   `json:"category,omitempty"`
	Score     int             `json:"score,omitempty"`
	Rules     string          `json:"rules"` // version of the rules
	Lists     string          `json:"lists"` // version of the lists
	Status    int             `json:"status"`
	By        call.Ender      `json:"by"`
	Target    string          `json:"target,omitempty"`
	Attempts  int             `json:"attempts,omitempty"`
	Cause     call.Reason     `json:"cause,omitempty"`
	Elapsed   time.Duration   `json:"elapsed"` // nanoseconds

	// Of a call on the agent path, and empty for all others. The keys that were pressed are not here: they
	// may be somebody's account number.
	Announcement string        `json:"announcement,omitempty"` // the prompt played
	Language     string        `json:"language,omitempty"`     // of the prompt
	Choice       call.Choice   `json:"choice,omitempty"`
	Connected    time.Duration `json:"connected,omitempty"` // nanoseconds
}

// summarize takes out of r what a Summary holds.
func summarize(r *call.Record) (s Summary, err error) {
	v, o := &r.Verdict, &r.Outcome
	if v.Treatment == nil {
		return s, fmt.Errorf("verdict of rule %q has no treatment", v.Rule)
	}
	s = Summary{
		Reference: r.Reference, Trunk: r.Facts.Trunk, Class: r.Facts.Class, Treatment: v.Treatment.Name(),
		Rule: v.Rule, Reason: v.Reason, Category: v.Category, Score: v.Score, Rules: v.Rules, Lists: v.Lists,
		Status: o.Status, By: o.By, Target: o.Target, Attempts: o.Attempts, Cause: o.Cause, Elapsed: o.Elapsed,
	}
	if t := r.Treated; t != nil {
		s.Announcement, s.Language, s.Choice, s.Connected = t.Announcement, t.Language, t.Choice, t.Connected
	}
	if v.Treatment != (call.Allow{}) { // which has no fields, and is what nearly every call gets
		s.Detail, err = json.Marshal(v.Treatment)
	}
	return s, err
}

// record is the call record without what is personal in it.
func (s *Summary) record() (*call.Record, error) {
	named, err := json.Marshal(Summary{Treatment: s.Treatment, Detail: s.Detail})
	if err != nil {
		return nil, err
	}
	r := &call.Record{Reference: s.Reference}
	if err = json.Unmarshal(named, &r.Verdict); err != nil {
		return nil, err
	}
	v := &r.Verdict
	v.Rule, v.Reason, v.Category, v.Score, v.Rules, v.Lists = s.Rule, s.Reason, s.Category, s.Score, s.Rules, s.Lists
	r.Facts.Trunk, r.Facts.Class = s.Trunk, s.Class
	r.Outcome = call.Outcome{
		Status: s.Status, By: s.By, Target: s.Target, Attempts: s.Attempts, Cause: s.Cause, Elapsed: s.Elapsed,
	}
	return r, nil
}
