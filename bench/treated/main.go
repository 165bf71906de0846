//go:build linux

// Command treated measures the media of treated calls: prompts that are played to many callers at once,
// and calls that are relayed between their two sides. It is one program on both sides of all calls; what
// it measures beside Ringfence's media engine is rtpengine, in one run.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

const usage = `Measures prompts and relays of Ringfence's media engine beside rtpengine on loopback, and prints a table.

    make bench-treated                      some minutes
    go run ./bench/treated -quick           half a minute: whether everything works
    go run ./bench/treated -write           also writes bench/treated/RESULTS.md

Installs rtpengine-daemon from Debian when it is missing. Let nothing else run meanwhile.

`

// firstPort and lastPort bound the RTP ports of all contestants.
const (
	firstPort = 20000
	lastPort  = 29999
)

// plan says what is measured.
type plan struct {
	prompts, bridged int // calls
	rounds           int
	gateway          string // binary
	only             string // contestants and scenes whose names this is part of, as CONTESTANT/SCENE
	warmup, duration time.Duration
}

func main() {
	log.SetFlags(log.Ltime)
	var p plan
	var h host
	write := flag.Bool("write", false, "write bench/treated/RESULTS.md")
	flag.BoolFunc("quick", "small counts, to see whether everything works; flags after it change them", func(string) error {
		p = plan{gateway: p.gateway, only: p.only, prompts: 100, bridged: 50, rounds: 1, warmup: time.Second, duration: 2 * time.Second}
		return nil
	})
	flag.IntVar(&p.prompts, "prompts", 1000, "calls that hear a prompt at a time")
	flag.IntVar(&p.bridged, "bridged", 500, "calls that are relayed at a time")
	flag.StringVar(&p.gateway, "ringfence", "bin/ringfence", "the gateway's binary (make build)")
	flag.StringVar(&p.only, "only", "/", "CONTESTANT/SCENE, as far as they are to be measured (parts of names)")
	flag.IntVar(&p.rounds, "rounds", 3, "how often each contestant has its turn")
	flag.DurationVar(&p.warmup, "warmup", 4*time.Second, "time before that which counts: longer than rtpengine learns addresses")
	flag.DurationVar(&p.duration, "duration", 10*time.Second, "length of what counts")
	flag.StringVar(&h.scene, "host", "", "be the process that is measured: prompts, bridge or nothing (for the program itself)")
	flag.IntVar(&h.calls, "calls", 0, "with -host: calls")
	flag.StringVar(&h.ports, "ports", "", "with -host: file for the ports")
	for i, name := range []string{"callers", "called"} {
		flag.Func(name, "with -host: where they listen", func(text string) (err error) {
			h.peers[i], err = netip.ParseAddrPort(text)
			return err
		})
	}
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	var err error
	if h.scene != "" {
		err = h.run()
	} else {
		err = compare(p, *write)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare measures and reports.
func compare(p plan, write bool) error {
	if err := install(); err != nil {
		return err
	}
	var err error
	if p.gateway, err = filepath.Abs(p.gateway); err != nil {
		return err
	}
	if _, err := os.Stat(p.gateway); err != nil {
		return fmt.Errorf("%w: run `make build` first", err)
	}
	scratch, err := os.MkdirTemp("", "ringfence-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	results, err := p.run(scratch)
	if err != nil {
		return err
	}
	text := p.report(results)
	fmt.Print(text)
	if write {
		return os.WriteFile("bench/treated/RESULTS.md", []byte(text), 0o600)
	}
	return nil
}
