package audit

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"time"
)

// addCalls adds the entries that are not in the database yet, and counts them.
func (x *extension) addCalls(entries []entry) (n int, err error) {
	salts := make([]byte, saltSize*len(entries))
	rand.Read(salts) // never fails
	for i := range entries {
		e, salt := &entries[i], salts[saltSize*i:saltSize*(i+1)]
		added, err := x.add(e.body(salt))
		if err != nil {
			return n, err
		}
		if !added {
			continue
		}
		n++
		k := keysOf(e.record)
		_, err = x.stmt.personal.ExecContext(x.ctx, int64(x.head.Seq), salt, string(e.data), k.caller, k.called, k.callID)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// addNote adds a record about the log itself.
func (x *extension) addNote(b body) error {
	var uid [uidDigits / 2]byte
	rand.Read(uid[:]) // never fails
	b.Version, b.UID, b.Time = bodyVersion, hex.EncodeToString(uid[:]), time.Now().UTC()
	_, err := x.add(&b)
	return err
}

// add chains b, unless a record with its uid is there.
func (x *extension) add(b *body) (added bool, err error) {
	text, err := json.Marshal(b)
	if err != nil {
		return false, err
	}
	seq := x.head.Seq + 1
	hash := link(x.head.Hash, seq, text)
	c := b.columns()
	result, err := x.stmt.record.ExecContext(x.ctx, int64(seq), c.uid, string(c.kind), c.time, c.trunk, c.class,
		c.treatment, c.rule, c.reason, c.status, c.reference, string(text), hash[:])
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	x.head = Head{seq, hash}
	return true, nil
}
