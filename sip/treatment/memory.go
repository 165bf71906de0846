package treatment

import (
	"sync"
	"time"

	"ringfence/call"
)

// Memory remembers numbers for a while: callers who passed a challenge. It is bounded: when it is
// full, the number that was added first is forgotten. It may be used by several goroutines at once.
type Memory struct {
	mu    sync.Mutex
	until map[call.Number]time.Time
	order []call.Number // ring of the numbers in until, in the order they were added
	next  int           // oldest in order, once it is full
}

// NewMemory makes a memory of at most size numbers, at least one.
func NewMemory(size int) *Memory {
	size = max(size, 1)
	return &Memory{until: make(map[call.Number]time.Time), order: make([]call.Number, 0, size)}
}

// Add remembers n until then. No number is not remembered.
func (m *Memory) Add(n call.Number, until time.Time) {
	if n.IsZero() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.until[n]; !known {
		if len(m.order) < cap(m.order) {
			m.order = append(m.order, n)
		} else {
			delete(m.until, m.order[m.next])
			m.order[m.next] = n
			m.next = (m.next + 1) % len(m.order)
		}
	}
	m.until[n] = until
}

// Has reports whether n is remembered at this time.
func (m *Memory) Has(n call.Number, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.until[n])
}
