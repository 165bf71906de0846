package console

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind is the kind of a metric.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota // only grows while the process lives; its name ends in _total
	Gauge               // goes up and down
)

// Metric is one family of numbers for Prometheus, read when a scrape asks for it.
type Metric struct {
	Name   string // ringfence_calls_total
	Help   string // one sentence
	Kind   Kind
	Labels []string // names of the labels

	// Collect calls emit once for each combination of label values, in the order of Labels. It may be
	// called from several goroutines.
	//
	// A label has few values, and never one that tells who called: a sample with a label that holds
	// as many digits in a row as a telephone number is left out and reported in the log.
	Collect func(emit func(value float64, labels ...string))
}

// maxSeries bounds the samples of one metric, so that a label with too many values stays a flaw and
// does not become an outage.
const maxSeries = 2000

var (
	metricName = regexp.MustCompile(`^ringfence_[a-z][a-z_]*[a-z]$`)
	labelName  = regexp.MustCompile(`^[a-z][a-z_]*$`)

	// phoneNumber is a run of digits, with the separators people use, that could be a subscriber's
	// number. Addresses and SIP codes have shorter runs.
	phoneNumber = regexp.MustCompile(`\d([ ()-]?\d){6}`)
)

func (m *Metric) validate() error {
	switch {
	case !metricName.MatchString(m.Name):
		return fmt.Errorf("metric %q: a name is ringfence_ and lower-case words joined by underscores", m.Name)
	case strings.HasSuffix(m.Name, "_total") != (m.Kind == Counter):
		return fmt.Errorf("metric %s: the names of counters, and no others, end in _total", m.Name)
	case m.Help == "" || m.Collect == nil:
		return fmt.Errorf("metric %s: Help and Collect are required", m.Name)
	}
	for _, l := range m.Labels {
		if !labelName.MatchString(l) {
			return fmt.Errorf("metric %s: label %q is not lower-case words joined by underscores", m.Name, l)
		}
	}
	return nil
}

// collector makes a Metric known to client_golang.
type collector struct {
	metric Metric
	desc   *prometheus.Desc
	kind   prometheus.ValueType
}

func newCollector(m Metric) *collector {
	kind := prometheus.GaugeValue
	if m.Kind == Counter {
		kind = prometheus.CounterValue
	}
	return &collector{m, prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), kind}
}

// Describe sends the one description that all samples share.
func (c *collector) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect sends the samples of this moment.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	sent := 0
	c.metric.Collect(func(value float64, labels ...string) {
		sent++
		switch {
		case sent == maxSeries+1:
			out <- prometheus.NewInvalidMetric(c.desc, fmt.Errorf("more than %d samples: the rest is left out", maxSeries))
			return
		case sent > maxSeries:
			return
		}
		for i, l := range labels {
			if phoneNumber.MatchString(l) {
				out <- prometheus.NewInvalidMetric(c.desc, fmt.Errorf("label %d could be a telephone number: left out", i+1))
				return
			}
		}
		sample, err := prometheus.NewConstMetric(c.desc, c.kind, value, labels...)
		if err != nil {
			sample = prometheus.NewInvalidMetric(c.desc, err)
		}
		out <- sample
	})
}
