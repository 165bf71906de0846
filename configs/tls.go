package configs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"time"
)

// Identity is what the files of TLS hold.
type Identity struct {
	// Certificate is the gateway's own, with its key.
	Certificate tls.Certificate
	// ClientCAs are the authorities of peers that connect; nil when these need no certificate.
	ClientCAs *x509.CertPool
	// Roots are the authorities of servers that the gateway connects to; nil for those of the system.
	Roots *x509.CertPool
}

// Identity is what sip.tls names; nil without it.
func (c *Config) Identity() *Identity { return c.identity }

func (t *TLS) validate(d *document) {
	switch {
	case *t == TLS{}:
	case t.Certificate == "":
		d.missing("sip.tls.certificate", "the gateway's certificate in PEM form, with the intermediate ones behind it")
	case t.Key == "":
		d.missing("sip.tls.key", "the private key of the certificate, in PEM form")
	}
}

// readIdentity reads the files of sip.tls and rejects what cannot be used.
func (c *Config) readIdentity(d *document) *Identity {
	t := &c.SIP.TLS
	if t.Certificate == "" || t.Key == "" {
		return nil
	}
	id := &Identity{ClientCAs: readAuthorities(d, "sip.tls.client_ca", t.ClientCA), Roots: readAuthorities(d, "sip.tls.roots", t.Roots)}
	cert, key := readNamed(d, "sip.tls.certificate", t.Certificate), readNamed(d, "sip.tls.key", t.Key)
	if cert == nil || key == nil {
		return nil
	}
	if err := checkCertificate(cert); err != nil {
		d.reject("sip.tls.certificate", "%s cannot be used: %v", t.Certificate, err)
		return nil
	}
	var err error
	if id.Certificate, err = tls.X509KeyPair(cert, key); err != nil {
		d.reject("sip.tls.key", "%s is not the key of the certificate in %s: %v", t.Key, t.Certificate, err)
		return nil
	}
	return id
}

// readNamed reads a file that the key at path names; nil, after a problem was noted, if it cannot.
func readNamed(d *document, path, file string) []byte {
	text, err := readRegular(file)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		d.reject(path, "%s cannot be read: %v", file, err)
		return nil
	}
	return text
}

// readAuthorities reads a file of certificates; nil without a file.
func readAuthorities(d *document, path, file string) *x509.CertPool {
	if file == "" {
		return nil
	}
	text := readNamed(d, path, file)
	pool := x509.NewCertPool()
	if text != nil && !pool.AppendCertsFromPEM(text) {
		d.reject(path, "%s holds no certificate in PEM form", file)
	}
	return pool
}

// checkCertificate says what keeps the first block of a PEM text from being a certificate.
func checkCertificate(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New(`it does not begin with a certificate in PEM form ("-----BEGIN CERTIFICATE-----")`)
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}

// renewBefore is how long before its end a certificate should have been renewed.
const renewBefore = 14 * 24 * time.Hour

// Expiry is when the gateway's certificate ends, or an intermediate one behind it, if that is sooner.
func (id *Identity) Expiry() time.Time {
	expiry := id.Certificate.Leaf.NotAfter
	for _, der := range id.Certificate.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil && cert.NotAfter.Before(expiry) {
			expiry = cert.NotAfter
		}
	}
	return expiry
}

// Warning says what is wrong with the time of the certificate: it has expired, will within 14 days, or
// is not good yet. It is empty when nothing is.
func (id *Identity) Warning(now time.Time) string {
	const day = "2006-01-02"
	expiry := id.Expiry()
	switch begin := id.Certificate.Leaf.NotBefore; {
	case now.Before(begin):
		return fmt.Sprintf("the certificate is good from %s on only: peers refuse it", begin.Format(day))
	case now.After(expiry):
		return fmt.Sprintf("the certificate expired on %s: peers refuse it; renew it and reload", expiry.Format(day))
	case now.After(expiry.Add(-renewBefore)):
		return fmt.Sprintf("the certificate expires on %s: renew it and reload", expiry.Format(day))
	}
	return ""
}

// Warnings are what is likely wrong with a configuration that is right in itself: a certificate that
// is about to expire, or that is not for the name under which peers connect.
func (c *Config) Warnings(now time.Time) (warnings []string) {
	if c.identity == nil {
		return nil
	}
	if w := c.identity.Warning(now); w != "" {
		warnings = append(warnings, "sip.tls.certificate: "+w)
	}
	for _, l := range c.SIP.Listen {
		host := c.SIP.Host(l)
		if l.Transport != transportTLS || c.identity.Certificate.Leaf.VerifyHostname(host) == nil {
			continue
		}
		what := "name"
		if _, err := netip.ParseAddr(host); err == nil {
			what = "address"
		}
		warnings = append(warnings, fmt.Sprintf("sip.tls.certificate: it is not for the %s %s, under which peers reach %s: those that check refuse it", what, host, l))
	}
	return warnings
}
