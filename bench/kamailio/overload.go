//go:build linux

package main

import (
	"fmt"
	"log"
	"strings"
	"time"
)

// overloaded says how a proxy fared under more calls than it can take. It has one core to itself then, so that
// the generator, on another, can offer that many.
type overloaded struct {
	capacity float64 // the highest rate that it took without a failed call, calls a second
	offered  float64 // twice that
	goodput  float64 // calls a second that completed of those
}

// kept is the share of its capacity that a proxy kept.
func (o overloaded) kept() float64 { return o.goodput / o.capacity }

const goodputGoal = 0.9

// overload offers a proxy twice the calls it can take.
func (b *bench) overload(one proxy, p *plan) (o overloaded, err error) {
	one.pinned = true
	search := *p
	search.highestLimit = 20_000 // on one core
	top, err := b.climb(one, &search)
	if err != nil {
		return o, err
	}
	o.capacity, o.offered = top.rate, 2*top.rate
	r, err := b.before(one)
	if err != nil {
		return o, err
	}
	defer r.stop()
	r.run(p.load(min(o.capacity, 1000), time.Second, false))
	l := p.load(o.offered, 2*p.highestStep, false)
	l.spin = false
	got := r.run(l)
	o.goodput = float64(got.completed) / got.elapsed.Seconds()
	log.Printf("overload: %s: capacity %.0f calls a second, offered %.0f: %.0f completed; %d failed, most often: %s",
		one.name, o.capacity, o.offered, o.goodput, got.failed(), got.why())
	return o, nil
}

// overload is the table of that.
func (r *results) overload(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Twice the calls it can take\n\nThe proxy has one core to itself, so that the generator keeps up. Calls a second.\n\n"+
		"| proxy | capacity | offered | completed | kept |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, p := range contestants(allowedPairs) {
		if o, ok := r.overloaded[p.name]; ok {
			fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f | %.2f |\n", p.name, o.capacity, o.offered, o.goodput, o.kept())
		}
	}
	o := r.overloaded[ringfenceFile.name]
	fmt.Fprintf(b, "\n%s keeps %.2f of its capacity; the goal is %.2f: %s.\n", ringfenceFile.name, o.kept(), goodputGoal, verdict(o.kept() >= goodputGoal))
}
