package treatment

import (
	"sync"
	"time"

	"ringfence/call"
)

// Origin is a caller as one trunk presents her. A number alone says little: whoever is let in by another trunk could
// claim it.
type Origin struct {
	Trunk  string
	Number call.Number
}

// Memory remembers callers for a while: those who passed a challenge. It is bounded: when it is
// full, the caller who was added first is forgotten. It may be used by several goroutines at once.
type Memory struct {
	mu    sync.Mutex
	until map[Origin]time.Time
	order []Origin // ring of the callers in until, in the order they were added
	next  int      // oldest in order, once it is full
}

// NewMemory makes a memory of at most size callers, at least one.
func NewMemory(size int) *Memory {
	size = max(size, 1)
	return &Memory{until: make(map[Origin]time.Time), order: make([]Origin, 0, size)}
}

// Add remembers a caller until then. One without a number is not remembered.
func (m *Memory) Add(o Origin, until time.Time) {
	if o.Number.IsZero() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.until[o]; !known {
		if len(m.order) < cap(m.order) {
			m.order = append(m.order, o)
		} else {
			delete(m.until, m.order[m.next])
			m.order[m.next] = o
			m.next = (m.next + 1) % len(m.order)
		}
	}
	m.until[o] = until
}

// Has reports whether a caller is remembered at this time.
func (m *Memory) Has(o Origin, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.until[o])
}
