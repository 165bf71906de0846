package configs

import (
	"strings"
	"time"
)

// Warnings are what is likely wrong with a configuration that is right in itself, each with its key.
func (c *Config) Warnings(now time.Time) []string {
	warnings := c.identity.warnings(&c.SIP, now)
	if strings.HasPrefix(c.Report.Webhook.URL, "http:") {
		warnings = append(warnings, "report.webhook.url: reports name people, and http shows them to the network: use https")
	}
	return warnings
}
