package audit

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kind says what a record of the log is about.
type Kind string

// The kinds.
const (
	KindCall  Kind = "call"  // a call attempt
	KindPrune Kind = "prune" // old records were deleted by retention
	KindErase Kind = "erase" // personal data was erased
)

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
