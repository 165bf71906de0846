package callscript

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/sip/proxy"
)

func (w wait) run(r *run) error {
	if err := r.unexpected(); err != nil {
		return err
	}
	time.Sleep(w.time)
	r.settle()
	return nil
}

func (q quiet) run(r *run) error {
	if err := wait(q).run(r); err != nil {
		return err
	}
	return r.unexpected()
}

// participant finds a participant by its name.
func (r *run) participant(name string) (*party, error) {
	if p := r.parties[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("there is no participant %q (there are %s)", name, strings.Join(r.order, ", "))
}

func (l lose) run(r *run) error {
	p, err := r.participant(l.party)
	if err == nil {
		r.mu.Lock()
		p.lose += l.count
		r.mu.Unlock()
	}
	return err
}

func (a answers) run(r *run) error {
	p, err := r.participant(a.party)
	if err == nil {
		r.mu.Lock()
		p.answers[a.method] = a.status
		r.mu.Unlock()
	}
	return err
}

func (c closes) run(r *run) error {
	p, err := r.participant(c.party)
	if err != nil {
		return err
	}
	if c.down {
		r.mu.Lock()
		p.down = true
		r.mu.Unlock()
		if err := p.streams.Close(); err != nil {
			return err
		}
	}
	p.closeConns()
	r.settle()
	return nil
}

func (c comesUp) run(r *run) error {
	p, err := r.participant(c.party)
	if err != nil {
		return err
	}
	r.mu.Lock()
	p.down = false
	r.mu.Unlock()
	if p.streams, err = r.network.reopen(p.addr); err == nil {
		p.accept(p.streams)
	}
	return err
}

func (s state) run(r *run) error {
	r.settle()
	for _, t := range r.gateway.Targets() {
		if t.Name == s.target {
			if t.Up != s.up {
				return fmt.Errorf("up is %t", t.Up)
			}
			return nil
		}
	}
	return errors.New("the gateway has no such PBX target")
}

func (s reload) run(r *run) error {
	next := r.site.clone()
	for _, set := range s.settings {
		if err := set.apply(next); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.site = next
	r.mu.Unlock()
	if err := r.meet(); err != nil {
		return err
	}
	r.gateway.Configure(r.site.gateway(r.partyAddrs()))
	return nil
}

func (s restart) run(r *run) error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.gateway.Shutdown(now) // calls being set up are cut off: their records tell
	if s.newSecret {
		r.secret[0]++
	}
	return r.start()
}

func (d drain) run(r *run) error {
	if r.done != nil {
		return errors.New("the gateway is shutting down already")
	}
	r.done = make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), d.patience)
		defer cancel()
		r.done <- r.gateway.Shutdown(ctx)
	}()
	r.settle()
	return nil
}

func (s stopped) run(r *run) error {
	r.settle()
	if r.done == nil {
		return errors.New("nothing began to shut the gateway down: drain comes first")
	}
	timer := time.NewTimer(r.patience() + r.tolerance())
	defer timer.Stop()
	select {
	case err := <-r.done:
		r.done <- nil // for the end of the run
		if s.early {
			if err == nil {
				return errors.New("it has stopped, and cut no call off")
			}
			return nil
		}
		return err
	case <-timer.C:
		return errors.New("the gateway is still running")
	}
}

// counters are what count looks at.
var counters = map[string]func(s *proxy.Stats) uint64{
	"requests":      func(s *proxy.Stats) uint64 { return s.Requests },
	"responses":     func(s *proxy.Stats) uint64 { return s.Responses },
	"retransmitted": func(s *proxy.Stats) uint64 { return s.Retransmitted },
	"treated":       func(s *proxy.Stats) uint64 { return s.Treated },
	"shed":          func(s *proxy.Stats) uint64 { return s.Shed },
	"setup":         func(s *proxy.Stats) uint64 { return uint64(s.Setup) },
	"transactions":  func(s *proxy.Stats) uint64 { return uint64(s.Transactions) },
}

// Counters of the network.
const (
	countStrangers = "strangers" // datagrams and connections of unknown sources
	countNotSIP    = "not-sip"
	countFraming   = "bad-framing"
)

func counterNames() []string {
	names := []string{countStrangers, countNotSIP, countFraming}
	for name := range counters {
		names = append(names, name)
	}
	for _, cause := range proxy.DropCauses() {
		names = append(names, cause.String())
	}
	slices.Sort(names)
	return names
}

// run compares counters with what a script expects.
func (c counts) run(r *run) error {
	r.settle()
	core, network := r.gateway.Stats()
	for _, f := range c.fields {
		var got uint64
		switch f.name {
		case countStrangers:
			got = network.UnknownSource
		case countNotSIP:
			got = network.NotSIP
		case countFraming:
			got = network.BadFraming
		default:
			if read, ok := counters[f.name]; ok {
				got = read(&core)
				break
			}
			for i, cause := range proxy.DropCauses() {
				if cause.String() == f.name {
					got = core.Dropped[i]
				}
			}
		}
		if strconv.FormatUint(got, 10) != f.value {
			return fmt.Errorf("%s is %d", f.name, got)
		}
	}
	return nil
}

// endWait is longer than any transaction lives.
const endWait = 4 * time.Minute

// end checks what must hold when a script is over: nothing more arrives, every record was expected,
// and the gateway has forgotten every transaction.
func (r *run) end() error {
	if err := r.unexpected(); err != nil {
		return err
	}
	if r.network.wire != nil && r.done == nil {
		r.site.settings.Health.Interval = 0 // no pings: their transactions would be seen below
		r.gateway.Configure(r.site.gateway(r.partyAddrs()))
		if err := (quiet{endWait}).run(r); err != nil {
			return err
		}
	}
	r.mu.Lock()
	records := r.records
	r.mu.Unlock()
	if len(records) > 0 {
		return fmt.Errorf("nothing expected this record: %s", describe(records[0]))
	}
	core, _ := r.gateway.Stats()
	if core.Panics > 0 {
		return fmt.Errorf("%d panics", core.Panics)
	}
	if r.network.wire != nil && r.done == nil && (core.Transactions > 0 || core.Setup > 0) {
		return fmt.Errorf("after %s the gateway still holds %d transactions, %d of them calls being set up", endWait, core.Transactions, core.Setup)
	}
	return nil
}
