package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// get asks the handler for a path; accept may be empty.
func get(t *testing.T, h http.Handler, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newConsole(t *testing.T, o Options) http.Handler {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func check(name string, required, ok bool, message string) Check {
	return Check{name, required, func() (bool, string) { return ok, message }}
}

func TestReadiness(t *testing.T) {
	target := func(ok bool) Check { return check("targets", true, ok, "1 of 2 answer") }
	lists := func(ok bool) Check { return check("lists", false, ok, "not synced;\n1000 entries of yesterday") }
	for _, c := range []struct {
		name       string
		checks     []Check
		wantStatus int
		wantText   string
	}{
		{"nothing to check", nil, 200, "ok\n"},
		{"all well", []Check{target(true), lists(true)}, 200, "ok\nok\ttargets\t1 of 2 answer\nok\tlists\tnot synced; 1000 entries of yesterday\n"},
		{"degraded", []Check{target(true), lists(false)}, 200, "degraded\nok\ttargets\t1 of 2 answer\ndegraded\tlists\tnot synced; 1000 entries of yesterday\n"},
		{"failed", []Check{target(false), lists(true)}, 503, "failed\nfailed\ttargets\t1 of 2 answer\nok\tlists\tnot synced; 1000 entries of yesterday\n"},
		{"failed and degraded", []Check{target(false), lists(false)}, 503, "failed\nfailed\ttargets\t1 of 2 answer\ndegraded\tlists\tnot synced; 1000 entries of yesterday\n"},
		{"degraded before failed", []Check{lists(false), target(false)}, 503, "failed\ndegraded\tlists\tnot synced; 1000 entries of yesterday\nfailed\ttargets\t1 of 2 answer\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newConsole(t, Options{Checks: c.checks})
			text := get(t, h, "/readyz", "")
			if text.Code != c.wantStatus || text.Body.String() != c.wantText {
				t.Errorf("got %d\n%swant %d\n%s", text.Code, text.Body, c.wantStatus, c.wantText)
			}
			asJSON := get(t, h, "/readyz", "application/json")
			var r report
			if err := json.Unmarshal(asJSON.Body.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			state, _, _ := strings.Cut(c.wantText, "\n")
			if asJSON.Code != c.wantStatus || r.State != state || len(r.Checks) != len(c.checks) {
				t.Errorf("JSON is %d %+v", asJSON.Code, r)
			}
		})
	}
}

// The process is alive whatever its checks say.
func TestHealth(t *testing.T) {
	h := newConsole(t, Options{Checks: []Check{check("targets", true, false, "none")}})
	if w := get(t, h, "/healthz", ""); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestIndex(t *testing.T) {
	h := newConsole(t, Options{Node: "gw-1", Version: "v1.2.3"})
	if w := get(t, h, "/", ""); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "Ringfence v1.2.3, node gw-1\n") {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if w := get(t, h, "/nothing", ""); w.Code != http.StatusNotFound {
		t.Errorf("got %d for a path there is not", w.Code)
	}
}

func TestGuard(t *testing.T) {
	h := newConsole(t, Options{})
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/nothing"} {
		header := get(t, h, path, "").Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options":  "nosniff",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-store",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	post := httptest.NewRequest(http.MethodPost, "/healthz", nil)
	post.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, post)
	if w.Code != http.StatusForbidden {
		t.Errorf("a request of another site gets %d", w.Code)
	}
	post.Header.Del("Sec-Fetch-Site")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, post)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST gets %d", w.Code)
	}
}

// calls is a metric as the gateway has them.
func calls(collect func(emit func(value float64, labels ...string))) Metric {
	return Metric{Name: "ringfence_calls_total", Help: "Call attempts by verdict.", Kind: Counter, Labels: []string{"trunk", "reason"}, Collect: collect}
}

func TestMetrics(t *testing.T) {
	h := newConsole(t, Options{Metrics: []Metric{
		calls(func(emit func(float64, ...string)) {
			emit(3, "carrier-a", "clean")
			emit(1, "intl", "official-code-from-abroad")
		}),
		{Name: "ringfence_target_up", Help: "Whether the target answers.", Kind: Gauge, Labels: []string{"target"}, Collect: func(emit func(float64, ...string)) {
			emit(1, "sip:192.0.2.10:5060")
			emit(0, "sip:[2001:db8::1234:5678]:5060")
		}},
	}})
	w := get(t, h, "/metrics", "")
	if w.Code != http.StatusOK {
		t.Fatalf("got %d", w.Code)
	}
	for _, want := range []string{
		"# HELP ringfence_calls_total Call attempts by verdict.\n# TYPE ringfence_calls_total counter\n",
		"ringfence_calls_total{reason=\"official-code-from-abroad\",trunk=\"intl\"} 1\n",
		"ringfence_target_up{target=\"sip:192.0.2.10:5060\"} 1\n",
		"ringfence_target_up{target=\"sip:[2001:db8::1234:5678]:5060\"} 0\n",
		"\ngo_goroutines ", "\nprocess_start_time_seconds ", "\ngo_build_info{",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is not in\n%s", want, w.Body)
		}
	}
	problems, err := promlint.New(w.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ringfence_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// A sample that is not right is left out and reported; the others are served.
func TestWrongSamples(t *testing.T) {
	for name, c := range map[string]struct {
		emit    func(emit func(float64, ...string))
		wantLog string
	}{
		"telephone number":      {func(emit func(float64, ...string)) { emit(7, "carrier-a", "+8613800138000") }, "could be a telephone number"},
		"number with hyphens":   {func(emit func(float64, ...string)) { emit(7, "carrier-a", "021-5505 6666") }, "could be a telephone number"},
		"too few labels":        {func(emit func(float64, ...string)) { emit(7, "carrier-a") }, "label"},
		"the same series twice": {func(emit func(float64, ...string)) { emit(7, "x", "y"); emit(8, "x", "y") }, "was collected before"},
		"too many": {func(emit func(float64, ...string)) {
			for i := range 3 * maxSeries {
				emit(1, "x", fmt.Sprintf("reason-%d", i))
			}
		}, "more than 2000 samples"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h := newConsole(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: []Metric{calls(func(emit func(float64, ...string)) {
				emit(3, "carrier-a", "clean")
				c.emit(emit)
			})}})
			w := get(t, h, "/metrics", "")
			body := w.Body.String()
			if w.Code != http.StatusOK || !strings.Contains(body, "ringfence_calls_total{reason=\"clean\",trunk=\"carrier-a\"} 3\n") {
				t.Errorf("got %d\n%.2000s", w.Code, body)
			}
			if strings.Contains(body, "138001") || strings.Contains(body, "6666") || strings.Count(body, "\nringfence_calls_total{") > maxSeries {
				t.Errorf("shown\n%.2000s", body)
			}
			if !strings.Contains(log.String(), c.wantLog) {
				t.Errorf("the log says\n%.2000s", &log)
			}
		})
	}
}

func TestWrongMetrics(t *testing.T) {
	none := func(func(float64, ...string)) {}
	for want, metrics := range map[string][]Metric{
		`a name is ringfence_`:         {{Name: "calls_total", Help: "h", Kind: Counter, Collect: none}},
		`and no others, end in _total`: {{Name: "ringfence_calls", Help: "h", Kind: Counter, Collect: none}},
		`ringfence_entries_total`:      {{Name: "ringfence_entries_total", Help: "h", Kind: Gauge, Collect: none}},
		`Help and Collect`:             {{Name: "ringfence_entries", Kind: Gauge, Collect: none}},
		`label "Trunk"`:                {{Name: "ringfence_entries", Help: "h", Kind: Gauge, Labels: []string{"Trunk"}, Collect: none}},
		`ringfence_twice`:              {{Name: "ringfence_twice", Help: "h", Kind: Gauge, Collect: none}, {Name: "ringfence_twice", Help: "h", Kind: Gauge, Collect: none}},
	} {
		if _, err := New(Options{Metrics: metrics}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
