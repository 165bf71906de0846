package blocklist

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"ringfence/call"
)

// A snapshot is a line that names the format, a line of JSON (snapshotHead), then for each entry
// the number and the packed listing in 8 bytes each, little-endian, and at the end the SHA-256 of
// all before it.
const (
	snapshotMark    = "ringfence-mirror 1\n"
	maxSnapshotHead = 4096    // bytes
	maxSnapshot     = 1 << 30 // bytes
	pairSize        = 16      // bytes
)

type snapshotHead struct {
	Position   Position        `json:"position"`
	Categories []call.Category `json:"categories"` // by their index in packed listings
	Exact      int             `json:"exact"`      // entries that are one number; they come first
	Ranges     int             `json:"ranges"`
}

// encodeSnapshot writes the list as it is at a position of its store.
func encodeSnapshot(x *index, position Position) ([]byte, error) {
	exact, ranges := x.exact.current.Load(), x.ranges.current.Load()
	head, err := json.Marshal(snapshotHead{position, categories, exact.live, ranges.live})
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, len(snapshotMark)+len(head)+1+pairSize*x.size()+sha256.Size)
	data = append(append(append(data, snapshotMark...), head...), '\n')
	put := func(number, value uint64) {
		data = binary.LittleEndian.AppendUint64(data, number)
		data = binary.LittleEndian.AppendUint64(data, value)
	}
	exact.each(put)
	ranges.each(put)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...), nil
}

// errSnapshot is wrapped by every error of decodeSnapshot.
var errSnapshot = errors.New("the snapshot of the lists is damaged")

// decodeSnapshot reads what encodeSnapshot wrote, and nothing else.
func decodeSnapshot(data []byte) (*index, Position, error) {
	body, ok := bytes.CutPrefix(data, []byte(snapshotMark))
	if !ok {
		return nil, "", fmt.Errorf("%w: it does not begin with %q", errSnapshot, snapshotMark)
	}
	if len(body) < sha256.Size {
		return nil, "", fmt.Errorf("%w: it was cut short", errSnapshot)
	}
	end := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, "", fmt.Errorf("%w: its check sum is wrong", errSnapshot)
	}
	body = body[:len(body)-sha256.Size]
	line, _, found := bytes.Cut(body[:min(len(body), maxSnapshotHead)], []byte("\n"))
	if !found {
		return nil, "", fmt.Errorf("%w: its head has no end", errSnapshot)
	}
	pairs := body[len(line)+1:]
	var head snapshotHead
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, "", fmt.Errorf("%w: head: %w", errSnapshot, err)
	}
	if !slices.Equal(head.Categories, categories) {
		return nil, "", fmt.Errorf("%w: it was written with other categories", errSnapshot)
	}
	total := len(pairs) / pairSize
	if len(pairs)%pairSize != 0 || head.Exact < 0 || head.Exact > total || head.Ranges != total-head.Exact {
		return nil, "", fmt.Errorf("%w: %d bytes are not the %d entries it announces", errSnapshot, len(pairs), head.Exact+head.Ranges)
	}
	x := newIndex(head.Exact)
	for i := range total {
		p := call.Pattern{Number: call.Number(binary.LittleEndian.Uint64(pairs[i*pairSize:])), Range: i >= head.Exact}
		value := binary.LittleEndian.Uint64(pairs[i*pairSize+8:])
		if !validPair(p.Number, value) {
			return nil, "", fmt.Errorf("%w: entry %d is none", errSnapshot, i+1)
		}
		x.put(p, value)
	}
	return x, head.Position, nil
}

// validPair reports whether n is a number as package call makes them, and value a listing.
func validPair(n call.Number, value uint64) bool {
	remade, err := call.ParseNumber(n.String())
	return err == nil && remade == n && value&live != 0 &&
		listOf(value) <= call.ListWatch && sourceOf(value) <= call.SourceFeed &&
		value>>categoryShift&0xff < uint64(len(categories)) && value>>scoreShift&0xff <= MaxScore &&
		value&^(live|identity|0xffff<<scoreShift|0xffffffff) == 0
}

// disk keeps the snapshot of a mirror.
type disk struct {
	m     *Mirror
	dirty bool      // the list on disk is not the present one
	last  time.Time // when writing last began
	busy  chan error
}

// read gives the mirror the list of the snapshot and returns its position, empty if there is none.
func (d *disk) read() Position {
	if d.m.snapshot == "" {
		return ""
	}
	data, written, err := readSnapshotFile(d.m.snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var x *index
	var position Position
	if err == nil {
		x, position, err = decodeSnapshot(data)
	}
	if err != nil {
		d.failed(fmt.Errorf("%s: %w (it is ignored; the list is loaded from its store)", d.m.snapshot, err))
		return ""
	}
	d.m.publish(x)
	d.m.update(func(s *State) { s.Snapshot = written.UTC() })
	d.m.log.Info("lists read from disk", "entries", x.size(), "version", d.m.Version(), "written", written.UTC())
	return position
}

func readSnapshotFile(path string) (data []byte, written time.Time, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, written, err
	}
	if info.Size() > maxSnapshot {
		return nil, written, fmt.Errorf("%w: %d bytes are too many", errSnapshot, info.Size())
	}
	data, err = os.ReadFile(path)
	return data, info.ModTime(), err
}

// writeIfDue begins to write the list if it has changed and the last writing was long enough ago.
// Writing goes on beside Run, so that a slow disk delays no change.
func (d *disk) writeIfDue(position Position) {
	if d.busy != nil {
		select {
		case err := <-d.busy:
			d.done(err)
		default:
			return
		}
	}
	if d.dirty && time.Since(d.last) >= d.m.every {
		d.begin(position)
	}
}

// finish waits for a writing that goes on, and writes what is not written.
func (d *disk) finish(position Position) {
	if d.busy != nil {
		d.done(<-d.busy)
	}
	if d.dirty {
		d.begin(position)
	}
	if d.busy != nil {
		d.done(<-d.busy)
	}
}

func (d *disk) begin(position Position) {
	if d.m.snapshot == "" {
		return
	}
	d.dirty, d.last = false, time.Now()
	data, err := encodeSnapshot(d.m.index.Load(), position)
	d.busy = make(chan error, 1)
	if err != nil {
		d.busy <- err
		return
	}
	go func(busy chan<- error) {
		busy <- replaceFile(d.m.snapshot, 0o600, func(f *os.File) error {
			_, err := f.Write(data)
			return err
		})
	}(d.busy)
}

func (d *disk) done(err error) {
	d.busy = nil
	if err != nil {
		d.dirty = true
		d.failed(err)
		return
	}
	d.m.update(func(s *State) { s.Snapshot, s.DiskError = time.Now().UTC(), "" })
}

func (d *disk) failed(err error) {
	d.m.log.Warn("the copy of the lists on disk", "error", err)
	d.m.update(func(s *State) { s.DiskError = err.Error() })
}
