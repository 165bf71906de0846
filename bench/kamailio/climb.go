//go:build linux

package main

import (
	"fmt"
	"log"
	"time"
)

// ceiling is the highest rate that a proxy took without a failed call.
type ceiling struct {
	rate  float64 // calls a second
	cause string  // what went wrong at the next rate that was tried
	open  bool    // nothing went wrong up to the end of the search
}

// climb searches the highest rate: upward by half as much again until a run goes wrong, then three
// times in the middle. Each run has a proxy of its own.
func (b *bench) climb(one proxy, p *plan) (top ceiling, err error) {
	good, bad := 0.0, 0.0
	for rate := min(2000, p.highestLimit); ; {
		cause, err := b.attempt(one, p, rate)
		if err != nil {
			return top, err
		}
		log.Printf("highest rate: %s: %.0f calls a second: %s", one.name, rate, cause)
		if cause == "" {
			good = rate
		} else {
			bad, top.cause = rate, cause
		}
		switch {
		case bad == 0 && good < p.highestLimit:
			rate = min(rate*1.5, p.highestLimit)
		case bad == 0:
			return ceiling{good, "the search ends there", true}, nil
		case bad-good <= bad/16:
			top.rate = good
			return top, nil
		default:
			rate = (good + bad) / 2
		}
	}
}

// attempt runs one proxy at a rate and says what went wrong, "" if nothing did.
func (b *bench) attempt(one proxy, p *plan, rate float64) (cause string, err error) {
	r, err := b.before(one)
	if err != nil {
		return "", err
	}
	defer r.stop()
	r.run(p.load(min(rate, 1000), time.Second, false))
	l := p.load(rate, p.highestStep, false)
	l.spin = false // here the proxy may have what it can get of both cores
	got := r.run(l)
	const patience = 100 * time.Millisecond
	switch {
	case got.failed() > 0:
		return fmt.Sprintf("%d of %d calls failed: %s", got.failed(), got.failed()+got.completed, got.why()), nil
	case got.lag > patience:
		return fmt.Sprintf("the generator fell %d ms behind", got.lag.Milliseconds()), nil
	}
	return "", nil
}
