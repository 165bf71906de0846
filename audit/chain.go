package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Hash is a SHA-256 of the chain.
type Hash [sha256.Size]byte

// String writes h as 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes h as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(h) {
		return fmt.Errorf("%.80q is not a hash: write %d hex digits", text, 2*len(h))
	}
	copy(h[:], b)
	return nil
}

// Head is the end of the chain at some moment: the last sequence number and its hash. The head of an
// empty log is the zero Head. Kept outside the database it is an anchor: later verification against
// it finds even a log that was rewritten as a whole.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash Hash   `json:"hash"`
}

// String writes h as ParseHead reads it: SEQ:HASH.
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash.String() }

// ParseHead reads SEQ:HASH, as it stands in the gateway's log.
func ParseHead(text string) (h Head, err error) {
	seq, hash, ok := strings.Cut(text, ":")
	if h.Seq, err = strconv.ParseUint(seq, 10, 63); !ok || err != nil {
		return Head{}, fmt.Errorf("%.100q is not a head: write SEQ:HASH as the gateway logged it", text)
	}
	return h, h.Hash.UnmarshalText([]byte(hash))
}

// linker computes the hashes of the chain. It keeps its memory.
type linker struct{ buf []byte }

// link is the hash of the record with this sequence number, commitment and body, whose predecessor's
// hash is prev.
func (l *linker) link(prev Hash, seq uint64, commitment Hash, body string) Hash {
	b := append(l.buf[:0], prev[:]...)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, commitment[:]...)
	l.buf = append(b, body...)
	return sha256.Sum256(l.buf)
}
