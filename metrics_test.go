package ringfence_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringfence/sip/proxy"
)

// metricName is a metric of ours in a text.
var metricName = regexp.MustCompile(`ringfence_[a-z_]+`)

// documentedMetrics lists the metrics of the table in docs/operations.md.
func documentedMetrics(t *testing.T) []string {
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(ringfence_[a-z_]+)").FindAllSubmatch(readFile(t, "docs/operations.md"), -1) {
		names = append(names, string(row[1]))
	}
	return names
}

func TestAlerts(t *testing.T) {
	type rule struct {
		Alert, Expr string
		Labels      map[string]string
		Annotations map[string]string
	}
	file := readYAML[struct {
		Groups []struct{ Rules []rule }
	}](t, "configs/alerts.yml")
	manual := headings(readFile(t, "docs/operations.md"))
	metrics := documentedMetrics(t)
	alerts := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			alerts++
			if !slices.Contains(manual, rule.Annotations["section"]) {
				t.Errorf("%s: docs/operations.md has no heading %q", rule.Alert, rule.Annotations["section"])
			}
			if severity := rule.Labels["severity"]; severity != "page" && severity != "message" {
				t.Errorf("%s: severity %q is neither page nor message", rule.Alert, severity)
			}
			for _, name := range metricName.FindAllString(rule.Expr, -1) {
				if !slices.Contains(metrics, name) {
					t.Errorf("%s: the metric %s is not in the table of docs/operations.md", rule.Alert, name)
				}
			}
		}
	}
	if alerts == 0 || len(metrics) == 0 {
		t.Errorf("%d alerts, %d documented metrics: the test does not see them", alerts, len(metrics))
	}
}

// What the manual says is published is what the code publishes.
func TestMetricsAreDocumented(t *testing.T) {
	published := map[string]bool{}
	for _, file := range goFiles(t) {
		if file.IsTest() {
			continue
		}
		ast.Inspect(file.Syntax, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok {
				if text := unquote(literal); metricName.FindString(text) == text && text != "" {
					published[text] = true
				}
			}
			return true
		})
	}
	documented := documentedMetrics(t)
	for name := range published {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is published but not in the table of docs/operations.md", name)
		}
	}
	for _, name := range documented {
		if !published[name] {
			t.Errorf("docs/operations.md promises %s, which is not published", name)
		}
	}
}

// The manual names every cause for which the core drops a packet.
func TestDropCausesAreDocumented(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `ringfence_dropped_total.*$").Find(readFile(t, "docs/operations.md"))
	for _, cause := range proxy.DropCauses() {
		if !strings.Contains(string(row), "`"+cause.String()+"`") {
			t.Errorf("docs/operations.md does not name the cause %s", cause)
		}
	}
}
