package audit

import (
	"crypto/rand"
	"encoding/hex"
)

// ids makes ids that are unique across restarts.
type ids struct {
	id    [uidDigits / 2]byte
	count uint64
}

func newIDs() (i ids) {
	rand.Read(i.id[:8]) // never fails
	return i
}

func (i *ids) next() string {
	i.count++
	for k := range 8 {
		i.id[15-k] = byte(i.count >> (8 * k))
	}
	return hex.EncodeToString(i.id[:])
}
