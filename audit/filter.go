package audit

import (
	"strings"
	"time"
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

// query is the statement that reads the next size records, and its arguments. after is the cursor of
// a scan that goes upwards.
func (f *Filter) query(after uint64, size int) (string, []any) {
	where, args := f.where(after)
	order := " ORDER BY r.seq DESC"
	if f.OldestFirst {
		order = " ORDER BY r.seq"
	}
	return `SELECT r.seq, r.body, r.hash, p.data FROM records r LEFT JOIN personal p ON p.seq = r.seq` +
		where + order + ` LIMIT ?`, append(args, size)
}

// where is the condition for f in SQL, over records r and personal p, and its arguments.
func (f *Filter) where(after uint64) (string, []any) {
	var terms []string
	var args []any
	add := func(term string, values ...any) {
		terms = append(terms, term)
		args = append(args, values...)
	}
	equal := func(column, value string) {
		if value != "" {
			add(column+" = ?", value)
		}
	}
	party := func(column, value string) {
		prefix, ok := strings.CutSuffix(value, "*")
		if !ok {
			equal(column, value)
			return
		}
		add(column+" >= ? AND "+column+" < ?", prefix, prefix+"\U0010FFFF")
	}
	if !f.Notes {
		add("r.kind = ?", string(KindCall))
	}
	if !f.From.IsZero() {
		add("r.time >= ?", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		add("r.time < ?", f.To.UnixMicro())
	}
	party("p.caller", f.Caller)
	party("p.called", f.Called)
	equal("p.call_id", f.CallID)
	equal("r.trunk", f.Trunk)
	equal("r.treatment", f.Treatment)
	equal("r.rule", f.Rule)
	equal("r.reason", f.Reason)
	equal("r.reference", f.Reference)
	if f.Status != 0 {
		add("r.status = ?", f.Status)
	}
	if f.Before != 0 {
		add("r.seq < ?", int64(f.Before))
	}
	if after != 0 {
		add("r.seq > ?", int64(after))
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(terms, " AND "), args
}
