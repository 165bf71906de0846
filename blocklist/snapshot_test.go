package blocklist

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// FuzzDecodeSnapshot puts a right check sum behind the bytes, so that what stands behind the check
// sum is reached.
func FuzzDecodeSnapshot(f *testing.F) {
	small, err := encodeSnapshot(million(f, 3), "1-GEN/7-0")
	if err != nil {
		f.Fatal(err)
	}
	empty, err := encodeSnapshot(newIndex(0), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small[:len(small)-sha256.Size])
	f.Add(empty[:len(empty)-sha256.Size])
	f.Add([]byte(snapshotMark + "{}\n"))
	f.Add([]byte(snapshotMark + `{"exact":-1,"ranges":1}` + "\n0123456789abcdef"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := decodeSnapshot(data); err != nil && !errors.Is(err, errSnapshot) {
			t.Fatalf("%v does not wrap errSnapshot", err)
		}
		sum := sha256.Sum256(data)
		x, position, err := decodeSnapshot(append(bytes.Clone(data), sum[:]...))
		if err != nil {
			if !errors.Is(err, errSnapshot) {
				t.Fatalf("%v does not wrap errSnapshot", err)
			}
			return
		}
		again, err := encodeSnapshot(x, position)
		if err != nil {
			t.Fatal(err)
		}
		if y, p, err := decodeSnapshot(again); err != nil || p != position || y.sum != x.sum {
			t.Fatalf("an accepted snapshot is read differently when written again: %v", err)
		}
	})
}
