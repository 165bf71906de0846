package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthURL(t *testing.T) {
	for _, c := range []struct {
		listen string
		ready  bool
		want   string
	}{
		{"127.0.0.1:9160", false, "http://127.0.0.1:9160/healthz"},
		{"127.0.0.1:9160", true, "http://127.0.0.1:9160/readyz"},
		{"0.0.0.0:9160", false, "http://127.0.0.1:9160/healthz"},
		{"[::]:9160", false, "http://[::1]:9160/healthz"},
		{":9160", false, "http://127.0.0.1:9160/healthz"},
		{"[2001:db8::1]:9160", true, "http://[2001:db8::1]:9160/readyz"},
		{"", false, ""},
		{"9160", false, ""},
	} {
		got, err := healthURL(c.listen, c.ready)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("healthURL(%q, %v) = %q, %v, want %q", c.listen, c.ready, got, err, c.want)
		}
	}
}

func TestAskHealth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if r.Header.Get("Accept") == "application/json" {
			_, _ = w.Write([]byte("{}"))
			return
		}
		_, _ = w.Write([]byte("lists: not loaded\n"))
	}))
	var out bytes.Buffer
	if err := askHealth(t.Context(), &out, server.URL+"/healthz", false); err != nil || out.String() != "lists: not loaded\n" {
		t.Errorf("a 200: %v, printed %q", err, out.String())
	}
	out.Reset()
	err := askHealth(t.Context(), &out, server.URL+"/readyz", false)
	if err == nil || !strings.Contains(err.Error(), "503") || out.Len() == 0 {
		t.Errorf("a 503: %v, printed %q; want an error and the answer, which says what is wrong", err, out.String())
	}
	out.Reset()
	if err := askHealth(t.Context(), &out, server.URL+"/healthz", true); err != nil || out.String() != "{}" {
		t.Errorf("asked for JSON: %v, printed %q", err, out.String())
	}
	server.Close()
	if err := askHealth(t.Context(), &out, server.URL+"/healthz", false); err == nil {
		t.Error("nobody listening is no error")
	}
}
