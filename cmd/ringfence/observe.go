package main

import (
	"fmt"
	"strings"
	"time"

	"ringfence/console"
	"ringfence/sip/proxy"
)

// checks are what /readyz asks. Only what keeps calls from being taken is required.
func (a *app) checks() []console.Check {
	return []console.Check{
		{Name: "serving", Required: true, Probe: func() (bool, string) {
			if a.draining.Load() {
				return false, "shutting down: new calls get 503"
			}
			return true, ""
		}},
		{Name: "pbx", Required: true, Probe: func() (bool, string) {
			up, all := 0, a.gateway.Targets()
			var silent []string
			for _, t := range all {
				switch {
				case t.Up:
					up++
				case t.Addr.IsValid():
					silent = append(silent, fmt.Sprintf("%s at %v is down", t.Name, t.Addr))
				default:
					silent = append(silent, t.Name+" has no address in the DNS")
				}
			}
			return up > 0, strings.Join(append([]string{fmt.Sprintf("%d of %d targets answer", up, len(all))}, silent...), "; ")
		}},
		{Name: "lists", Probe: func() (bool, string) {
			s := a.mirror.State()
			if s.Error != "" {
				return false, fmt.Sprintf("calls are screened with the last known list, %d entries: %s", s.Entries(), s.Error)
			}
			return !s.Synced.IsZero(), fmt.Sprintf("%d entries", s.Entries())
		}},
		{Name: "audit", Probe: func() (bool, string) {
			if err := a.audit.Health(); err != nil {
				return false, err.Error()
			}
			return true, fmt.Sprintf("%d records written", a.audit.Stats().Written)
		}},
		{Name: "treatments", Probe: a.treating.state},
		{Name: "reports", Probe: func() (bool, string) {
			if err := a.reporter.Health(); err != nil {
				return false, err.Error()
			}
			s := a.reporter.Stats()
			return true, fmt.Sprintf("%d taken, %d waiting", s.Score.Sent, s.Score.Queued+s.Webhook.Queued)
		}},
		{Name: "tls", Probe: func() (bool, string) {
			id := a.identity()
			if id == nil {
				return true, "not used"
			}
			if warning := id.Warning(time.Now()); warning != "" {
				return false, warning
			}
			return true, "the certificate expires on " + id.Expiry().Format(time.DateOnly)
		}},
		{Name: "configuration", Probe: func() (bool, string) {
			if r := a.reloadState(); r.err != nil {
				return false, "the last reload was refused and the old configuration is in force: " + r.err.Error()
			}
			return true, ""
		}},
	}
}

// metrics are what /metrics shows; docs/operations.md explains them.
func (a *app) metrics() []console.Metric {
	return append(a.treatingMetrics(), []console.Metric{
		{
			Name: "ringfence_calls_total", Help: "Call attempts by verdict.", Kind: console.Counter,
			Labels: []string{"trunk", "treatment", "reason"},
			Collect: func(emit func(float64, ...string)) {
				for kind, n := range a.tally.Calls() {
					emit(float64(n), kind.Trunk, kind.Treatment, string(kind.Reason))
				}
			},
		},
		{
			Name: "ringfence_responses_total", Help: "Final responses to call attempts, sent toward the caller.", Kind: console.Counter,
			Labels: []string{"code_class"},
			Collect: func(emit func(float64, ...string)) {
				for class, n := range a.tally.Final() {
					if class >= 2 {
						emit(float64(n), fmt.Sprintf("%dxx", class))
					}
				}
			},
		},
		{
			Name: "ringfence_dropped_total", Help: "Packets and connections dropped without an answer.", Kind: console.Counter,
			Labels: []string{"cause"}, Collect: a.collectDrops,
		},
		{
			Name: "ringfence_target_up", Help: "1 while the PBX target answers OPTIONS.", Kind: console.Gauge,
			Labels: []string{"target", "address"},
			Collect: func(emit func(float64, ...string)) {
				for _, t := range a.gateway.Targets() {
					address := "" // its name leads nowhere
					if t.Addr.IsValid() {
						address = t.Addr.String()
					}
					emit(flag(t.Up), t.Name, address)
				}
			},
		},
		{
			Name: "ringfence_list_entries", Help: "List entries in memory.", Kind: console.Gauge, Labels: []string{"list"},
			Collect: func(emit func(float64, ...string)) {
				s := a.mirror.State()
				emit(float64(s.Allow), "allow")
				emit(float64(s.Block), "block")
				emit(float64(s.Watch), "watch")
			},
		},
		{
			Name: "ringfence_reloads_total", Help: "Configuration reloads.", Kind: console.Counter, Labels: []string{"result"},
			Collect: func(emit func(float64, ...string)) {
				r := a.reloadState()
				emit(float64(r.succeeded), "success")
				emit(float64(r.failed), "failure")
			},
		},
		{
			Name: "ringfence_tls_certificate_expiry_timestamp_seconds", Help: "When the TLS certificate in use expires, Unix time.", Kind: console.Gauge,
			Collect: func(emit func(float64, ...string)) {
				if id := a.identity(); id != nil {
					emit(float64(id.Expiry().Unix()))
				}
			},
		},
		gauge("ringfence_config_last_reload_timestamp_seconds", "When the configuration in use was loaded, Unix time.",
			func() float64 { return float64(a.reloadState().loaded.Unix()) }),
		gauge("ringfence_transactions", "SIP transactions in memory.", a.core(func(s *proxy.Stats) float64 { return float64(s.Transactions) })),
		gauge("ringfence_calls_in_setup", "Calls being set up.", a.core(func(s *proxy.Stats) float64 { return float64(s.Setup) })),
		counter("ringfence_requests_total", "Requests received, retransmissions included.", a.core(func(s *proxy.Stats) float64 { return float64(s.Requests) })),
		counter("ringfence_retransmissions_total", "Requests received again.", a.core(func(s *proxy.Stats) float64 { return float64(s.Retransmitted) })),
		counter("ringfence_shed_total", "Calls refused with 503 and without a record, for want of memory.", a.core(func(s *proxy.Stats) float64 { return float64(s.Shed) })),
		counter("ringfence_panics_total", "Faults; each ended one transaction, or one treated call.", a.core(func(s *proxy.Stats) float64 { return float64(s.Panics + a.treating.agentStats().Panics) })),
		gauge("ringfence_list_synced", "1 while changes to the lists arrive.", func() float64 { return flag(a.mirror.State().Error == "") }),
		gauge("ringfence_audit_queued", "Records on their way to the call log.", func() float64 { return float64(a.audit.Stats().Queued) }),
		gauge("ringfence_audit_spooled", "Records that wait on disk for the call log.", func() float64 { return float64(a.audit.Stats().Spooled) }),
		counter("ringfence_audit_written_total", "Records committed to the call log.", func() float64 { return float64(a.audit.Stats().Written) }),
		counter("ringfence_audit_dropped_total", "Records lost.", func() float64 { return float64(a.audit.Stats().Dropped) }),
	}...)
}

// gauge is a metric without labels that goes up and down.
func gauge(name, help string, value func() float64) console.Metric {
	return console.Metric{Name: name, Help: help, Kind: console.Gauge, Collect: single(value)}
}

// counter is a metric without labels that only grows.
func counter(name, help string, value func() float64) console.Metric {
	return console.Metric{Name: name, Help: help, Kind: console.Counter, Collect: single(value)}
}

func single(value func() float64) func(func(float64, ...string)) {
	return func(emit func(float64, ...string)) { emit(value()) }
}

func (a *app) core(read func(*proxy.Stats) float64) func() float64 {
	return func() float64 {
		s, _ := a.gateway.Stats()
		return read(&s)
	}
}

// collectDrops adds up what the network and the core dropped.
func (a *app) collectDrops(emit func(float64, ...string)) {
	core, net := a.gateway.Stats()
	for _, cause := range proxy.DropCauses() {
		n := core.Dropped[cause]
		if cause == proxy.DropUnknownSource {
			n += net.UnknownSource
		}
		emit(float64(n), cause.String())
	}
	emit(float64(net.NotSIP), "not-sip")
	emit(float64(net.BadFraming), "bad-framing")
	emit(float64(net.Oversize), "oversize")
	emit(float64(net.Stalled), "stalled")
	emit(float64(net.QueueFull), "queue-full")
	emit(float64(net.Refused), "too-many-connections")
	emit(float64(net.HandshakeFailures), "tls-handshake")
	emit(float64(net.SendErrors), "undeliverable")
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
