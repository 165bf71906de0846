package audit

import "fmt"

// progressStep is the number of records between two calls of progress.
const progressStep = 5000

// chain reads every record in order.
func (v *verification) chain() error {
	var total uint64
	if err := v.tx.QueryRowContext(v.ctx, `SELECT count(*) FROM records`).Scan(&total); err != nil {
		return err
	}
	rows, err := v.tx.QueryContext(v.ctx, `SELECT seq, body, hash, personal FROM records ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var r row
		if err := rows.Scan(&seq, &r.body, &r.hash, &r.personal); err != nil {
			return err
		}
		if v.report.Records++; v.report.Records%progressStep == 0 {
			v.progress(v.report.Records, total)
		}
		if seq < int64(v.next) {
			v.report.found(0, "record %d should not be there: the log begins at %d", seq, v.next)
			continue
		}
		r.seq = uint64(seq)
		if err := v.record(&r); err != nil {
			return err
		}
	}
	v.progress(v.report.Records, total)
	if err := rows.Err(); err != nil {
		return err
	}
	return v.lastKeys()
}

func (v *verification) record(r *row) error {
	follows := r.seq == v.next
	if !follows {
		v.report.found(v.next, "missing%s: what follows it cannot be linked to what comes before", upTo(v.next, r.seq-1))
	}
	v.next = r.seq + 1
	c, erased, err := commitment(r.personal)
	if err != nil {
		v.report.found(r.seq, "its personal data was altered: %v", err)
	}
	// The stored hash, right or wrong, is what the next record must follow, so that one altered
	// record is one finding.
	prev := v.last.Hash
	v.last = Head{Seq: r.seq}
	copy(v.last.Hash[:], r.hash)
	if follows && err == nil && (len(r.hash) != len(Hash{}) || v.linker.link(prev, r.seq, c, string(r.body)) != v.last.Hash) {
		v.report.found(r.seq, "altered, or out of its place: its hash does not fit its content and predecessor")
	}
	if v.anchor != nil && v.anchor.Seq == r.seq {
		v.matched = true
		if v.anchor.Hash != v.last.Hash {
			v.report.found(r.seq, "its hash differs from the anchor: the log was rewritten")
		}
	}
	k, known := v.content(r, erased)
	return v.checkKey(r.seq, k, known)
}

// upTo writes the rest of a range for a finding.
func upTo(first, last uint64) string {
	if first == last {
		return ""
	}
	return fmt.Sprintf(" up to %d", last)
}

// content reads what a record says. It returns the key of the record, unless that is not known.
func (v *verification) content(r *row, erased bool) (k key, known bool) {
	b, err := readBody(r.body)
	if err != nil {
		v.report.found(r.seq, "%v", err)
		return k, false
	}
	if before, known := v.heads[b.Run]; known && b.Kind == KindCall && b.N != before.n+1 {
		v.report.found(r.seq, "it is number %d of run %s, and the one before is %d: records between them never came here, or were removed",
			b.N, b.Run, before.n)
	}
	v.heads[b.Run] = head{b.N, v.last}
	if b.Kind != KindCall {
		if len(r.personal) != 0 {
			v.report.found(r.seq, "it is no call, but has personal data")
		}
		if b.Erase != nil {
			for _, seq := range b.Erase.Records {
				v.erased[seq] = struct{}{}
			}
		}
		return key{time: seconds(b.Time)}, true
	}
	if erased {
		v.absent = append(v.absent, r.seq)
		return newKey(b.Time, b.Call, nil), true
	}
	p, err := readPersonal(r.personal)
	if err != nil {
		v.report.found(r.seq, "%v", err)
		return k, false
	}
	return newKey(b.Time, b.Call, &p.Facts), true
}
