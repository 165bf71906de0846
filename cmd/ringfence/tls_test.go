package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/configs"
	"ringfence/sip/transport/authority"
)

// writeTLSConfig writes the configuration of a gateway that listens on loopback for TLS. It returns the
// file's path.
func writeTLSConfig(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "gateway.yaml")
	text := `
sip: {listen: ["tls://127.0.0.1:%d"], tls: {certificate: cert.pem, key: key.pem}}
trunks: [{name: carrier, class: voip, sources: [127.0.0.1]}]
pbx: {targets: ["sip:127.0.0.9;transport=tls"], health: {interval: 0}}
admin: {listen: ""}
`
	if err := os.WriteFile(path, fmt.Appendf(nil, text, freePort(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort is a port of loopback that nobody listens on at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// shownTo is what the gateway's certificate is for, as a peer sees it.
func shownTo(t *testing.T, a *app, ca *authority.Authority) []string {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp4", a.gateway.Addrs()[0].String(),
		&tls.Config{RootCAs: ca.Pool(), ServerName: "gw.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].DNSNames
}

// probe asks one check of /readyz.
func probe(t *testing.T, a *app, name string) (ok bool, detail string) {
	t.Helper()
	for _, check := range a.checks() {
		if check.Name == name {
			return check.Probe()
		}
	}
	t.Fatalf("there is no check %s", name)
	return false, ""
}

// A renewed certificate is taken over by a reload; one that cannot be used is refused, and the old one
// stays. Readiness tells of its end in time.
func TestCertificateIsReloaded(t *testing.T) {
	dir := t.TempDir()
	ca := authority.New(t)
	ca.Write(dir, ca.IssueUntil(time.Now().Add(10*24*time.Hour), "gw.example", "old.example"))
	file := writeTLSConfig(t, dir)
	cfg, err := configs.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := startApp(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.drain(); err != nil {
			t.Error(err)
		}
	})
	if got := fmt.Sprint(shownTo(t, a, ca)); got != "[gw.example old.example]" {
		t.Errorf("at first %s", got)
	}
	if ok, detail := probe(t, a, "tls"); ok || !strings.Contains(detail, "expires on") {
		t.Errorf("ten days before the end: %v, %s", ok, detail)
	}

	ca.Write(dir, ca.Issue("gw.example", "new.example"))
	a.reload(file)
	if got := fmt.Sprint(shownTo(t, a, ca)); got != "[gw.example new.example]" {
		t.Errorf("after the reload %s", got)
	}
	if ok, detail := probe(t, a, "tls"); !ok || !strings.Contains(detail, "2099-01-01") {
		t.Errorf("renewed: %v, %s", ok, detail)
	}

	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("half of a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.reload(file)
	if ok, detail := probe(t, a, "configuration"); ok || !strings.Contains(detail, "is not the key of the certificate") {
		t.Errorf("with a broken key: %v, %s", ok, detail)
	}
	if got := fmt.Sprint(shownTo(t, a, ca)); got != "[gw.example new.example]" {
		t.Errorf("after a refused reload %s", got)
	}
}

// check passes a certificate that is about to expire, and says so.
func TestCheckWarnsOfCertificates(t *testing.T) {
	dir := t.TempDir()
	ca := authority.New(t)
	ca.Write(dir, ca.IssueUntil(time.Now().Add(24*time.Hour), "gw.example"))
	cmd := newCheckCommand()
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{writeTLSConfig(t, dir)})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\nwarning\tsip.tls.certificate: the certificate expires on ", "\nwarning\tsip.tls.certificate: it is not for the address 127.0.0.1"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, out.String())
		}
	}
}
