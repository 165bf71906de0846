package callscript

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// Options is what a script runs with.
type Options struct {
	// Screen decides on calls while the script does not.
	Screen func(f *call.Facts, lists call.Lists) call.Verdict
	// Settle, in virtual time, waits until nothing can happen before time passes: synctest.Wait. The
	// script then runs on a wire in memory. Nil: it runs on loopback sockets in real time.
	Settle func()
	Log    *slog.Logger // default: nothing is logged
}

// run is one run of a script.
type run struct {
	script  *Script
	options Options
	network network
	site    *site
	parties map[string]*party
	order   []string // of the parties
	calls   map[string]string
	vars    map[string]string
	tags    int
	secret  sip.Secret
	gateway *sip.Gateway
	addrs   []netip.AddrPort // of the gateway's listeners
	done    chan error       // of the shutdown that drain began; nil while there is none

	arrived chan struct{} // something came in

	mu      sync.Mutex // guards all below, and what the parties say
	ladder  ladder
	records []*call.Record
	verdict wordsOfVerdict
	lists   lists
}

// Run runs the script against a gateway of its own. The error says which statement failed, what was
// expected, and what happened until then, as a ladder.
func (s *Script) Run(o Options) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{
		script: s, options: o, site: defaultSite(), parties: map[string]*party{}, calls: map[string]string{},
		vars: map[string]string{}, arrived: make(chan struct{}, 1), secret: sip.Secret{1, 2, 3}, ladder: ladder{began: time.Now()},
	}
	if o.Settle != nil {
		r.network.wire = memory.New()
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, set := range s.settings {
		if err := set.apply(r.site); err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
	}
	if err := r.open(); err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	for _, st := range s.steps {
		if err := st.action.run(r); err != nil {
			return r.failure(st.line, st.text, err)
		}
	}
	if err := r.end(); err != nil {
		return r.failure(s.steps[len(s.steps)-1].line, "the end of the script", err)
	}
	return nil
}

// failure is the error of a statement, with the ladder up to it.
func (r *run) failure(line int, text string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		line, err = e.Line, errors.New(e.Message)
	}
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Error{r.script.file, line, fmt.Sprintf("%s\n  %v\n\n%s", text, err, r.ladder.draw(r.columns()))}
}

// columns is the order of the ladder: trunks, gateway, PBX.
func (r *run) columns() []string {
	var left, right []string
	for _, name := range r.order {
		if p := r.parties[name]; p.inside() || p.spec.role == roleAgent {
			right = append(right, name)
		} else {
			left = append(left, name)
		}
	}
	return append(append(left, "gw"), right...)
}

// open starts the participants and the gateway.
func (r *run) open() error {
	if err := r.meet(); err != nil {
		return err
	}
	return r.start()
}

// meet opens the participants of the site that are not there yet.
func (r *run) meet() error {
	for _, spec := range r.site.parties {
		if p := r.parties[spec.name]; p != nil {
			p.spec = spec
			continue
		}
		p, err := r.newParty(spec)
		if err != nil {
			return err
		}
		r.mu.Lock() // the DNS looks
		r.parties[spec.name] = p
		r.mu.Unlock()
		r.order = append(r.order, spec.name)
		r.define(spec.name, p.addr)
	}
	return nil
}

// define makes the variables of an address.
func (r *run) define(name string, addr netip.AddrPort) {
	host := addr.Addr().String()
	if addr.Addr().Is6() {
		host = "[" + host + "]"
	}
	r.vars[name] = host + ":" + strconv.Itoa(int(addr.Port()))
	r.vars[name+".host"] = host
	r.vars[name+".port"] = strconv.Itoa(int(addr.Port()))
}

// start starts the gateway.
func (r *run) start() error {
	cfg := r.site.gateway(r.partyAddrs())
	cfg.Secret = r.secret
	listeners := r.site.sipListeners()
	if r.network.wire == nil {
		addr, err := r.network.free(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if err != nil {
			return err
		}
		for i := range listeners {
			listeners[i].Addr = addr
		}
	}
	g, err := sip.Start(sip.Options{
		Listeners: listeners, Proxy: cfg, Transport: r.network.options(),
		Screener: r, Recorder: r, Agent: r.newAgent(), Log: r.options.Log, DNS: dns{r},
	})
	if err != nil {
		return err
	}
	r.gateway, r.addrs = g, g.Addrs()
	for i, l := range r.site.listeners {
		if _, ok := r.vars[l.name]; !ok || l.protocol == transport.UDP {
			r.define(l.name, r.addrs[i])
		}
		r.define(l.name+"."+l.protocol.String(), r.addrs[i])
	}
	return nil
}

func (r *run) partyAddrs() map[string]netip.AddrPort {
	addrs := map[string]netip.AddrPort{}
	for name, p := range r.parties {
		addrs[name] = p.addr
	}
	return addrs
}

// listener is the gateway's address that a participant speaks to over udp or tcp: the first of its
// family.
func (r *run) listener(p *party, over string) (netip.AddrPort, error) {
	if p.spec.role == roleAgent {
		return proxy.CoreAddr, nil
	}
	for i, l := range r.site.listeners {
		if l.protocol.String() == over && r.addrs[i].Addr().Is4() == p.addr.Addr().Is4() {
			return r.addrs[i], nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("the gateway does not listen where %s could reach it by %s", p.name, over)
}

// gatewayAddr is how a participant writes the gateway's address.
func (r *run) gatewayAddr(p *party) string {
	over := "udp"
	if p.spec.tcp {
		over = "tcp"
	}
	if addr, err := r.listener(p, over); err == nil && p.spec.role != roleAgent {
		return addr.String()
	}
	return r.vars["gw"]
}

// branch is a new Via branch.
func (r *run) branch(p *party) string {
	r.tags++
	return "z9hG4bK-" + p.name + "-" + strconv.Itoa(r.tags)
}

// Append keeps a record until the script expects it.
func (r *run) Append(record *call.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record)
}

// close ends everything that was started.
func (r *run) close() error {
	var err error
	if r.gateway != nil && r.done == nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.gateway.Shutdown(now) // calls that were cut off are what the script left behind
	}
	if r.done != nil {
		err = <-r.done
	}
	for _, p := range r.parties {
		p.close()
	}
	r.settle()
	return err
}
