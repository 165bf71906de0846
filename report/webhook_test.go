package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const key1, key2 = "0123456789abcdef-one", "0123456789abcdef-two"

func keyFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// center is a reporting centre over TLS, and a webhook that trusts it.
func center(t *testing.T, handle http.HandlerFunc) *Webhook {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	w, err := NewWebhook(server.URL+"/reports?token=hidden", keyFile(t, key1+"\n"+key2+"\n"), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w.client.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	return w
}

func TestWebhookPosts(t *testing.T) {
	body := []byte(`{"version":1}`)
	var problems []string
	w := center(t, func(_ http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		check := func(what string, is bool) {
			if !is {
				problems = append(problems, what)
			}
		}
		check("method", r.Method == http.MethodPost)
		check("body", err == nil && string(got) == string(body))
		check("type", r.Header.Get("Content-Type") == "application/json")
		check("idempotency", r.Header.Get("Idempotency-Key") == "some-id")
		var seconds int64
		_, err = fmt.Sscanf(r.Header.Get(SignatureHeader), "t=%d,", &seconds)
		at := time.Unix(seconds, 0)
		check("time", err == nil && time.Since(at) < time.Minute)
		check("signature", r.Header.Get(SignatureHeader) == Sign([][]byte{[]byte(key1), []byte(key2)}, at, body))
	})
	if err := w.deliver(t.Context(), "some-id", body); err != nil || problems != nil {
		t.Errorf("deliver = %v, wrong: %v", err, problems)
	}
}

func TestWebhookJudgesAnswers(t *testing.T) {
	redirected := false
	w := center(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscanf(r.Header.Get("Idempotency-Key"), "%d", &status); err != nil {
			redirected = true
			return
		}
		w.Header().Set("Retry-After", "120")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "no such form"+strings.Repeat(" ", 1<<20))
	})
	for status, want := range map[int]string{
		200: "", 202: "", 204: "",
		301: "retry", 307: "retry",
		400: "refused", 409: "refused", 422: "refused",
		401: "retry", 403: "retry", 404: "retry", 408: "retry", 429: "later", 500: "retry", 502: "retry", 503: "later",
	} {
		err := w.deliver(t.Context(), fmt.Sprint(status), nil)
		var later *laterError
		got := "retry"
		switch {
		case err == nil:
			got = ""
		case errors.Is(err, ErrRefused):
			got = "refused"
		case errors.As(err, &later):
			got = "later"
			if later.after != 2*time.Minute {
				t.Errorf("%d: after %v", status, later.after)
			}
		}
		if got != want {
			t.Errorf("%d: %s (%v), want %s", status, got, err, want)
		}
		if err != nil && len(err.Error()) > maxAnswer+500 {
			t.Errorf("%d: an error of %d bytes", status, len(err.Error()))
		}
	}
	if redirected {
		t.Error("a redirect was followed")
	}
}

func TestWebhookTrustsOnlyWhatIsCertified(t *testing.T) {
	w := center(t, func(http.ResponseWriter, *http.Request) { t.Error("a report went to a stranger") })
	w.client.Transport.(*http.Transport).TLSClientConfig = nil // the system's authorities
	err := w.deliver(t.Context(), "id", nil)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("deliver = %v", err)
	}
}

func TestWebhookDoesNotWaitLong(t *testing.T) {
	release := make(chan struct{})
	w := center(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the server closes
	w.client.Timeout = 50 * time.Millisecond
	if err := w.deliver(t.Context(), "id", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deliver = %v", err)
	}
}

func TestNewWebhookRefuses(t *testing.T) {
	good := keyFile(t, key1)
	for name, c := range map[string]struct{ url, keys, want string }{
		"no host":       {"https:///x", good, "write https://HOST/PATH"},
		"plain http":    {"http://center.example/x", good, "write https://"},
		"other scheme":  {"ftp://127.0.0.1/x", good, "write https://"},
		"no file":       {"https://center.example/x", "absent", "no such file"},
		"empty file":    {"https://center.example/x", keyFile(t, "\n \n"), "holds 0 keys"},
		"short key":     {"https://center.example/x", keyFile(t, "secret"), "at least 16"},
		"too many keys": {"https://center.example/x", keyFile(t, strings.Repeat(key1+"\n", 5)), "holds 5 keys"},
		"huge file":     {"https://center.example/x", keyFile(t, strings.Repeat("x", 1<<20)), "1048576 bytes"},
	} {
		if _, err := NewWebhook(c.url, c.keys, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, url := range []string{"http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x", "https://center.example/x"} {
		if _, err := NewWebhook(url, good, 0); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// docs/reports.md shows a report, its signature and how to verify it: all of it is true.
func TestDocumentedWebhook(t *testing.T) {
	text, err := os.ReadFile("../docs/reports.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	block := func(language, holds string) string {
		t.Helper()
		for _, part := range strings.Split(doc, "```"+language+"\n")[1:] {
			if code, _, _ := strings.Cut(part, "```"); strings.Contains(code, holds) {
				return strings.TrimSpace(code)
			}
		}
		t.Fatalf("docs/reports.md has no %s block with %q", language, holds)
		return ""
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if verify := block("go", "func verify("); !strings.Contains(string(source), verify) {
		t.Error("the function verify of docs/reports.md is not that of example_test.go")
	}
	r := record(t, 1)
	r.Facts.Peer, r.Facts.UserAgent, r.Facts.Media.Video = netip.MustParseAddrPort("203.0.113.7:5060"), "dialler 2.1", true
	r.Treated = treated()
	shown := newReport("gw1", ViaMenu, r.Facts.Time.Add(20*time.Second), r)
	want, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if got := block("json", `"version"`); got != string(want) {
		t.Errorf("docs/reports.md shows\n%s\nand a report is\n%s", got, want)
	}
	exchange := block("console", SignatureHeader)
	header := strings.TrimPrefix(Sign([][]byte{[]byte(key1)}, time.Unix(1764000000, 0), []byte(`{"version":1}`)), "t=1764000000,v1=")
	if !strings.Contains(exchange, header) {
		t.Errorf("docs/reports.md does not show the signature %s", header)
	}
}
