package configs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const withTLS = `
sip: {listen: ["tls://192.0.2.1"], advertise: gw.example, tls: {certificate: cert.pem, key: key.pem, client_ca: cert.pem, roots: cert.pem}}
trunks: [{name: carrier, class: voip, sources: [198.51.100.1]}]
pbx: {targets: ["sip:pbx.example;transport=tls"]}
`

var (
	begin  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	expiry = time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
)

// certify writes a certificate for a host and its key into dir.
func certify(t *testing.T, dir, host string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: begin, NotAfter: expiry,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", cert)
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	certify(t, dir, "gw.example")
	c, err := Parse("gw.yaml", []byte(withTLS), dir)
	if err != nil {
		t.Fatal(err)
	}
	id := c.Identity()
	if id == nil || id.ClientCAs == nil || id.Roots == nil || id.Certificate.PrivateKey == nil || !id.Expiry().Equal(expiry) {
		t.Errorf("identity %+v", id)
	}
	checkShown(t, c)

	none, err := Parse("f", []byte(minimal), dir)
	if err != nil || none.Identity() != nil || none.Warnings(begin) != nil {
		t.Errorf("without sip.tls: %+v, %v", none.Identity(), err)
	}
	plain := strings.Replace(withTLS, ", client_ca: cert.pem, roots: cert.pem", "", 1)
	if c, err = Parse("f", []byte(plain), dir); err != nil || c.Identity().ClientCAs != nil || c.Identity().Roots != nil {
		t.Errorf("without authorities: %+v, %v", c.Identity(), err)
	}
}

func TestKeyOfAnotherCertificate(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	certify(t, dir, "gw.example")
	certify(t, other, "gw.example")
	source := strings.Replace(withTLS, "key: key.pem", "key: "+filepath.Join(other, "key.pem"), 1)
	_, err := Parse("gw.yaml", []byte(source), dir)
	if err == nil || !strings.Contains(err.Error(), "gw.yaml:2:") || !strings.Contains(err.Error(), "is not the key of the certificate in "+filepath.Join(dir, "cert.pem")) {
		t.Errorf("got %v", err)
	}
	checkProblems(t, err)
}

func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	certify(t, dir, "gw.example")
	elsewhere := strings.Replace(withTLS, "advertise: gw.example", "advertise: 192.0.2.1", 1)
	for _, test := range []struct {
		source string
		now    time.Time
		want   []string // parts of the warnings
	}{
		{withTLS, begin.Add(time.Hour), nil},
		{withTLS, expiry.Add(-15 * 24 * time.Hour), nil},
		{withTLS, expiry.Add(-13 * 24 * time.Hour), []string{"expires on 2026-12-31"}},
		{withTLS, expiry.Add(time.Hour), []string{"expired on 2026-12-31"}},
		{withTLS, begin.Add(-time.Hour), []string{"good from 2026-01-01 on only"}},
		{elsewhere, begin.Add(time.Hour), []string{"not for the address 192.0.2.1, under which peers reach tls://192.0.2.1:5061"}},
		{strings.Replace(withTLS, "advertise: gw.example", "advertise: sip.example", 1), expiry, []string{"expires on", "not for the name sip.example"}},
	} {
		c, err := Parse("f", []byte(test.source), dir)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Warnings(test.now)
		if !slices.EqualFunc(got, test.want, strings.Contains) {
			t.Errorf("at %v: %q, want %q", test.now, got, test.want)
		}
	}
}
