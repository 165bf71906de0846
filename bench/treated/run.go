//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"ringfence/bench/program"
)

// scene is what contestants do.
type scene struct {
	name    string
	prompts bool // played to callers; else the two sides of each call are relayed to each other
	busy    bool // other programs keep all cores busy; the contestants go before them, as the shipped unit has it
}

var scenes = []scene{
	{name: "prompts", prompts: true},
	{name: "prompts on a busy machine", prompts: true, busy: true},
	{name: "relayed calls"},
}

// contestant starts a program that carries calls of a scene, none of which it is told to begin with, to
// the sides that listen at the sockets, and returns the ports that the sides are to send to.
type contestant struct {
	name  string
	start func(scratch string, s scene, calls int, sockets [2]*socket) (*program.Process, [2][]uint16, error)
}

func (p plan) contestants() []contestant {
	return []contestant{{"media engine", startHost}, {"whole gateway", gatewayIn(p.gateway)}, {"rtpengine", startRTPEngine}}
}

// sample is one turn of a contestant.
type sample struct {
	heard
	cpu    time.Duration // for a second of one call
	memory int64         // for one call, bytes
	wanted int           // streams that should have been heard
}

// install installs what is missing, or says how.
func install() error {
	if _, err := exec.LookPath("rtpengine"); err != nil {
		return program.Install("rtpengine-daemon")
	}
	return nil
}

// results are the samples by scene and contestant.
type results map[string]map[string][]sample

func (p plan) calls(s scene) int {
	if s.prompts {
		return p.prompts
	}
	return p.bridged
}

// run gives each contestant its turns.
func (p plan) run(scratch string) (results, error) {
	r := results{}
	who, what, _ := strings.Cut(p.only, "/")
	for round := range p.rounds {
		for _, s := range scenes {
			if !strings.Contains(s.name, what) {
				continue
			}
			if r[s.name] == nil {
				r[s.name] = map[string][]sample{}
			}
			for _, c := range p.contestants() {
				if !strings.Contains(c.name, who) {
					continue
				}
				got, err := p.measure(scratch, s, c)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", s.name, c.name, err)
				}
				r[s.name][c.name] = append(r[s.name][c.name], got)
				log.Printf("round %d, %s, %s: %d of %d streams, CPU %.1f us a second and call, off schedule p50 %.2f ms p99 %.2f ms, delay p99 %.2f ms, lost %d of %d, %d KB a call",
					round+1, s.name, c.name, got.streams, got.wanted, micros(got.cpu), quantile(got.off, 0.5), quantile(got.off, 0.99), quantile(got.delay, 0.99),
					got.lost, got.packets, got.memory>>10)
			}
		}
	}
	return r, nil
}

// measure is one turn: the memory of the contestant without a call, and then all of it with calls.
func (p plan) measure(scratch string, s scene, c contestant) (got sample, err error) {
	var sockets [2]*socket
	var listeners [2]listener
	for i := range sockets {
		if sockets[i], err = openSocket(); err != nil {
			return got, err
		}
		defer sockets[i].conn.Close()
	}
	idle, _, err := c.start(scratch, s, 0, sockets)
	if err != nil {
		return got, err
	}
	time.Sleep(500 * time.Millisecond)
	before, err := idle.Memory()
	idle.Stop()
	if err != nil {
		return got, err
	}
	process, ports, err := c.start(scratch, s, p.calls(s), sockets)
	if err != nil {
		return got, err
	}
	defer process.Stop()

	if s.busy {
		stop, err := keepBusy(scratch)
		if err != nil {
			return got, err
		}
		defer stop()
	}
	var work sync.WaitGroup
	done := make(chan struct{})
	defer work.Wait()
	defer close(done)
	if !s.prompts {
		callers, called := newTalker(sockets[0], ports[0]), newTalker(sockets[1], ports[1])
		work.Go(func() { talk(done, callers, called) })
	}
	var mu sync.Mutex // held by whoever uses the listeners
	for i, socket := range sockets {
		listeners[i].relayed = !s.prompts
		go socket.receive(func(a arrival) {
			mu.Lock()
			defer mu.Unlock()
			listeners[i].take(a)
		})
	}
	counts := func(on bool) (time.Duration, time.Time, error) {
		mu.Lock()
		defer mu.Unlock()
		for i := range listeners {
			listeners[i].counts = on
		}
		used, err := process.CPU()
		return used, time.Now(), err
	}
	time.Sleep(p.warmup)
	usedFirst, first, err := counts(true)
	if err != nil {
		return got, err
	}
	time.Sleep(p.duration)
	usedLast, last, err := counts(false)
	if err != nil {
		return got, err
	}
	if err := process.Ended(); err != nil {
		return got, err
	}
	after, err := process.Memory()
	if err != nil {
		return got, err
	}
	for i := range listeners {
		got.add(listeners[i].sum())
	}
	calls := p.calls(s)
	got.cpu = time.Duration(float64(usedLast-usedFirst) / last.Sub(first).Seconds() / float64(calls))
	got.memory = (after - before) / int64(calls)
	got.wanted = calls
	if !s.prompts {
		got.wanted *= 2
	}
	return got, nil
}

// keepBusy keeps all cores busy with programs that never wait.
func keepBusy(scratch string) (stop func(), err error) {
	var processes []*program.Process
	stop = func() {
		for _, p := range processes {
			p.Stop()
		}
	}
	for range runtime.NumCPU() {
		p, err := program.Start(scratch, "busy", "sh", "-c", "while :; do :; done")
		if err != nil {
			stop()
			return nil, err
		}
		processes = append(processes, p)
	}
	return stop, nil
}

// words are the command that starts a contestant in a scene.
func (s scene) words(command ...string) []string {
	if s.busy {
		return append([]string{"nice", "-n", "-10"}, command...)
	}
	return command
}

// startHost starts this program as the host of Ringfence's media engine.
func startHost(scratch string, s scene, calls int, sockets [2]*socket) (p *program.Process, ports [2][]uint16, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, ports, err
	}
	file := filepath.Join(scratch, "ports.json")
	if err := os.RemoveAll(file); err != nil {
		return nil, ports, err
	}
	name := "bridge"
	if s.prompts {
		name = "prompts"
	}
	p, err = program.Start(scratch, "host", s.words(self, "-host", name, "-calls", fmt.Sprint(calls),
		"-callers", sockets[0].local.String(), "-called", sockets[1].local.String(), "-ports", file)...)
	if err != nil {
		return nil, ports, err
	}
	for {
		text, err := os.ReadFile(file)
		if err == nil {
			return p, ports, json.Unmarshal(text, &ports)
		}
		if err := p.Ended(); err != nil {
			return nil, ports, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
