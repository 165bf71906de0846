package main

import (
	"ringfence/console"
	"ringfence/report"
)

// treatingMetrics are those of treated calls, their media and the reports they lead to.
func (a *app) treatingMetrics() []console.Metric {
	return []console.Metric{
		{
			Name: "ringfence_treated_total", Help: "Treated calls that have ended, by what came of them.", Kind: console.Counter,
			Labels: []string{"treatment", "choice"},
			Collect: func(emit func(float64, ...string)) {
				for kind, n := range a.tally.Treated() {
					emit(float64(n), kind.Treatment, string(kind.Choice))
				}
			},
		},
		gauge("ringfence_treated_calls", "Treated calls at this moment.", func() float64 { return float64(a.treating.agentStats().Calls) }),
		gauge("ringfence_rtp_ports_free", "Pairs of RTP ports that are free.", func() float64 {
			_, free := a.treating.mediaCounts()
			return float64(free)
		}),
		{
			Name: "ringfence_rtp_packets_total", Help: "RTP packets of treated calls.", Kind: console.Counter, Labels: []string{"direction"},
			Collect: func(emit func(float64, ...string)) {
				c, _ := a.treating.mediaCounts()
				emit(float64(c.Sent), "out")
				emit(float64(c.Received), "in")
			},
		},
		{
			Name: "ringfence_rtp_faults_total", Help: "What went wrong with RTP, by cause.", Kind: console.Counter, Labels: []string{"cause"},
			Collect: func(emit func(float64, ...string)) {
				c, _ := a.treating.mediaCounts()
				emit(float64(c.Late), "late")
				emit(float64(c.Skipped), "skipped")
				emit(float64(c.Foreign), "foreign")
				emit(float64(c.Malformed), "malformed")
				emit(float64(c.Duplicate), "duplicate")
				emit(float64(c.SendErrors), "undeliverable")
				emit(float64(c.NoPorts), "no-port")
			},
		},
		{
			Name: "ringfence_reports_waiting", Help: "Reports that wait on disk, by where they go.", Kind: console.Gauge, Labels: []string{"way"},
			Collect: a.collectReports(func(w *report.WayStats) float64 { return float64(w.Queued) }),
		},
		{
			Name: "ringfence_reports_refused", Help: "Reports that were refused where they went, and wait for a person.", Kind: console.Gauge, Labels: []string{"way"},
			Collect: a.collectReports(func(w *report.WayStats) float64 { return float64(w.Dead) }),
		},
		{
			Name: "ringfence_reports_sent_total", Help: "Reports that were taken where they went.", Kind: console.Counter, Labels: []string{"way"},
			Collect: a.collectReports(func(w *report.WayStats) float64 { return float64(w.Sent) }),
		},
		{
			Name: "ringfence_reports_failed_total", Help: "Attempts to send a report that failed.", Kind: console.Counter, Labels: []string{"way"},
			Collect: a.collectReports(func(w *report.WayStats) float64 { return float64(w.Failed) }),
		},
		counter("ringfence_reports_lost_total", "Reports lost.", func() float64 { return float64(a.reporter.Stats().Lost) }),
	}
}

// collectReports emits a number of each way that reports go.
func (a *app) collectReports(value func(*report.WayStats) float64) func(func(float64, ...string)) {
	return func(emit func(float64, ...string)) {
		s := a.reporter.Stats()
		emit(value(&s.Score), "score")
		emit(value(&s.Webhook), "webhook")
	}
}
