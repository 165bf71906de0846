package audit

import (
	"encoding/json"
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
	return partyKey(&e.Record.Facts.Caller)
}

// Called is the number, or the text, that was called; empty when erased.
func (e *Entry) Called() string {
	if e.Record == nil {
		return ""
	}
	return partyKey(&e.Record.Facts.Called)
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

// readEntry makes an Entry of what the tables hold. data is nil when there is no personal row.
func readEntry(seq uint64, text, hash, data []byte) (Entry, error) {
	e := Entry{Seq: seq}
	b, err := readBody(text)
	if err == nil && len(hash) != len(e.Hash) {
		err = errors.New("without a whole hash")
	}
	if err != nil {
		return e, unreadable(seq, err)
	}
	copy(e.Hash[:], hash)
	e.Kind, e.Time, e.Call, e.Prune, e.Erase = b.Kind, b.Time, b.Call, b.Prune, b.Erase
	if b.Kind != KindCall {
		return e, nil
	}
	if data == nil {
		e.Erased = true
		return e, nil
	}
	e.Record = new(call.Record)
	if err := json.Unmarshal(data, e.Record); err != nil {
		return e, unreadable(seq, err)
	}
	return e, nil
}

func unreadable(seq uint64, err error) error {
	return fmt.Errorf("record %d is %w: run \"ringfence calls verify\"", seq, err)
}
