package transport

import "sync"

// failures queues the tokens of undelivered messages for the one goroutine that reports them, so that
// Send never calls back into a handler that may hold its own lock.
type failures struct {
	mu     sync.Mutex
	tokens []uint64
	closed bool
	wake   chan struct{} // has room for one: something was queued, or the queue closed
}

// add queues a token. After close it does not: then nothing can be sent, and a handler that answers
// each failure with a message that fails would never let Close end.
func (f *failures) add(token uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.tokens = append(f.tokens, token)
		f.signal()
	}
}

func (f *failures) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.signal()
}

func (f *failures) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take waits for tokens and exchanges them for the empty slice given. It is false when there are none
// and will be none.
func (f *failures) take(empty []uint64) (tokens []uint64, ok bool) {
	for {
		f.mu.Lock()
		tokens, closed := f.tokens, f.closed
		if len(tokens) > 0 {
			f.tokens = empty
		}
		f.mu.Unlock()
		if len(tokens) > 0 || closed {
			return tokens, len(tokens) > 0
		}
		<-f.wake
	}
}

// undelivered counts a message that could not be sent, and has it reported if it has a token.
func (n *Network) undelivered(token uint64) {
	n.counters.sendErrors.Add(1)
	if token != 0 {
		n.failures.add(token)
	}
}

func (n *Network) reportFailures() {
	var out Outbox
	var tokens []uint64
	for {
		var ok bool
		if tokens, ok = n.failures.take(tokens[:0]); !ok {
			return
		}
		n.delivering.RLock()
		for _, token := range tokens {
			n.handler.Failed(token, &out)
		}
		n.Send(&out)
		n.delivering.RUnlock()
	}
}
