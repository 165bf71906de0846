//go:build linux

package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"
)

// plan is how much is measured.
type plan struct {
	rates, refusedRates []float64
	rounds              int
	warmup, duration    time.Duration
	ring, hold          time.Duration
	spin                bool // the generator keeps one core to itself while CPU is measured
	held                int  // calls held at one time while memory is read; 0: not read
	highestStep         time.Duration
	highestLimit        float64 // calls a second at which the search ends; 0: no search
	overload            bool    // twice the calls that a proxy can take are tried
}

func (p *plan) load(rate float64, length time.Duration, refused bool) load {
	return load{calls: max(1, int(rate*length.Seconds())), rate: rate, ring: p.ring, hold: p.hold, refused: refused, spin: p.spin}
}

// The proxies that are compared. Kamailio is measured with one child and with two, and the better counts.
var (
	ringfenceFile    = proxy{name: "ringfence, file"}
	ringfenceRedis   = proxy{name: "ringfence, redis", redis: true}
	kamailioTable    = []proxy{{name: "kamailio, htable, 1 child", children: 1}, {name: "kamailio, htable, 2 children", children: 2}}
	kamailioRedis    = []proxy{{name: "kamailio, ndb_redis, 1 child", children: 1, redis: true}, {name: "kamailio, ndb_redis, 2 children", children: 2, redis: true}}
	kamailioReplying = []proxy{
		{name: "kamailio, htable, stateless refusal, 1 child", children: 1, stateless: true},
		{name: "kamailio, htable, stateless refusal, 2 children", children: 2, stateless: true},
	}
	direct = proxy{name: "no proxy"}
)

// pair is what is compared with what.
type pair struct {
	ours   proxy
	theirs []proxy // the best counts
	goal   float64 // the most that our CPU time may be of theirs
}

var (
	allowedPairs = []pair{{ringfenceFile, kamailioTable, 0.5}, {ringfenceRedis, kamailioRedis, 0.4}}
	refusedPairs = []pair{{ringfenceFile, kamailioTable, 0.5}, {ringfenceFile, kamailioReplying, 0.5}}
)

// contestants are the proxies of pairs, each once, ours and theirs in turn.
func contestants(pairs []pair) []proxy {
	var all []proxy
	seen := map[string]bool{}
	for _, p := range pairs {
		for _, one := range append([]proxy{p.ours}, p.theirs...) {
			if !seen[one.name] {
				seen[one.name] = true
				all = append(all, one)
			}
		}
	}
	return all
}

// sample is what one run of one proxy came to.
type sample struct {
	outcome
	cpu    time.Duration // of a completed call
	p50    time.Duration
	p99    time.Duration
	memory int64 // at the end, bytes
}

// scene is one kind of calls at one rate.
type scene struct {
	rate    float64
	refused bool
	pairs   []pair
	samples map[string][]sample // by the proxy's name, one for each round
}

func (s *scene) String() string {
	kind := "screened"
	if s.refused {
		kind = "refused"
	}
	return fmt.Sprintf("%s calls, %g a second", kind, s.rate)
}

// results are everything measured.
type results struct {
	plan       plan
	scenes     []*scene
	memory     map[string]int64
	highest    map[string]ceiling
	overloaded map[string]overloaded
}

// run measures everything.
func (b *bench) run(p plan) (*results, error) {
	r := &results{plan: p, memory: map[string]int64{}, highest: map[string]ceiling{}, overloaded: map[string]overloaded{}}
	for _, rate := range p.rates {
		r.scenes = append(r.scenes, &scene{rate: rate, pairs: allowedPairs, samples: map[string][]sample{}})
	}
	for _, rate := range p.refusedRates {
		r.scenes = append(r.scenes, &scene{rate: rate, refused: true, pairs: refusedPairs, samples: map[string][]sample{}})
	}
	for _, s := range r.scenes {
		if err := b.play(s, &p); err != nil {
			return nil, err
		}
	}
	for _, one := range contestants(allowedPairs) {
		if p.held > 0 {
			bytes, err := b.hold(one, &p)
			if err != nil {
				return nil, err
			}
			r.memory[one.name] = bytes
		}
	}
	if p.highestLimit > 0 {
		for _, one := range append(contestants(allowedPairs), direct) {
			top, err := b.climb(one, &p)
			if err != nil {
				return nil, err
			}
			r.highest[one.name] = top
		}
	}
	if p.overload {
		for _, one := range append([]proxy{ringfenceFile}, kamailioTable[0]) {
			o, err := b.overload(one, &p)
			if err != nil {
				return nil, err
			}
			r.overloaded[one.name] = o
		}
	}
	return r, nil
}

// play runs the rounds of a scene: in each, every proxy in turn.
func (b *bench) play(s *scene, p *plan) error {
	all := contestants(s.pairs)
	if !s.refused {
		all = append(all, direct)
	}
	for round := range p.rounds {
		for _, one := range all {
			got, err := b.measure(one, p, s)
			if err != nil {
				return err
			}
			log.Printf("%s, round %d: %s: %.1f us, p50 %d us, p99 %d us, %d failed, %d sent again, %.1f MB", s, round+1, one.name,
				micros(got.cpu), got.p50.Microseconds(), got.p99.Microseconds(), got.failed(), got.retransmissions, megabytes(got.memory))
			if got.failed() > 0 {
				log.Printf("    most often: %s", got.why())
			}
			s.samples[one.name] = append(s.samples[one.name], got)
		}
	}
	return nil
}

// measure runs one proxy afresh. The calls before those that count warm it up, and run long enough
// that, meanwhile, as many transactions end as begin.
func (b *bench) measure(one proxy, p *plan, s *scene) (got sample, err error) {
	r, err := b.before(one)
	if err != nil {
		return got, err
	}
	defer r.stop()
	if r.Process == nil {
		got.outcome = r.run(p.load(s.rate, p.duration, s.refused))
	} else {
		r.run(p.load(s.rate, p.warmup, s.refused))
		var begin, end time.Duration
		if begin, err = r.CPU(); err != nil {
			return got, err
		}
		got.outcome = r.run(p.load(s.rate, p.duration, s.refused))
		if end, err = r.CPU(); err != nil {
			return got, err
		}
		if got.memory, err = r.Memory(); err != nil {
			return got, err
		}
		got.cpu = (end - begin) / time.Duration(max(1, got.completed))
	}
	got.p50, got.p99 = got.delay(0.50), got.delay(0.99)
	got.delays = nil // millions of them, in all
	return got, nil
}

// before puts a generator before a proxy, or before its own other end.
func (b *bench) before(one proxy) (*running, error) {
	if one != direct {
		return b.start(one)
	}
	g, err := openGenerator(netip.AddrPort{})
	if err != nil {
		return nil, err
	}
	return &running{generator: g}, nil
}

// hold reads the memory of a proxy when the last of many calls has been answered and none has ended.
func (b *bench) hold(one proxy, p *plan) (bytes int64, err error) {
	r, err := b.start(one)
	if err != nil {
		return 0, err
	}
	defer r.stop()
	const rate = 1000
	l := p.load(rate, time.Duration(float64(p.held)/rate*float64(time.Second)), false)
	l.hold = time.Duration(float64(l.calls)/rate*float64(time.Second)) + 5*time.Second
	var failed error
	l.spin = false
	l.held = func() { bytes, failed = r.Memory() }
	got := r.run(l)
	if failed == nil && got.failed() > 0 {
		failed = fmt.Errorf("%s: of %d calls held at one time %d failed: %v", one.name, l.calls, got.failed(), got.failures)
	}
	log.Printf("%d calls held: %s: %.1f MB", l.calls, one.name, megabytes(bytes))
	return bytes, failed
}
