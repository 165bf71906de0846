package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Check is one thing that must be so for the gateway to be of use.
type Check struct {
	Name string
	// Required says that the gateway can take no calls while the check fails. A check that is not
	// required is shown when it fails, and the gateway stays ready.
	Required bool
	// Probe says whether it is so, and in a few words what is seen. It answers at once, from memory,
	// and may be called from several goroutines.
	Probe func() (ok bool, message string)
}

// The states of a check, and of the gateway: the worst of its checks.
const (
	stateOK       = "ok"
	stateDegraded = "degraded" // a check fails that is not required
	stateFailed   = "failed"   // a required check fails
)

// report is the answer of /readyz.
type report struct {
	State  string   `json:"state"`
	Checks []result `json:"checks"`
}

type result struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Required bool   `json:"required"`
	Message  string `json:"message,omitempty"`
}

// probe asks every check.
func probe(checks []Check) report {
	r := report{State: stateOK, Checks: make([]result, 0, len(checks))}
	for _, c := range checks {
		ok, message := c.Probe()
		state := stateOK
		switch {
		case !ok && c.Required:
			state, r.State = stateFailed, stateFailed
		case !ok:
			state = stateDegraded
			if r.State == stateOK {
				r.State = stateDegraded
			}
		}
		r.Checks = append(r.Checks, result{c.Name, state, c.Required, message})
	}
	return r
}

// text is the report for people: the state, then one line a check, separated by tabs.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.State)
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", c.State, c.Name, oneLine.Replace(c.Message))
	}
	return b.String()
}

// oneLine keeps a message on its line and in its column.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

// readiness answers with the state of the checks, as JSON to those who ask for it (Accept:
// application/json) and as text to all others; 503 when the gateway can take no calls.
func readiness(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := probe(checks)
		status := http.StatusOK
		if found.State == stateFailed {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Vary", "Accept")
		if !strings.Contains(r.Header.Get("Accept"), "application/json") {
			writeText(w, status, found.text())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(found) // an error means that the client has gone
	})
}
