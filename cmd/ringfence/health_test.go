package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// runHealth runs `ringfence health` with these arguments and returns what it prints.
func runHealth(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newHealthCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestHealth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := "ok\n"
		if r.URL.Path == "/readyz" {
			answer = "failed\n"
			if r.Header.Get("Accept") == "application/json" {
				answer = `{"state":"failed"}`
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(answer)) // the client sees what is missing
	}))
	admin := strings.TrimPrefix(server.URL, "http://")

	for _, c := range []struct {
		args      []string
		want      string
		wantError string
	}{
		{[]string{"--admin", admin}, "ok\n", ""},
		{[]string{"--admin", admin, "--ready"}, "failed\n", "503"},
		{[]string{"--admin", admin, "--ready", "--json"}, `{"state":"failed"}`, "503"},
		{[]string{"--admin", "127.0.0.1:port"}, "", "--admin takes ADDRESS:PORT"},
	} {
		got, err := runHealth(t, c.args...)
		if got != c.want || (err == nil) != (c.wantError == "") {
			t.Errorf("health %q prints %q, %v; want %q", c.args, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), c.wantError) {
			t.Errorf("health %q: %v; want %q in it", c.args, err, c.wantError)
		}
	}

	server.Close()
	if _, err := runHealth(t, "--admin", admin); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("nobody listens: %v", err)
	}
}
