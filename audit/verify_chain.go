package audit

import (
	"encoding/json"
	"fmt"

	"ringfence/call"
)

// row is a record with its erasable part, as the tables hold them.
type row struct {
	seq        int64
	columns    columns
	text, hash []byte
	salt, data []byte // nil when there is no personal row
	keys       keys
}

const selectRows = `SELECT r.seq, r.uid, r.kind, r.time, r.trunk, r.class, r.treatment, r.rule, r.reason, r.status,
	r.reference, r.body, r.hash, p.salt, p.data, ifnull(p.caller, ''), ifnull(p.called, ''), ifnull(p.call_id, '')
	FROM records r LEFT JOIN personal p ON p.seq = r.seq ORDER BY r.seq`

// progressStep is the number of records between two calls of progress.
const progressStep = 5000

// chain reads every record in order.
func (v *verification) chain() error {
	var total uint64
	if err := v.tx.QueryRowContext(v.ctx, `SELECT count(*) FROM records`).Scan(&total); err != nil {
		return err
	}
	rows, err := v.tx.QueryContext(v.ctx, selectRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		c, k := &r.columns, &r.keys
		err := rows.Scan(&r.seq, &c.uid, &c.kind, &c.time, &c.trunk, &c.class, &c.treatment, &c.rule, &c.reason, &c.status,
			&c.reference, &r.text, &r.hash, &r.salt, &r.data, &k.caller, &k.called, &k.callID)
		if err != nil {
			return err
		}
		v.record(&r)
		if v.report.Records++; v.report.Records%progressStep == 0 {
			v.progress(v.report.Records, total)
		}
	}
	v.progress(v.report.Records, total)
	return rows.Err()
}

func (v *verification) record(r *row) {
	if r.seq < int64(v.next) {
		v.report.found(0, "record %d should not be there: the log begins at %d", r.seq, v.next)
		return
	}
	seq := uint64(r.seq)
	follows := seq == v.next
	if !follows {
		v.report.found(v.next, "missing%s: what follows it cannot be linked to what comes before", upTo(v.next, seq-1))
	}
	v.next = seq + 1
	// The stored hash, right or wrong, is what the next record must follow, so that one altered
	// record is one finding.
	prev := v.last.Hash
	v.last = Head{Seq: seq}
	copy(v.last.Hash[:], r.hash)
	if follows && (len(r.hash) != len(Hash{}) || link(prev, seq, r.text) != v.last.Hash) {
		v.report.found(seq, "altered, or out of its place: its hash does not fit its content and predecessor")
	}
	if v.anchor != nil && v.anchor.Seq == seq {
		v.matched = true
		if v.anchor.Hash != v.last.Hash {
			v.report.found(seq, "its hash differs from the anchor: the log was rewritten")
		}
	}
	b, err := readBody(r.text)
	if err != nil {
		v.report.found(seq, "%v", err)
		return
	}
	for _, name := range b.columns().differ(r.columns) {
		v.report.found(seq, "column %s does not say what the record says", name)
	}
	if b.Erase != nil {
		for _, erased := range b.Erase.Records {
			v.erased[erased] = struct{}{}
		}
	}
	v.personal(seq, b, r)
}

// upTo writes the rest of a range for a finding.
func upTo(first, last uint64) string {
	if first == last {
		return ""
	}
	return fmt.Sprintf(" up to %d", last)
}

// personal checks the erasable part of a record.
func (v *verification) personal(seq uint64, b *body, r *row) {
	switch {
	case r.data == nil && b.Kind == KindCall:
		v.absent = append(v.absent, seq)
		return
	case r.data == nil:
		return
	case b.Kind != KindCall:
		v.report.found(seq, "it is no call, but has personal data")
		return
	}
	if commit(r.salt, r.data) != *b.Record {
		v.report.found(seq, "its personal data was altered")
		return
	}
	var record call.Record
	if err := json.Unmarshal(r.data, &record); err != nil {
		v.report.found(seq, "its personal data is unreadable: %v", err)
		return
	}
	for _, name := range keysOf(&record).differ(r.keys) {
		v.report.found(seq, "column %s does not say what the record says", name)
	}
}

// differ names the columns in which c and o differ.
func (c columns) differ(o columns) (names []string) {
	for _, column := range []struct {
		name string
		same bool
	}{
		{"uid", c.uid == o.uid},
		{"kind", c.kind == o.kind},
		{"time", c.time == o.time},
		{"trunk", c.trunk == o.trunk},
		{"class", c.class == o.class},
		{"treatment", c.treatment == o.treatment},
		{"rule", c.rule == o.rule},
		{"reason", c.reason == o.reason},
		{"status", c.status == o.status},
		{"reference", c.reference == o.reference},
	} {
		if !column.same {
			names = append(names, column.name)
		}
	}
	return names
}

// differ names the columns in which k and o differ.
func (k keys) differ(o keys) (names []string) {
	if k.caller != o.caller {
		names = append(names, "caller")
	}
	if k.called != o.called {
		names = append(names, "called")
	}
	if k.callID != o.callID {
		names = append(names, "call_id")
	}
	return names
}
