package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"ringfence/call"
)

// Kind says what a record of the log is about.
type Kind string

// The kinds.
const (
	KindCall  Kind = "call"  // a call attempt
	KindPrune Kind = "prune" // old records were deleted by retention
	KindErase Kind = "erase" // personal data was erased
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
	call.Outcome
}

// summarize takes out of r what a Summary holds.
func summarize(r *call.Record) (s Summary, err error) {
	v := &r.Verdict
	if v.Treatment == nil {
		return s, fmt.Errorf("verdict of rule %q has no treatment", v.Rule)
	}
	s = Summary{
		Reference: r.Reference, Trunk: r.Facts.Trunk, Class: r.Facts.Class, Treatment: v.Treatment.Name(),
		Rule: v.Rule, Reason: v.Reason, Category: v.Category, Score: v.Score, Rules: v.Rules, Lists: v.Lists,
		Outcome: r.Outcome,
	}
	if v.Treatment != (call.Allow{}) {
		s.Detail, err = json.Marshal(v.Treatment)
	}
	return s, err
}

// verdict is the verdict without what is personal in it.
func (s *Summary) verdict() (v call.Verdict, err error) {
	named, err := json.Marshal(Summary{Treatment: s.Treatment, Detail: s.Detail})
	if err != nil {
		return v, err
	}
	if err = json.Unmarshal(named, &v); err != nil {
		return v, err
	}
	v.Rule, v.Reason, v.Category, v.Score, v.Rules, v.Lists = s.Rule, s.Reason, s.Category, s.Score, s.Rules, s.Lists
	return v, nil
}

// Pruning says which records were deleted because they were older than the retention period.
type Pruning struct {
	Author    string `json:"author"`
	Reason    string `json:"reason"`
	FirstKept uint64 `json:"first_kept"`  // records before this one were deleted
	Before    Hash   `json:"hash_before"` // hash of the record before FirstKept
}

// Erasing says of which records the personal data was erased, without naming the person.
type Erasing struct {
	Author  string   `json:"author"`
	Reason  string   `json:"reason"`
	Records []uint64 `json:"records"` // sequence numbers
}

// bodyVersion is the version of the format that this package writes and reads.
const bodyVersion = 1

// body is what is chained in clear of a record. Exactly one of Call, Prune and Erase is set, as Kind
// says. Its JSON is stored as it was hashed and is never written again, so no canonical form is needed.
type body struct {
	Version int       `json:"v"`
	Kind    Kind      `json:"kind"`
	Run     string    `json:"run,omitempty"` // of a call: the run of the gateway that recorded it, 16 hex digits
	N       uint64    `json:"n,omitempty"`   // of a call: its number in the run, from 1
	Time    time.Time `json:"time"`
	Call    *Summary  `json:"call,omitempty"`
	Prune   *Pruning  `json:"prune,omitempty"`
	Erase   *Erasing  `json:"erase,omitempty"`
}

func readBody(text []byte) (*body, error) {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("unreadable: %w", err)
	}
	if b.Version != bodyVersion {
		return nil, fmt.Errorf("of format version %d, this program reads %d", b.Version, bodyVersion)
	}
	var whole bool
	switch b.Kind {
	case KindCall:
		whole = b.Call != nil && b.Run != "" && b.N != 0
	case KindPrune:
		whole = b.Prune != nil
	case KindErase:
		whole = b.Erase != nil
	}
	if !whole {
		return nil, fmt.Errorf("of kind %q without what belongs to it", b.Kind)
	}
	return &b, nil
}
