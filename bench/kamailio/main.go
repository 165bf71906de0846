//go:build linux

// Command kamailio measures Ringfence beside Kamailio: the same calls over loopback, in turn, in one
// run. Both are stateful proxies that stay in the route and look each caller up in a list; Ringfence
// does more, for it also asks its rules and writes its call log.
//
// One generator is both ends of all calls. It takes less of the machine than sipp, which at 2,000 calls
// a second would need more than either proxy.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

const usage = `Measures Ringfence beside Kamailio on loopback, both before the same calls, and prints a table.

    make bench-kamailio                          about an hour
    go run ./bench/kamailio -quick               a few minutes: whether everything works
    go run ./bench/kamailio -write               also writes bench/kamailio/RESULTS.md

Installs kamailio, kamailio-redis-modules and redis-server from Debian when they are missing, which as
a rule also starts them as services: stop those before you measure. Let nothing else run meanwhile.

`

func main() {
	log.SetFlags(log.Ltime)
	var p plan
	ringfence := flag.String("ringfence", "bin/ringfence", "the gateway's binary (make build)")
	flag.BoolFunc("quick", "small counts, to see whether everything works; flags after it change them", func(string) error {
		p.rounds, p.warmup, p.duration, p.held, p.highestStep = 1, 2*time.Second, 3*time.Second, 2000, time.Second
		return nil
	})
	write := flag.Bool("write", false, "write bench/kamailio/RESULTS.md")
	flag.IntVar(&p.rounds, "rounds", 2, "how often each proxy has its turn")
	flag.DurationVar(&p.warmup, "warmup", 34*time.Second, "calls before those that count: longer than a transaction is kept")
	flag.DurationVar(&p.duration, "duration", 15*time.Second, "length of what counts")
	flag.DurationVar(&p.ring, "ring", 100*time.Millisecond, "from 180 to 200")
	flag.DurationVar(&p.hold, "hold", time.Second, "from ACK to BYE")
	flag.BoolVar(&p.spin, "spin", true, "the generator keeps a core to itself, as if it were another machine")
	flag.IntVar(&p.held, "held", 20_000, "calls held while memory is read; 0: memory is not read")
	flag.DurationVar(&p.highestStep, "step", 5*time.Second, "length of a run of the search for the highest rate")
	flag.Float64Var(&p.highestLimit, "highest", 40_000, "calls a second at which that search ends; 0: no search")
	flag.BoolVar(&p.overload, "overload", true, "try twice the calls that a proxy can take")
	p.rates, p.refusedRates = []float64{500, 1000, 2000}, []float64{1000, 2000}
	flag.Var((*rates)(&p.rates), "rates", "calls a second, screened and let through")
	flag.Var((*rates)(&p.refusedRates), "refused", "calls a second, refused")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := compare(*ringfence, p, *write); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare measures and reports.
func compare(ringfence string, p plan, write bool) error {
	if err := install(); err != nil {
		return err
	}
	binary, err := filepath.Abs(ringfence)
	if err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("%w: run `make build` first", err)
	}
	scratch, err := os.MkdirTemp("", "ringfence-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b := &bench{ringfence: binary, scratch: scratch}
	if err := b.startRedis(); err != nil {
		return err
	}
	defer b.server.Stop()
	r, err := b.run(p)
	if err != nil {
		return err
	}
	text := r.report(binary)
	fmt.Print(text)
	if write {
		return os.WriteFile("bench/kamailio/RESULTS.md", []byte(text), 0o644)
	}
	return nil
}
