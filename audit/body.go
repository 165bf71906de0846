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
	Trunk     string        `json:"trunk"`
	Class     call.Class    `json:"class"`
	Treatment string        `json:"treatment"`
	Rule      string        `json:"rule"`
	Reason    call.Reason   `json:"reason"`
	Category  call.Category `json:"category,omitempty"`
	Score     int           `json:"score,omitempty"`
	Rules     string        `json:"rules"` // version of the rules
	Lists     string        `json:"lists"` // version of the lists
	Status    int           `json:"status"`
	By        call.Ender    `json:"by"`
	Elapsed   time.Duration `json:"elapsed"` // nanoseconds
	Reference string        `json:"reference"`

	// Of a call on the agent path, and empty for all others. The keys that were pressed are not here: they
	// may be somebody's account number.
	Announcement string        `json:"announcement,omitempty"` // the prompt played
	Language     string        `json:"language,omitempty"`     // of the prompt
	Choice       call.Choice   `json:"choice,omitempty"`
	Connected    time.Duration `json:"connected,omitempty"` // nanoseconds
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

// body is what is chained of a record. Exactly one of Call, Prune and Erase is set, as Kind says.
// Its JSON is stored as it was hashed and is never written again, so no canonical form is needed.
type body struct {
	Version int       `json:"v"`
	UID     string    `json:"uid"`
	Kind    Kind      `json:"kind"`
	Time    time.Time `json:"time"`
	Call    *Summary  `json:"call,omitempty"`
	Record  *Hash     `json:"record,omitempty"` // commitment to the erasable part of a call
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
		whole = b.Call != nil && b.Record != nil
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

// columns are the searchable columns of table records. They repeat what the body says.
type columns struct {
	uid       string
	kind      Kind
	time      int64
	trunk     string
	class     string
	treatment string
	rule      string
	reason    string
	status    int
	reference string
}

func (b *body) columns() columns {
	c := columns{uid: b.UID, kind: b.Kind, time: b.Time.UnixMicro()}
	if s := b.Call; s != nil {
		c.trunk, c.class = s.Trunk, s.Class.String()
		c.treatment, c.rule, c.reason = s.Treatment, s.Rule, string(s.Reason)
		c.status, c.reference = s.Status, s.Reference
	}
	return c
}

// entry is a call record on its way to the database.
type entry struct {
	uid    string
	record *call.Record
	data   []byte // the record as JSON
}

// maxData bounds the JSON of one record, in bytes. A SIP message of 64 KiB whose every byte is
// escaped stays below it.
const maxData = 1 << 20

func newEntry(uid string, r *call.Record) (entry, error) {
	r.Facts.Time = r.Facts.Time.UTC()
	data, err := json.Marshal(r)
	if err == nil && len(data) > maxData {
		err = fmt.Errorf("it has %d bytes, more than %d", len(data), maxData)
	}
	return entry{uid: uid, record: r, data: data}, err
}

func (e *entry) body(salt []byte) *body {
	r := e.record
	commitment := commit(salt, e.data)
	summary := &Summary{
		Trunk: r.Facts.Trunk, Class: r.Facts.Class,
		Treatment: r.Verdict.Treatment.Name(), Rule: r.Verdict.Rule, Reason: r.Verdict.Reason,
		Category: r.Verdict.Category, Score: r.Verdict.Score, Rules: r.Verdict.Rules, Lists: r.Verdict.Lists,
		Status: r.Outcome.Status, By: r.Outcome.By, Elapsed: r.Outcome.Elapsed, Reference: r.Reference,
	}
	if t := r.Treated; t != nil {
		summary.Announcement, summary.Language, summary.Choice, summary.Connected = t.Announcement, t.Language, t.Choice, t.Connected
	}
	return &body{
		Version: bodyVersion, UID: e.uid, Kind: KindCall, Time: r.Facts.Time, Record: &commitment, Call: summary,
	}
}

// keys are the searchable columns of table personal. They repeat what its data says.
type keys struct{ caller, called, callID string }

func keysOf(r *call.Record) keys {
	return keys{partyKey(&r.Facts.Caller), partyKey(&r.Facts.Called), r.Facts.CallID}
}

// partyKey is the number, or the text of a party that gave none. An anonymous party has the empty key.
func partyKey(p *call.Party) string {
	if p.Number.IsZero() {
		return p.Text
	}
	return p.Number.String()
}
