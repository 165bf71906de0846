package agent

import (
	"sync"
	"time"
)

// maxWaiting bounds what waits in a mailbox of what its senders repeat or can do without.
const maxWaiting = 128

// mailbox holds what a call has still to handle, in the order in which it happened.
type mailbox struct {
	mu      sync.Mutex
	waiting []func()
	since   time.Time     // when the first of waiting was added
	filled  chan struct{} // has a token when waiting is not empty
}

func newMailbox() *mailbox { return &mailbox{filled: make(chan struct{}, 1)} }

// post adds f unless the mailbox is full.
func (m *mailbox) post(f func()) bool { return m.add(f, maxWaiting) }

// tell adds f even to a full mailbox. It is for what happens a bounded number of times in a call, and must
// not be lost: timers, final responses, CANCEL and BYE.
func (m *mailbox) tell(f func()) { m.add(f, 0) }

func (m *mailbox) add(f func(), limit int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if limit > 0 && len(m.waiting) >= limit {
		return false
	}
	if len(m.waiting) == 0 {
		m.since = time.Now()
	}
	m.waiting = append(m.waiting, f)
	select {
	case m.filled <- struct{}{}:
	default:
	}
	return true
}

// take empties the mailbox.
func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.waiting
	m.waiting = nil
	return all
}

// waitingFor is how long the first of what waits has been waiting; 0 when nothing is.
func (m *mailbox) waitingFor(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		return 0
	}
	return now.Sub(m.since)
}
