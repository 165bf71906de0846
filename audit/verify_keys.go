package audit

import (
	"database/sql"
	"errors"
)

// keyCheck compares the keys of one block after the other with the records.
type keyCheck struct {
	block    block           // as it should be
	unknown  map[uint64]bool // records of it that cannot be read
	compared int             // blocks
}

// checkKey notes the key that a record must have.
func (v *verification) checkKey(seq uint64, k key, known bool) error {
	c := &v.keys
	id, i := place(seq)
	if c.block.id != id {
		if err := v.compareKeys(); err != nil {
			return err
		}
		*c = keyCheck{block: block{id: id}, compared: c.compared}
	}
	c.block.set(i, k)
	if !known {
		if c.unknown == nil {
			c.unknown = make(map[uint64]bool)
		}
		c.unknown[seq] = true
	}
	return nil
}

// lastKeys compares the last block, and finds those that belong to no record.
func (v *verification) lastKeys() error {
	if err := v.compareKeys(); err != nil {
		return err
	}
	var stored int
	if err := v.tx.QueryRowContext(v.ctx, `SELECT count(*) FROM keys`).Scan(&stored); err != nil {
		return err
	}
	if n := stored - v.keys.compared; n != 0 {
		v.report.found(0, "there are %d rows of search keys that belong to no record", n)
	}
	return nil
}

// compareKeys compares the block that was noted with the stored one.
func (v *verification) compareKeys() error {
	want := &v.keys.block
	if want.len() == 0 {
		return nil
	}
	has := block{id: want.id}
	var first, last int64
	err := v.tx.QueryRowContext(v.ctx, `SELECT first, last, keys FROM keys WHERE block = ?`, int64(want.id)).Scan(&first, &last, &has.keys)
	begin := want.id * blockSize
	if errors.Is(err, sql.ErrNoRows) {
		v.report.found(0, "the search keys of the records from %d on are missing", begin)
		return nil
	}
	if err != nil {
		return err
	}
	v.keys.compared++
	if f, l := has.times(); first != int64(f) || last != int64(l) {
		v.report.found(0, "the times of the search keys of the records from %d on are wrong", begin)
	}
	if len(has.keys)%keySize != 0 {
		v.report.found(0, "the search keys of the records from %d on are not whole", begin)
	}
	for i := range max(want.len(), has.len()) {
		seq := begin + uint64(i)
		if v.keys.unknown[seq] {
			continue
		}
		var w, h key
		if i < want.len() {
			w = want.at(i)
		}
		if i < has.len() {
			h = has.at(i)
		}
		switch {
		case w == (key{}) && h != w:
			v.report.found(0, "there is a search key of record %d, which does not exist", seq)
		case h == (key{}) && h != w:
			v.report.found(seq, "its search key is missing")
		default:
			for _, name := range h.differ(w) {
				v.report.found(seq, "its search key for %s does not say what the record says", name)
			}
		}
	}
	return nil
}
