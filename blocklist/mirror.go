package blocklist

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/call"
)

// Mirror is the whole list in the memory of this node: the call.Lists that screening reads. It is
// fed by Run. Look-ups are lock-free, allocate nothing, and never wait for the store.
type Mirror struct {
	store    Store
	snapshot string
	every    time.Duration
	log      *slog.Logger

	index   atomic.Pointer[index]
	version atomic.Pointer[string]
	start   Position      // of the snapshot read
	ready   chan struct{} // closed once in step with the store
	again   chan struct{} // a full load is asked for

	mu    sync.Mutex
	state State
}

// MirrorOptions are the settings of a Mirror.
type MirrorOptions struct {
	// Snapshot is the file in which the list is kept for the next start; empty keeps none.
	Snapshot string
	// SnapshotEvery is the least time between two snapshots; 0 is 30 seconds.
	SnapshotEvery time.Duration
	// Log takes what the operator should know; nil is slog.Default.
	Log *slog.Logger
}

// State is the health of a Mirror, for readiness, metrics and the console.
type State struct {
	Allow int `json:"allow"` // entries on each list, expired ones included
	Block int `json:"block"`
	Watch int `json:"watch"`
	Bytes int `json:"bytes"` // memory of the list

	Connected bool      `json:"connected"`            // the store answered when last asked
	Synced    time.Time `json:"synced,omitzero"`      // when the list was last known to be the store's
	Error     string    `json:"error,omitempty"`      // why the list is not the store's, or is old; empty if it is not
	Resyncs   uint64    `json:"resyncs"`              // full loads
	Changes   uint64    `json:"changes"`              // changes followed one by one
	Failures  uint64    `json:"failures"`             // times the store did not answer, or with something unusable
	Snapshot  time.Time `json:"snapshot,omitzero"`    // when the list was last written to disk, or read from it
	DiskError string    `json:"disk_error,omitempty"` // why the snapshot could not be read or written
}

// Entries is the number of entries on all lists.
func (s *State) Entries() int { return s.Allow + s.Block + s.Watch }

// NewMirror returns a mirror of the store. It holds what the snapshot of an earlier run holds; a
// snapshot that cannot be read is reported in State and in the log, and otherwise ignored.
func NewMirror(store Store, o MirrorOptions) *Mirror {
	m := &Mirror{
		store: store, snapshot: o.Snapshot, every: o.SnapshotEvery, log: o.Log,
		ready: make(chan struct{}), again: make(chan struct{}, 1),
	}
	if m.every == 0 {
		m.every = 30 * time.Second
	}
	if m.log == nil {
		m.log = slog.Default()
	}
	m.publish(newIndex(0))
	m.start = (&disk{m: m}).read()
	return m
}

// Lookup implements call.Lists.
func (m *Mirror) Lookup(n call.Number, at time.Time) call.Listings {
	return m.index.Load().lookup(n, at)
}

// Version implements call.Lists: 16 hexadecimal digits that depend on the entries alone, so that
// nodes with the same list have the same version. Who entered an entry, when and why is not part
// of it, since decisions do not depend on that.
func (m *Mirror) Version() string { return *m.version.Load() }

// State returns the mirror's health.
func (m *Mirror) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Ready is closed once the mirror has been in step with its store.
func (m *Mirror) Ready() <-chan struct{} { return m.ready }

// Resync asks Run to load the whole list again.
func (m *Mirror) Resync() {
	select {
	case m.again <- struct{}{}:
	default: // asked for already
	}
}

// publish makes x, which may be the present index after a change, the list that calls read.
func (m *Mirror) publish(x *index) {
	version := fmt.Sprintf("%016x", x.sum)
	m.index.Store(x)
	m.version.Store(&version)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Allow, m.state.Block, m.state.Watch = x.lists[call.ListAllow], x.lists[call.ListBlock], x.lists[call.ListWatch]
	m.state.Bytes = x.bytes()
}

// update changes the state under its lock.
func (m *Mirror) update(change func(*State)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.state)
}
