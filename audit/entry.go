package audit

import (
	"errors"
	"fmt"
	"time"

	"ringfence/call"
)

// Entry is a record of the log as a reader sees it.
type Entry struct {
	Seq    uint64       `json:"seq"`
	Kind   Kind         `json:"kind"`
	Time   time.Time    `json:"time"` // of a call: when the INVITE arrived; UTC
	Hash   Hash         `json:"hash"`
	Call   *Summary     `json:"call,omitempty"`   // of a call
	Record *call.Record `json:"record,omitempty"` // of a call whose personal data was not erased
	Erased bool         `json:"erased,omitempty"` // the personal data of this call was erased
	Prune  *Pruning     `json:"prune,omitempty"`
	Erase  *Erasing     `json:"erase,omitempty"`
}

// Caller is the number, or the text, that a call claims to come from; empty when anonymous or erased.
func (e *Entry) Caller() string {
	if e.Record == nil {
		return ""
	}
	return partyText(&e.Record.Facts.Caller)
}

// Called is the number, or the text, that was called; empty when erased.
func (e *Entry) Called() string {
	if e.Record == nil {
		return ""
	}
	return partyText(&e.Record.Facts.Called)
}

// partyText is the number, or the text of a party that gave none.
func partyText(p *call.Party) string {
	if p.Number.IsZero() {
		return p.Text
	}
	return p.Number.String()
}

// masked is what stands for a text that --mask hides.
const masked = "(masked)"

// Masked returns a copy of e in which numbers are masked and texts that may name a person are gone.
func (e *Entry) Masked() Entry {
	m := *e
	if e.Record == nil {
		return m
	}
	r := *e.Record
	m.Record = &r
	f := &r.Facts
	for _, p := range []*call.Party{&f.Caller, &f.From, &f.Asserted, &f.Called, &f.Diverted} {
		maskParty(p)
	}
	for _, text := range []*string{&f.CallID, &f.RawFrom, &f.RawAsserted, &f.RawIdentity} {
		maskText(text)
	}
	r.Verdict.Match = call.Match{}
	r.Verdict.Failures = append([]call.Failure(nil), r.Verdict.Failures...)
	for i := range r.Verdict.Failures {
		maskText(&r.Verdict.Failures[i].Error)
	}
	if r.Treated != nil {
		treated := *r.Treated
		r.Treated = &treated
		maskText(&treated.CalledKeys)
		maskText(&treated.CallerKeys)
	}
	return m
}

func maskParty(p *call.Party) {
	maskText(&p.Display)
	if p.Number.IsZero() {
		maskText(&p.Text)
		return
	}
	p.Text, p.Number = p.Number.Masked(), 0
}

func maskText(text *string) {
	if *text != "" {
		*text = masked
	}
}

// row is a record as table records holds it.
type row struct {
	seq                  uint64
	body, hash, personal []byte
}

// entry reads what r says.
func (r *row) entry() (Entry, error) {
	e := Entry{Seq: r.seq}
	b, err := readBody(r.body)
	if err == nil && len(r.hash) != len(e.Hash) {
		err = errors.New("without a whole hash")
	}
	if err != nil {
		return e, unreadable(r.seq, err)
	}
	copy(e.Hash[:], r.hash)
	e.Kind, e.Time, e.Call, e.Prune, e.Erase = b.Kind, b.Time, b.Call, b.Prune, b.Erase
	if b.Kind != KindCall {
		return e, nil
	}
	if _, e.Erased, err = commitment(r.personal); err == nil && !e.Erased {
		var p *personal
		if p, err = readPersonal(r.personal); err == nil {
			e.Record, err = p.record(b)
		}
	}
	if err != nil {
		return e, unreadable(r.seq, err)
	}
	return e, nil
}

func unreadable(seq uint64, err error) error {
	return fmt.Errorf("record %d is %w: run \"ringfence calls verify\"", seq, err)
}
