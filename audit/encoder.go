package audit

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"ringfence/call"
)

// entry is a call record on its way to the database: what will be stored of it.
type entry struct {
	run        string // see body
	n          uint64
	body       string // JSON
	personal   string // JSON
	commitment Hash   // to personal
	key        key
}

// encoder makes the entries of one run of the gateway.
type encoder struct {
	run   string
	n     uint64
	salts []byte // random bytes not yet used
	buf   []byte // of the record before, for its memory
}

const (
	runSize  = 8  // bytes; runs of one database are few
	saltSize = 16 // bytes; guessing a salt is hopeless even where few numbers are possible

	saltBlock = 256 * saltSize // bytes of randomness read at once
)

func newEncoder() *encoder {
	var run [runSize]byte
	rand.Read(run[:]) // never fails
	return &encoder{run: hex.EncodeToString(run[:])}
}

// maxData bounds the JSON of one record, in bytes. A SIP message of 64 KiB whose every byte is
// escaped stays below it.
const maxData = 1 << 20

// entry encodes r, which becomes the next record of the run.
func (c *encoder) entry(r *call.Record) (entry, error) {
	s, err := summarize(r)
	if err != nil {
		return entry{}, err
	}
	at := r.Facts.Time.UTC()
	b, err := appendBody(c.buf[:0], c.run, c.n+1, at, &s)
	if err != nil {
		return entry{}, err
	}
	middle := len(b)
	if b, err = appendPersonal(b, c.salt(), r); err != nil {
		return entry{}, err
	}
	if c.buf = b; len(b) > maxData {
		return entry{}, fmt.Errorf("it has %d bytes, more than %d", len(b), maxData)
	}
	c.n++
	text := string(b)
	return entry{
		run: c.run, n: c.n, body: text[:middle], personal: text[middle:],
		commitment: commit(b[middle:]), key: newKey(at, &s, &r.Facts),
	}, nil
}

func (c *encoder) salt() string {
	if len(c.salts) == 0 {
		c.salts = make([]byte, saltBlock)
		rand.Read(c.salts) // never fails
	}
	salt := hex.EncodeToString(c.salts[:saltSize])
	c.salts = c.salts[saltSize:]
	return salt
}
