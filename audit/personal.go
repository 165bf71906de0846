package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"ringfence/call"
)

// personal is the erasable part of a call record: what its Summary does not say.
type personal struct {
	call.Facts                // without time, trunk and class
	From       *call.Party    `json:"from"` // nil when it is the caller
	Match      call.Match     `json:"match"`
	Failures   []call.Failure `json:"failures"`
}

// readRecord puts the call record together again that was stored as b and text.
func readRecord(b *body, text []byte) (*call.Record, error) {
	p, err := readPersonal(text)
	if err != nil {
		return nil, err
	}
	return p.record(b)
}

func readPersonal(text []byte) (*personal, error) {
	var p personal
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("unreadable in its personal data: %w", err)
	}
	return &p, nil
}

// record puts a call record together again.
func (p *personal) record(b *body) (*call.Record, error) {
	verdict, err := b.Call.verdict()
	if err != nil {
		return nil, fmt.Errorf("unreadable: %w", err)
	}
	verdict.Match, verdict.Failures = p.Match, p.Failures
	facts := p.Facts
	facts.Time, facts.Trunk, facts.Class = b.Time, b.Call.Trunk, b.Call.Class
	facts.From = facts.Caller
	if p.From != nil {
		facts.From = *p.From
	}
	return &call.Record{Reference: b.Call.Reference, Facts: facts, Verdict: verdict, Outcome: b.Call.Outcome}, nil
}

// commit is what the chain holds of the erasable part of a record, which carries a salt. Once the
// part is deleted it says nothing.
func commit(text []byte) Hash { return sha256.Sum256(text) }

// commitment is what the chain holds of column personal, and whether that was erased.
func commitment(column []byte) (h Hash, erased bool, err error) {
	if len(column) != hex.EncodedLen(len(h)) || column[0] == '{' {
		return commit(column), false, nil
	}
	return h, true, h.UnmarshalText(column)
}
