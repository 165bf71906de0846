package audit

import (
	"encoding/json"
	"time"
)

// addCalls adds the entries that are not in the database yet, and counts them. One replayed after a
// crash may be: records of a run are stored in the order of their numbers.
func (x *extension) addCalls(entries []entry) (n int, err error) {
	for i := range entries {
		e := &entries[i]
		stored, err := x.stored(e.run)
		if err != nil {
			return n, err
		}
		if e.n <= stored {
			continue
		}
		if err := x.add(e); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// stored is the number of the run's last record in the database.
func (x *extension) stored(run string) (uint64, error) {
	h, known := x.runs[run]
	if !known {
		if _, err := x.get(x.stmt.run, []any{run}, &h.n); err != nil {
			return 0, err
		}
		x.runs[run] = h
	}
	return h.n, nil
}

// addNote adds a record about the log itself.
func (x *extension) addNote(b body) error {
	b.Version, b.Time = bodyVersion, time.Now().UTC()
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return x.add(&entry{body: string(text), commitment: commit(nil), key: key{time: seconds(b.Time)}})
}

// rowValues is the number of values of a row of table records.
const rowValues = 4

// add chains e.
func (x *extension) add(e *entry) error {
	seq := x.head.Seq + 1
	hash := x.linker.link(x.head.Hash, seq, e.commitment, e.body)
	x.head = Head{seq, hash}
	x.runs[e.run] = head{e.n, x.head}
	id, i := place(seq)
	if err := x.open(id); err != nil {
		return err
	}
	x.block.set(i, e.key)
	x.rows = append(x.rows, int64(seq), e.body, hash[:], e.personal)
	return nil
}

// open makes x.block the block of keys with this id, and writes the one before.
func (x *extension) open(id uint64) error {
	if x.block != nil && x.block.id == id {
		return nil
	}
	if err := x.putBlock(); err != nil {
		return err
	}
	x.block = &block{id: id}
	_, err := x.get(x.stmt.block, []any{int64(id)}, &x.block.keys)
	return err
}

func (x *extension) putBlock() error {
	if x.block == nil || x.block.len() == 0 {
		return nil
	}
	first, last := x.block.times()
	return x.exec(x.stmt.putBlock, int64(x.block.id), int64(first), int64(last), x.block.keys)
}

// flush writes what is left when all was added.
func (x *extension) flush() error {
	for i, n := range rowsAtOnce {
		for n *= rowValues; len(x.rows) >= n; x.rows = x.rows[n:] {
			if err := x.exec(x.stmt.insert[i], x.rows[:n]...); err != nil {
				return err
			}
		}
	}
	for run, h := range x.runs {
		if h.Seq == 0 { // only asked for
			continue
		}
		if err := x.exec(x.stmt.putRun, run, int64(h.n), int64(h.Seq), h.Hash[:]); err != nil {
			return err
		}
	}
	return x.putBlock()
}
