package configs

import (
	"fmt"
	"strings"
	"time"

	"ringfence/report"
)

// Report is what becomes of the reports of people who were called: key 9 in a warned call, or the
// feature code dialled later.
type Report struct {
	// FeatureCode is what members of the site dial to report their last caller, such as *96110: digits
	// with a * or # among them, so that it is nobody's number. Default: none.
	FeatureCode FeatureCode `yaml:"feature_code"`
	// Webhook is the reporting centre that is told of each report.
	Webhook Webhook `yaml:"webhook"`
	// Weight is what one report adds to the score of a number. 1 to 100. Default: 20.
	Weight int `yaml:"weight" reload:"restart"`
	// PerReporterPerDay bounds the reports of one person that count. 1 to 1000. Default: 10.
	PerReporterPerDay int `yaml:"per_reporter_per_day" reload:"restart"`
	// HalfLife is how long it takes until a report counts half. 1h to 365d. Default: 14d.
	HalfLife Duration `yaml:"half_life" reload:"restart"`
}

// Webhook is a reporting centre that is told of each report by HTTP.
type Webhook struct {
	// URL is where reports are posted: https, or http on this machine. Default: none; they are posted
	// nowhere.
	URL string `yaml:"url" reload:"restart"`
	// SecretFile holds the keys that reports are signed with, one a line, of 16 characters or more. It is
	// read at each report. Required with a URL.
	SecretFile string `yaml:"secret_file" reload:"restart"`
	// Timeout is how long one attempt may take. What fails is tried again. 1s to 60s. Default: 10s.
	Timeout Duration `yaml:"timeout" reload:"restart"`
}

// FeatureCode is what a member of the site dials to have the gateway do something; empty: there is none.
type FeatureCode string

// UnmarshalText reads up to 16 digits, stars and hashes, of which one is no digit.
func (f *FeatureCode) UnmarshalText(text []byte) error {
	s := string(text)
	if s != "" && (len(s) > 16 || !strings.ContainsAny(s, "*#") || strings.Trim(s, "0123456789*#") != "") {
		return fmt.Errorf("%q is not a feature code (write at most 16 digits with a * or # among them, such as *96110)", s)
	}
	*f = FeatureCode(s)
	return nil
}

func (r *Report) validate(d *document) {
	w := &r.Webhook
	if w.URL != "" && w.SecretFile == "" {
		d.missing("report.webhook.secret_file", "reports are signed, so that the centre can tell them from forged ones")
	}
	within(d, "report.webhook.timeout", w.Timeout, Duration(time.Second), Duration(time.Minute))
	within(d, "report.weight", r.Weight, 1, 100)
	within(d, "report.per_reporter_per_day", r.PerReporterPerDay, 1, 1000)
	within(d, "report.half_life", r.HalfLife, Duration(time.Hour), Duration(365*day))
}

// check rejects a webhook that cannot be used: a URL that shows reports to the network, a file without keys.
func (w *Webhook) check(d *document) {
	if w.URL == "" {
		return
	}
	if err := report.CheckURL(w.URL); err != nil {
		d.reject("report.webhook.url", "%v", err)
	}
	if _, err := report.ReadKeys(w.SecretFile); w.SecretFile != "" && err != nil {
		d.reject("report.webhook.secret_file", "%v", err)
	}
}
