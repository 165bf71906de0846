package transport

import (
	"math"
	"sync"
)

// outgoing is what waits to be written to one connection: bytes, and where each message in them ends.
type outgoing struct {
	data  []byte
	marks []mark
}

type mark struct {
	token uint64
	end   int // in data; never for a message that found no room
}

const never = math.MaxInt

// settle counts the messages that n written bytes complete, and passes the tokens of the others to
// failed.
func (o *outgoing) settle(n int, failed func(token uint64)) (sent int) {
	for _, m := range o.marks {
		if m.end <= n {
			sent++
		} else {
			failed(m.token)
		}
	}
	return sent
}

// reset empties o and keeps its memory, unless a burst made it large: connections are many.
func (o *outgoing) reset() {
	if cap(o.data) > maxRetainedStream {
		o.data, o.marks = nil, nil
	}
	o.data, o.marks = o.data[:0], o.marks[:0]
}

// queue is the bounded queue of one connection, filled by any goroutine and emptied by its writer.
type queue struct {
	mu       sync.Mutex
	waiting  outgoing
	limit    int           // bytes that may wait
	finished bool          // nothing more is taken in
	wake     chan struct{} // has room for one: something was put in, or the queue finished
}

func newQueue(limit int) *queue { return &queue{limit: limit, wake: make(chan struct{}, 1)} }

// Results of queue.put.
type putResult uint8

const (
	putQueued   putResult = iota
	putFull               // the queue is finished by this; the token is reported with the others in it
	putFinished           // the message must go another way
)

// put queues a copy of one message.
func (q *queue) put(message []byte, token uint64) putResult {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.finished {
		return putFinished
	}
	w := &q.waiting
	if len(w.data)+len(message) > q.limit {
		w.marks = append(w.marks, mark{token, never})
		q.finished = true
		q.signal()
		return putFull
	}
	w.data = append(w.data, message...)
	w.marks = append(w.marks, mark{token, len(w.data)})
	q.signal()
	return putQueued
}

// pong queues the answers to n keep-alives (RFC 5626 §4.4.1). A peer that pings and does not read
// fills its queue, and gets no more of them.
func (q *queue) pong(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		if q.finished || len(q.waiting.data)+2 > q.limit {
			return
		}
		q.waiting.data = append(q.waiting.data, "\r\n"...)
	}
	q.signal()
}

// finish lets the writer end once it has written what is queued.
func (q *queue) finish() {
	q.mu.Lock()
	q.finished = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) isFinished() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.finished
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for something to write and exchanges it for the empty batch given. It is false when the
// queue is finished and empty.
func (q *queue) take(batch *outgoing) bool {
	for {
		q.mu.Lock()
		ready, finished := len(q.waiting.data) > 0, q.finished
		if ready {
			q.waiting, *batch = *batch, q.waiting
		}
		q.mu.Unlock()
		if ready || finished {
			return ready
		}
		<-q.wake
	}
}
