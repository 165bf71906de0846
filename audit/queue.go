package audit

import (
	"sync"

	"ringfence/call"
)

// queue is a ring of records between the calls and the writer. Its memory is fixed.
type queue struct {
	wake chan struct{} // a record came into an empty queue
	full chan struct{} // there is enough for a batch

	mu     sync.Mutex
	ring   []*call.Record
	first  int
	count  int
	batch  int
	closed bool
}

func newQueue(capacity, batch int) *queue {
	return &queue{
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		ring: make([]*call.Record, capacity), batch: batch,
	}
}

// add queues r, or reports that there is no room or that the queue is closed.
func (q *queue) add(r *call.Record) bool {
	q.mu.Lock()
	if q.closed || q.count == len(q.ring) {
		q.mu.Unlock()
		return false
	}
	i := q.first + q.count
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = r
	q.count++
	n := q.count
	q.mu.Unlock()
	if n == 1 {
		signal(q.wake)
	}
	if n == q.batch {
		signal(q.full)
	}
	return true
}

// take removes the oldest record, or returns nil.
func (q *queue) take() *call.Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == 0 {
		return nil
	}
	r := q.ring[q.first]
	q.ring[q.first] = nil
	if q.first++; q.first == len(q.ring) {
		q.first = 0
	}
	q.count--
	return r
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// pressing reports that the queue is nearly full.
func (q *queue) pressing() bool { return q.len() > len(q.ring)/4*3 }

// close lets nothing more in. What is queued can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
