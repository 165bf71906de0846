package audit

// blockSize is the number of records whose keys share a row of table keys. The row of a whole block
// takes most of a page of 4 KiB; a smaller one is written again less often when batches are small.
const blockSize = 100

// block is a row of table keys: the keys of the records from blockSize*id on, one after the other.
type block struct {
	id   uint64
	keys []byte
}

// at is the i-th key.
func (b *block) at(i int) key { return readKey(b.keys[i*keySize:]) }

// len is the number of keys.
func (b *block) len() int { return len(b.keys) / keySize }

// set makes k the i-th key. Keys that are missing before it become those of no record.
func (b *block) set(i int, k key) {
	for b.len() <= i {
		b.keys = append(b.keys, make([]byte, keySize)...)
	}
	k.append(b.keys[:i*keySize])
}

// times returns the earliest and the latest time in b.
func (b *block) times() (first, last uint32) {
	for i := range b.len() {
		at := b.at(i).time
		if at == 0 {
			continue
		}
		if first == 0 || at < first {
			first = at
		}
		last = max(last, at)
	}
	return first, last
}

// place is the block of a record, and its place there.
func place(seq uint64) (id uint64, i int) { return seq / blockSize, int(seq % blockSize) }
