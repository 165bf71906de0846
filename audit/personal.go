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
	Salt       string         `json:"salt"`
	call.Facts                // without time, trunk and class
	From       *call.Party    `json:"from"` // nil when it is the caller
	Match      call.Match     `json:"match,omitzero"`
	Failures   []call.Failure `json:"failures"`
	Treated    *call.Treated  `json:"treated"` // without announcement, language, choice and connected
}

func readPersonal(text []byte) (*personal, error) {
	var p personal
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("unreadable in its personal data: %w", err)
	}
	return &p, nil
}

// record puts the call record together again that was stored as b and p.
func (p *personal) record(b *body) (*call.Record, error) {
	s := b.Call
	r, err := s.record()
	if err != nil {
		return nil, fmt.Errorf("unreadable: %w", err)
	}
	r.Verdict.Match, r.Verdict.Failures = p.Match, p.Failures
	f := p.Facts
	f.Time, f.Trunk, f.Class, f.From = b.Time, s.Trunk, s.Class, p.Facts.Caller
	if p.From != nil {
		f.From = *p.From
	}
	r.Facts = f
	if t := p.Treated; t != nil {
		t.Announcement, t.Language, t.Choice, t.Connected = s.Announcement, s.Language, s.Choice, s.Connected
		r.Treated = t
	}
	return r, nil
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
