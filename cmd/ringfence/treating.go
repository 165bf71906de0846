package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/call"
	"ringfence/configs"
	"ringfence/media"
	"ringfence/sip"
	"ringfence/sip/agent"
	"ringfence/sip/treatment"
)

// treating is what calls need that the gateway takes part in: the media engine, the prompts and the settings
// of the moment, and the agent once the gateway has made it.
type treating struct {
	log     *slog.Logger
	engine  *media.Engine
	options atomic.Pointer[treatment.Options]
	prompts atomic.Pointer[media.Prompts]
	agent   atomic.Pointer[agent.Agent]

	mu       sync.Mutex // guards what is below, and changes of prompts
	folder   string     // of the site's prompts
	unusable error      // files in it
}

// portRest is how long a port stays unused after its call, so that what was sent to that call does not reach
// another.
const portRest = 5 * time.Second

// newTreating starts the media engine and reads the prompts. It is nil for a configuration that names no
// address for RTP, in which no call can be treated.
func newTreating(cfg *configs.Config, log *slog.Logger) (*treating, error) {
	m := &cfg.Media
	local4, _ := m.Local(false)
	local6, _ := m.Local(true)
	if !local4.IsValid() && !local6.IsValid() {
		return nil, nil
	}
	t := &treating{log: log}
	if err := t.configure(cfg); err != nil {
		return nil, err
	}
	var err error
	t.engine, err = media.NewEngine(media.Options{
		Local4: local4, Local6: local6, First: m.Ports.First, Last: m.Ports.Last, Rest: portRest,
		Silence: time.Duration(m.Silence), NAT: time.Duration(m.NAT), Log: log,
	})
	return t, err
}

// configure has the calls that begin from now on treated as cfg says, with the prompts as they are on the disk
// now. A file of the site's that cannot be used is logged, and what was said before is said on.
func (t *treating) configure(cfg *configs.Config) error {
	if t == nil {
		return nil
	}
	t.options.Store(treatmentOptions(cfg))
	t.mu.Lock()
	defer t.mu.Unlock()
	if folder := cfg.Treatments.Prompts; t.prompts.Load() == nil || folder != t.folder {
		prompts, err := media.LoadPrompts(configs.Prompts(), folder)
		if prompts == nil {
			return fmt.Errorf("prompts that come with Ringfence: %w", err)
		}
		t.prompts.Store(prompts)
		t.folder = folder
		t.note(err)
		return nil
	}
	t.note(t.prompts.Load().Reload())
	return nil
}

// note logs why files of the site's cannot be used as prompts, unless err is nil, and keeps it for /readyz. The
// lock is held.
func (t *treating) note(err error) {
	if t.unusable = err; err != nil {
		t.log.Error("prompts that cannot be used: what was said before is said on\n"+err.Error(), "folder", t.folder)
	}
}

// promptsInterval is how soon a file that is dropped into the folder of prompts is heard.
const promptsInterval = 5 * time.Second

// watchPrompts reads the site's prompts anew when their folder changes, until ctx ends.
func (t *treating) watchPrompts(ctx context.Context) {
	tick := time.NewTicker(promptsInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.refreshPrompts()
		}
	}
}

func (t *treating) refreshPrompts() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if prompts := t.prompts.Load(); prompts.Changed() {
		t.note(prompts.Reload())
		t.log.Info("prompts read anew", "folder", t.folder)
	}
}

// starter makes the agent of a gateway; nil when no call can be treated.
func (t *treating) starter(cfg *configs.Config, recorder treatment.Recorder, reporter agent.Reporter) sip.NewAgent {
	if t == nil {
		return nil
	}
	advertise := map[netip.Addr]netip.Addr{}
	for _, v6 := range []bool{false, true} {
		if local, reached := cfg.Media.Local(v6); local.IsValid() {
			advertise[local] = reached
		}
	}
	pairs := cfg.Media.Ports.Pairs()
	o := agent.Options{
		Recorder: recorder, Reporter: reporter, Treatments: t.options.Load, Media: t.engine, Prompts: t.prompts.Load,
		Advertise: advertise, PBX: pbxAddress(cfg), MaxCalls: pairs / 2, Log: t.log,
	}
	return func(wire net.PacketConn) (sip.Agent, error) {
		a := agent.New(wire, o)
		t.agent.Store(a)
		return roomy{a, t.engine, max(minReserve, pairs/50)}, nil
	}
}

// minReserve is room for one call: caller, person called, the place a call is diverted to, who listens in.
const minReserve = 4

// roomy is an agent that takes no call when ports run short, so that the call goes on without it. A call that
// was taken and finds no port would fail.
type roomy struct {
	*agent.Agent
	engine  *media.Engine
	reserve int // pairs of ports, for calls that were taken and have not opened theirs
}

// Take implements proxy.Treater.
func (r roomy) Take(record *call.Record) bool {
	return r.engine.Free() >= r.reserve && r.Agent.Take(record)
}

// pbxAddress is an address of the family in which the PBX has its media: that of its first target that is
// written as an address, else IPv4, of those families that the gateway has.
func pbxAddress(cfg *configs.Config) netip.Addr {
	for _, target := range cfg.PBX.Targets {
		addr, err := netip.ParseAddr(target.Host)
		if err != nil {
			continue
		}
		if local, _ := cfg.Media.Local(addr.Is6()); local.IsValid() {
			return addr
		}
	}
	if local4, _ := cfg.Media.Local(false); local4.IsValid() {
		return local4
	}
	local6, _ := cfg.Media.Local(true)
	return local6
}

// state is what /readyz says of treated calls.
func (t *treating) state() (ok bool, detail string) {
	if t == nil {
		return true, "not used"
	}
	t.mu.Lock()
	unusable := t.unusable
	t.mu.Unlock()
	free := t.engine.Free()
	detail = fmt.Sprintf("%d calls, %d pairs of RTP ports free", t.agentStats().Calls, free)
	if unusable != nil {
		return false, detail + "; prompts that cannot be used: " + unusable.Error()
	}
	return free > 0, detail
}

// agentStats are the agent's counters; zero where there is none.
func (t *treating) agentStats() (s agent.Stats) {
	if t != nil {
		if a := t.agent.Load(); a != nil {
			s = a.Stats()
		}
	}
	return s
}

// mediaCounts are the media engine's counters, and the pairs of ports that are free; zero where there is no
// engine.
func (t *treating) mediaCounts() (c media.Counts, free int) {
	if t == nil {
		return c, 0
	}
	return t.engine.Counts(), t.engine.Free()
}

// close ends the media engine, once the agent has ended.
func (t *treating) close() error {
	if t == nil || t.engine == nil {
		return nil
	}
	if err := t.engine.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// treatmentOptions are the settings of treatments that cfg says.
func treatmentOptions(cfg *configs.Config) *treatment.Options {
	t, w := &cfg.Treatments, &cfg.Treatments.Warn
	o := &treatment.Options{
		Language: string(t.Language),
		Warn: treatment.WarnOptions{
			Menu: w.Menu, Repeat: w.Repeat, AnswerWithin: time.Duration(w.AnswerWithin), ChooseWithin: time.Duration(w.ChooseWithin),
			Voicemail: w.Voicemail, ReportingLine: w.ReportingLine, ListenIn: w.ListenIn,
			VideoByKey: w.Video == configs.VideoByKey, Announcement: w.CallerHears == configs.HearsAnnouncement,
		},
		Announce: treatment.AnnounceOptions{Answer: t.Announce.Answer},
		Challenge: treatment.ChallengeOptions{
			Answer: t.Challenge.Answer, Tries: t.Challenge.Tries,
			Within: time.Duration(t.Challenge.Within), Remember: time.Duration(t.Challenge.Remember),
		},
		Redress:       contact(cfg),
		Fallbacks:     map[string]string{},
		PassTransfers: t.Transfer == configs.TransferPass,
	}
	for _, spoken := range t.Languages {
		o.Languages = append(o.Languages, treatment.Spoken{Called: spoken.Called, Language: string(spoken.Language)})
	}
	for name, target := range cfg.Divert {
		if target.Fallback != "" {
			o.Fallbacks[name] = target.Fallback
		}
	}
	return o
}
