package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options is what the console shows.
type Options struct {
	Node    string // name of the gateway
	Version string // of the program
	Checks  []Check
	Metrics []Metric
	Log     *slog.Logger // nil: slog.Default
}

// maxScrapes bounds the scrapes served at one time; more get 503.
const maxScrapes = 4

// New makes the handler:
//
//	GET /         what there is
//	GET /healthz  200 while the process can answer at all: restart it when it cannot
//	GET /readyz   the checks; 503 while a required one fails: send it no calls
//	GET /metrics  for Prometheus
//
// The error says which metric is not right.
func New(o Options) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	for _, m := range o.Metrics {
		if err := m.validate(); err != nil {
			return nil, err
		}
		if err := registry.Register(newCollector(m)); err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.Name, err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK, fmt.Sprintf("Ringfence %s, node %s\n\n/healthz\n/readyz\n/metrics\n", o.Version, o.Node))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK, "ok\n")
	})
	mux.Handle("GET /readyz", readiness(o.Checks))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(o.Log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError, // one wrong sample must not hide the others
		MaxRequestsInFlight: maxScrapes,
		Timeout:             10 * time.Second,
	}))
	return guard(mux), nil
}

// guard sets the headers that keep a browser from making anything of an answer but what it is, and
// refuses requests that another site makes a browser send.
func guard(next http.Handler) http.Handler {
	withHeaders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(withHeaders)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // an error means that the client has gone
}
