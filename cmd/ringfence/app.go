package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/audit"
	"ringfence/blocklist"
	"ringfence/call"
	"ringfence/configs"
	"ringfence/console"
	"ringfence/report"
	"ringfence/screening"
	"ringfence/sip"
	"ringfence/sip/transport"
)

// app is a whole gateway: lists, rules, call log, SIP and the admin listener, wired together.
type app struct {
	log     *slog.Logger
	mu      sync.Mutex // guards cfg and reloads
	cfg     *configs.Config
	reloads reloads

	store    blocklist.Store
	mirror   *blocklist.Mirror
	screener screener
	audit    *audit.Log
	reporter *report.Reporter
	treating *treating // nil: no call can be treated
	tally    *sip.Tally
	tls      transport.Credentials
	gateway  *sip.Gateway
	admin    *console.Server // nil: no admin listener
	draining atomic.Bool
	drained  bool // the gateway was shut down

	background sync.WaitGroup
	stop       context.CancelFunc
}

// screener decides with the rules of the moment and the lists in memory.
type screener struct {
	rules atomic.Pointer[screening.Rules]
	lists call.Lists
}

// Screen implements proxy.Screener.
func (s *screener) Screen(f *call.Facts) call.Verdict {
	return screening.Decide(f, s.rules.Load(), s.lists)
}

// listsWait is how long the start waits for the first list. After it calls are taken with what the
// snapshot held, which /readyz shows.
const listsWait = 3 * time.Second

// startApp starts everything that cfg asks for. tap, if not nil, sees every record before the call
// log does. What was started is stopped again on an error.
func startApp(ctx context.Context, cfg *configs.Config, log *slog.Logger, tap func(*call.Record)) (a *app, err error) {
	a = &app{cfg: cfg, log: log}
	a.reloads.loaded = time.Now()
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if err := os.MkdirAll(cfg.StateDir, 0o750); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	secret, err := sip.LoadSecret(filepath.Join(cfg.StateDir, "route.secret"))
	if err != nil {
		return nil, fmt.Errorf("secret of the Record-Route tokens: %w", err)
	}
	if a.audit, err = audit.Open(audit.Options{Path: cfg.Audit.Database, Retention: time.Duration(cfg.Audit.Retention), Logger: log}); err != nil {
		return nil, err
	}
	if a.store, err = openStore(cfg); err != nil {
		return nil, err
	}
	a.mirror = blocklist.NewMirror(a.store, blocklist.MirrorOptions{Snapshot: filepath.Join(cfg.StateDir, "lists.snapshot"), Log: log})
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	a.background.Go(func() { a.mirror.Run(background) })
	a.awaitLists(ctx)

	a.screener.lists = a.mirror
	a.screener.rules.Store(cfg.Screening())
	if a.reporter, err = openReporter(cfg, secret, a.store, a.screener.official, log); err != nil {
		return nil, err
	}
	if a.treating, err = newTreating(cfg, log); err != nil {
		return nil, err
	}
	a.tally = sip.NewTally(tapped{a.audit, a.reporter, tap})
	a.useIdentity(cfg)
	a.gateway, err = sip.Start(sip.Options{
		Listeners: listeners(cfg), Proxy: proxyConfig(cfg, secret), Transport: transportOptions(cfg, &a.tls),
		Screener: &a.screener, Recorder: a.tally, Agent: a.treating.starter(cfg, a.tally, a.reporter), Log: log,
	})
	if err != nil {
		return nil, err
	}
	if a.treating != nil {
		a.background.Go(func() { a.treating.watchPrompts(background) })
	}
	return a, a.startAdmin(background)
}

// openStore opens the list store that cfg names.
func openStore(cfg *configs.Config) (blocklist.Store, error) {
	return blocklist.Open(cfg.Lists.Store.Reveal(), blocklist.Options{PasswordFile: cfg.Lists.PasswordFile, Prefix: cfg.Lists.Prefix})
}

// tapped passes records to tap, if there is one, to the reporter, which knows by them who called whom last,
// and to the call log.
type tapped struct {
	log      *audit.Log
	reporter *report.Reporter
	tap      func(*call.Record)
}

// Append implements proxy.Recorder.
func (t tapped) Append(r *call.Record) {
	if t.tap != nil {
		t.tap(r)
	}
	t.reporter.Append(r)
	t.log.Append(r)
}

func (a *app) awaitLists(ctx context.Context) {
	select {
	case <-a.mirror.Ready():
	case <-ctx.Done():
	case <-time.After(listsWait):
		s := a.mirror.State()
		a.log.Warn("starting before the lists are in step with their store", "entries", s.Entries(), "error", s.Error)
	}
}

func (a *app) startAdmin(background context.Context) error {
	if a.cfg.Admin.Listen == "" {
		return nil
	}
	handler, err := console.New(console.Options{
		Node: a.cfg.Node, Version: version(), Checks: a.checks(), Metrics: a.metrics(), Log: a.log,
	})
	if err != nil {
		return err
	}
	if a.admin, err = console.Listen(a.cfg.Admin.Listen, handler, a.log); err != nil {
		return err
	}
	a.background.Go(func() {
		if err := a.admin.Run(background); err != nil {
			a.log.Error("the admin listener failed; calls go on", "error", err)
		}
	})
	return nil
}

// reload reads the configuration file again and puts what can change in force. On an error the old
// configuration stays.
func (a *app) reload(file string) {
	cfg, err := configs.Load(file)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		err = a.treating.configure(cfg)
	}
	if err != nil {
		a.reloads.failed++
		a.reloads.err = err
		a.log.Error("configuration refused; the old one stays in force\n"+err.Error(), "file", file)
		return
	}
	if keys := configs.RestartNeeded(a.cfg, cfg); len(keys) > 0 {
		a.log.Warn("these keys changed and wait for a restart", "keys", strings.Join(keys, ", "))
	}
	a.gateway.Configure(proxyConfig(cfg, sip.Secret{}))
	a.useIdentity(cfg)
	a.screener.rules.Store(cfg.Screening())
	a.mirror.Resync()
	a.cfg = cfg
	a.reloads.succeeded++
	a.reloads.err, a.reloads.loaded = nil, time.Now()
	a.log.Info("configuration reloaded", "file", file, "rules", cfg.Screening().Version())
}

// reloads counts what became of reloads.
type reloads struct {
	succeeded, failed int
	err               error // of the last one
	loaded            time.Time
}

// useIdentity has TLS connections from now on made with the certificate of cfg, if it names one, and
// logs what is likely wrong with it.
func (a *app) useIdentity(cfg *configs.Config) {
	if id := cfg.Identity(); id != nil {
		a.tls.Use(&transport.Identity{Certificate: id.Certificate, ClientCAs: id.ClientCAs, Roots: id.Roots})
	}
	for _, warning := range cfg.Warnings(time.Now()) {
		a.log.Warn(warning)
	}
}

// identity is the certificate in use, nil without TLS.
func (a *app) identity() *configs.Identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg.Identity()
}

func (a *app) reloadState() reloads {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reloads
}

// drain stops taking calls, waits for those being set up, and stops everything.
func (a *app) drain() error {
	a.mu.Lock()
	patience := time.Duration(a.cfg.SIP.DrainTimeout)
	a.mu.Unlock()
	a.draining.Store(true)
	a.log.Info("draining: new calls get 503 until those being set up have ended", "at_most", patience)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := a.gateway.Shutdown(ctx)
	a.drained = true
	return errors.Join(err, a.close())
}

// auditFlush bounds the wait for the last records to reach the call log. What does not is in the
// spool, and comes in at the next start.
const auditFlush = 10 * time.Second

// close stops whatever was started.
func (a *app) close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), auditFlush)
	defer cancel()
	if a.gateway != nil && !a.drained {
		gone, now := context.WithCancel(ctx)
		now()
		err = a.gateway.Shutdown(gone)
	}
	if a.stop != nil {
		a.stop()
		a.background.Wait()
	}
	err = errors.Join(err, a.treating.close())
	if a.reporter != nil {
		err = errors.Join(err, a.reporter.Close())
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	if a.audit != nil {
		err = errors.Join(err, a.audit.Close(ctx))
	}
	return err
}
