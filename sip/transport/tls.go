package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// Identity is who the gateway is to the peers of its TLS connections, and whom it believes.
type Identity struct {
	// Certificate is shown to every peer: to those that connect, and to those that ask for one when the
	// gateway connects (mutual TLS).
	Certificate tls.Certificate
	// ClientCAs are the authorities of which a peer that connects must show a certificate; nil: it needs
	// none.
	ClientCAs *x509.CertPool
	// Roots are the authorities of the servers that the gateway connects to; nil: those of the system.
	Roots *x509.CertPool
}

// Credentials hold the Identity in use. It may be replaced from any goroutine at any time; a
// connection keeps the one that it was made with. Zero Credentials have none, and every handshake fails.
type Credentials struct{ current atomic.Pointer[tlsConfigs] }

type tlsConfigs struct{ server, client *tls.Config }

// Use has all handshakes from now on made with this identity.
func (c *Credentials) Use(id *Identity) {
	certificates := []tls.Certificate{id.Certificate}
	configs := &tlsConfigs{
		server: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certificates},
		client: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certificates, RootCAs: id.Roots},
	}
	if id.ClientCAs != nil {
		configs.server.ClientAuth = tls.RequireAnyClientCert
		configs.server.VerifyConnection = func(state tls.ConnectionState) error {
			return verifyClient(state.PeerCertificates, id.ClientCAs)
		}
	}
	c.current.Store(configs)
}

// verifyClient checks the certificate of a peer that connects. SIP peers are servers in their turn and
// have one certificate for both, which authorities more and more issue for servers only: either use
// will do. RFC 5922 asks for none.
func verifyClient(chain []*x509.Certificate, authorities *x509.CertPool) error {
	intermediates := x509.NewCertPool()
	for _, cert := range chain[1:] {
		intermediates.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: intermediates,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
	return err
}

// handshake puts TLS over the stream's socket. A server must show that it is the host the message is for,
// by a name or address in its certificate (RFC 5922 §7; wildcards are taken, as carriers use them).
func (s *stream) handshake(ctx context.Context) bool {
	o := &s.network.options
	var configs *tlsConfigs
	if o.TLS != nil {
		configs = o.TLS.current.Load()
	}
	if configs == nil {
		return false
	}
	var conn *tls.Conn
	if s.accepted {
		conn = tls.Server(s.socket, configs.server)
	} else {
		config := configs.client.Clone()
		if config.ServerName = s.server; s.server == "" {
			config.ServerName = s.flow.Peer.Addr().WithZone("").String()
		}
		conn = tls.Client(s.socket, config)
	}
	ctx, cancel := context.WithTimeout(ctx, o.HandshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		s.network.complaints.Do(func() {
			o.Log.Warn("a TLS handshake failed", "peer", s.flow.Peer, "server", s.server, "error", err)
		})
		return false
	}
	s.conn = conn
	return true
}
