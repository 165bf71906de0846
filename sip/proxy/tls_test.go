package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"ringfence/call"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// tlsBench is a bench with a listener for TLS (number 2), and targets as they are given.
func tlsBench(t *testing.T, targets ...Target) *bench {
	b := newBench(t)
	cfg := *b.core.cfg
	cfg.Listeners = append(cfg.Listeners, Listener{
		Protocol: transport.TLS, Addr: netip.AddrPortFrom(ownAddr.Addr(), 5061), Host: "192.0.2.10", Port: 5061,
	})
	cfg.Targets = targets
	b.core.configure(&cfg)
	return b
}

var (
	overTLS   = transport.Flow{Peer: netip.MustParseAddrPort("198.51.100.7:40000"), Conn: 9, Listener: 2, Protocol: transport.TLS}
	tlsTarget = Target{Name: "secure", Host: "pbx.example", Port: 5061, Protocol: transport.TLS}
	udpTarget = Target{Name: "plain", Host: "10.0.0.20", Port: 5060}
)

// tlsInvite is an INVITE as it comes over TLS, to a Request-URI of ours.
func tlsInvite(branch, uri string) string {
	text := strings.Replace(request("INVITE", branch, ""), "SIP/2.0/UDP 198.51.100.7:5060", "SIP/2.0/TLS 198.51.100.7", 1)
	return strings.Replace(text, "sip:+862155500001@192.0.2.10 SIP", uri+" SIP", 1)
}

func TestBridgingTLS(t *testing.T) {
	b := tlsBench(t, tlsTarget, udpTarget)
	over := func(proto string, p netip.AddrPort, listener uint16) transport.Flow {
		f := transport.Flow{Peer: p, Listener: listener}
		if proto == "tls" {
			f.Protocol = transport.TLS
		}
		return f
	}
	pbxTLS := netip.MustParseAddrPort("10.0.0.30:5061")
	b.locate(tlsTarget, pbxTLS)

	// UDP in, TLS out: two Record-Routes, the topmost for the side the request goes to.
	sent := only(t, b.give(trunkAddr, request("INVITE", "in", "")), "INVITE ")
	if sent.flow != over("tls", pbxTLS, 2) {
		t.Errorf("sent on %+v", sent.flow)
	}
	wantInOrder(t, sent.text, "INVITE sip:+862155500001@pbx.example:5061;transport=tls SIP/2.0\r\n",
		"Record-Route: <sip:192.0.2.10:5061;transport=tls;lr;", "Record-Route: <sip:192.0.2.10:5060;lr;", "Via: SIP/2.0/TLS 192.0.2.10:5061;branch=")

	// TLS in and out again, within the call: the way back is the connection, or port 5061.
	answer := respond(t, sent.text, 200)
	only(t, b.giveOver(over("tls", pbxTLS, 2), answer), "SIP/2.0 200")
	_, routes, _ := strings.Cut(answer, "Record-Route: ")
	first, rest, _ := strings.Cut(routes, "\r\n")
	second, _, _ := strings.Cut(strings.TrimPrefix(rest, "Record-Route: "), "\r\n")
	bye := "BYE sip:10.0.0.30;transport=tls SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n" +
		"Route: " + second + ", " + first + "\r\n" +
		"From: <sip:+8613800138000@198.51.100.7>;tag=a\r\nTo: <sip:+862155500001@192.0.2.10>;tag=pbx\r\nCall-ID: call-in\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
	if out := only(t, b.give(trunkAddr, bye), "BYE "); out.flow != over("tls", pbxTLS, 2) || strings.Contains(out.text, "Route:") {
		t.Errorf("sent on %+v\n%s", out.flow, out.text)
	}
}

func wantInOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q is not, or not in its place, in\n%s", part, text)
			return
		}
		rest = after
	}
}

func TestReplyToTLS(t *testing.T) {
	b := tlsBench(t, udpTarget)
	answers := b.giveOver(overTLS, tlsInvite("1", "sip:+862155500001@192.0.2.10:5061;transport=tls"))
	want := overTLS
	want.Peer = netip.AddrPortFrom(want.Peer.Addr(), 5061) // should the connection be gone
	if trying := only(t, answers, "SIP/2.0 100"); trying.flow != want {
		t.Errorf("answered on %+v, want %+v", trying.flow, want)
	}
	wantInOrder(t, only(t, answers, "INVITE ").text, "INVITE sip:+862155500001@10.0.0.20:5060 SIP/2.0\r\n",
		"Record-Route: <sip:192.0.2.10:5060;lr;", "Record-Route: <sip:192.0.2.10:5061;transport=tls;lr;",
		"Via: SIP/2.0/UDP 192.0.2.10:5060;", "Via: SIP/2.0/TLS 198.51.100.7;")
}

// A SIPS URI goes over TLS all the way or not at all (RFC 3261 §26.2.2, RFC 5630).
func TestSIPS(t *testing.T) {
	const uri = "sips:+862155500001@192.0.2.10"
	literal := Target{Name: "secure", Host: "10.0.0.30", Port: 5061, Protocol: transport.TLS}
	tests := []struct {
		name    string
		flow    transport.Flow
		targets []Target
		answer  string
	}{
		{"over UDP", transport.Flow{Peer: trunkAddr}, []Target{literal}, "SIP/2.0 480"},
		{"no target over TLS", overTLS, []Target{udpTarget}, "SIP/2.0 480"},
		{"TLS all the way", overTLS, []Target{udpTarget, literal}, ""},
	}
	for _, test := range tests {
		b := tlsBench(t, test.targets...)
		answers := b.giveOver(test.flow, tlsInvite("1", uri))
		if test.answer != "" {
			if got := only(t, answers, test.answer); !strings.Contains(got.text, "\r\nWarning: 380 ringfence \"SIPS Not Allowed\"\r\n") {
				t.Errorf("%s: no warning in\n%s", test.name, got.text)
			}
			continue
		}
		sent := only(t, answers, "INVITE ")
		if sent.flow.Protocol != transport.TLS {
			t.Errorf("%s: sent on %+v", test.name, sent.flow)
		}
		wantInOrder(t, sent.text, "INVITE sips:+862155500001@10.0.0.30:5061 SIP/2.0\r\n", "Record-Route: <sips:192.0.2.10:5061;lr;")
		if n := strings.Count(sent.text, "Record-Route:"); n != 1 {
			t.Errorf("%s: %d Record-Routes", test.name, n)
		}
		// It does not move on to the target that would break the promise.
		b.giveOver(sent.flow, respond(t, sent.text, 503))
		if b.records[0].Outcome.Attempts != 1 || b.records[0].Outcome.Status != 500 {
			t.Errorf("%s: outcome %+v", test.name, b.records[0].Outcome)
		}
	}
	b := newBench(t) // has no TLS at all
	only(t, b.give(trunkAddr, tlsInvite("1", uri)), "SIP/2.0 416")
}

// A diversion does not leave TLS either.
func TestSIPSIsNotDiverted(t *testing.T) {
	b := tlsBench(t, tlsTarget)
	b.verdict = call.Verdict{Treatment: call.Divert{Target: "voicemail"}, Reason: "listed"}
	only(t, b.giveOver(overTLS, tlsInvite("1", "sips:+862155500001@192.0.2.10")), "SIP/2.0 480")
}

func TestTransportOf(t *testing.T) {
	tests := []struct {
		uri      string
		protocol transport.Protocol
		port     uint16
		ok       bool
	}{
		{"sip:a@h", transport.UDP, 5060, true},
		{"sip:a@h:5070;transport=UDP", transport.UDP, 5070, true},
		{"sip:a@h;transport=tcp", transport.TCP, 5060, true},
		{"sip:a@h;transport=TLS", transport.TLS, 5061, true},
		{"sip:a@h:5060;transport=tls", transport.TLS, 5060, true},
		{"sip:a@h;transport=sctp", transport.UDP, 5060, false},
		{"sips:a@h", transport.TLS, 5061, true},
		{"sips:a@h;transport=tcp", transport.TLS, 5061, true},
		{"sips:a@h;transport=udp", transport.UDP, 5060, false},
		{"tel:+1", transport.UDP, 5060, false},
	}
	for _, test := range tests {
		uri := mustURI(t, test.uri)
		protocol, port, ok := transportOf(&uri)
		if protocol != test.protocol || port != test.port || ok != test.ok {
			t.Errorf("%s: %v %d %v", test.uri, protocol, port, ok)
		}
	}
}

// Whom TLS must find at the far end: the host that was named; at the address of a target, the target.
func TestServerToVerify(t *testing.T) {
	b := tlsBench(t, tlsTarget)
	b.locate(tlsTarget, netip.MustParseAddrPort("10.0.0.30:5061"))
	for text, want := range map[string]string{
		"sip:a@b.example;transport=tls":                "b.example",
		"sip:a@b.example;transport=tls;maddr=10.0.0.9": "",
		"sip:a@10.0.0.30;transport=tls":                "pbx.example",
		"sip:a@10.0.0.30:7000;transport=tls":           "pbx.example",
		"sip:a@10.0.0.31;transport=tls":                "",
		"sip:a@10.0.0.30":                              "",
	} {
		uri := mustURI(t, text)
		if hop, ok := b.core.hopTo(&uri, -1); !ok || hop.server != want {
			t.Errorf("%s: %q, %v; want %q", text, hop.server, ok, want)
		}
	}
	if hop, ok := b.core.hopToPlace(b.core.targets[0].places[0]); !ok || hop.server != "pbx.example" {
		t.Errorf("the target: %q, %v", hop.server, ok)
	}
}

func mustURI(t *testing.T, text string) wire.URI {
	t.Helper()
	uri, ok := wire.ParseURI([]byte(text))
	if !ok {
		t.Fatalf("%s cannot be read", text)
	}
	return uri
}
