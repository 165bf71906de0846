package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ErrNoPorts says that every RTP port of the range is in use or rests.
var ErrNoPorts = errors.New("no RTP port is free")

// ports hands out the even ports of a range, each of which stands for itself and the odd one above it
// (RFC 3550 §11). They come in an order that a stranger cannot guess.
type ports struct {
	rest  time.Duration
	total int

	mu      sync.Mutex
	free    []uint16      // a stack
	resting []restingPort // in the order in which they will be free
}

type restingPort struct {
	port  uint16
	until instant
}

// newPorts takes the pairs that lie within the range wholly.
func newPorts(first, last uint16, rest time.Duration) (*ports, error) {
	p := &ports{rest: rest}
	for port := int(first) + int(first&1); port+1 <= int(last); port += 2 {
		p.free = append(p.free, uint16(port))
	}
	if first == 0 || len(p.free) == 0 {
		return nil, fmt.Errorf("the RTP port range %d-%d holds no pair of an even port and the odd one above it", first, last)
	}
	rand.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	p.total = len(p.free)
	return p, nil
}

// take returns a port that nobody uses.
func (p *ports) take(now instant) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake(now)
	last := len(p.free) - 1
	if last < 0 {
		return 0, false
	}
	port := p.free[last]
	p.free = p.free[:last]
	return port, true
}

// give returns a port, which then rests.
func (p *ports) give(port uint16, now instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resting = append(p.resting, restingPort{port, now + instant(p.rest)})
}

// left is the number of ports that can be taken.
func (p *ports) left(now instant) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake(now)
	return len(p.free)
}

// wake frees the ports that have rested; mu is held.
func (p *ports) wake(now instant) {
	rested := 0
	for rested < len(p.resting) && p.resting[rested].until <= now {
		p.free = append(p.free, p.resting[rested].port)
		rested++
	}
	p.resting = p.resting[:copy(p.resting, p.resting[rested:])]
}
