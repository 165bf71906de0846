package wire

import (
	"net/netip"
	"testing"
)

func TestParseVia(t *testing.T) {
	tests := []struct {
		text, transport, host, branch string
		port                          uint16
		rport, ok                     bool
	}{
		{"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", "UDP", "192.0.2.1", "z9hG4bK1", 5060, true, true},
		{"SIP / 2.0 / TCP  example.com : 5061 ; BRANCH = x", "TCP", "example.com", "x", 5061, false, true},
		{"sip/2.0/udp [2001:db8::9]:5060;received=192.0.2.9", "udp", "2001:db8::9", "", 5060, false, true},
		{"SIP/2.0/UDP host", "UDP", "host", "", 0, false, true},
		{"SIP/2.0/UDP", "", "", "", 0, false, false},
		{"SIP/7.0/UDP host", "UDP", "host", "", 0, false, true},
		{"S(P/2.0/UDP host", "", "", "", 0, false, false},
		{"SIP//UDP host", "", "", "", 0, false, false},
		{"SIP/2.0/U(P host", "", "", "", 0, false, false},
		{"SIP/2.0/UDP host:99999", "", "", "", 0, false, false},
		{"SIP/2.0/UDP h(st", "", "", "", 0, false, false},
		{"", "", "", "", 0, false, false},
	}
	for _, test := range tests {
		v, ok := ParseVia([]byte(test.text))
		if ok != test.ok {
			t.Errorf("%s: ok %v, want %v", test.text, ok, test.ok)
			continue
		}
		if ok && (string(v.Transport) != test.transport || string(v.Host) != test.host || v.Port != test.port ||
			string(v.Branch) != test.branch || v.HasRPort != test.rport) {
			t.Errorf("%s: %+v", test.text, v)
		}
	}
}

// TestStamp shows what the receiver of a request notes in its Via (RFC 3261 §18.2.1, RFC 3581 §4).
func TestStamp(t *testing.T) {
	peer := netip.MustParseAddrPort("198.51.100.7:40000")
	tests := []struct{ name, via, want string }{
		{"address as written", "SIP/2.0/UDP 198.51.100.7;branch=b", "SIP/2.0/UDP 198.51.100.7;branch=b"},
		{"another address", "SIP/2.0/UDP 10.0.0.1:5060;branch=b", "SIP/2.0/UDP 10.0.0.1:5060;branch=b;received=198.51.100.7"},
		{"a name", "SIP/2.0/UDP pbx.example ;branch=b", "SIP/2.0/UDP pbx.example;branch=b;received=198.51.100.7"},
		{"rport", "SIP/2.0/UDP 198.51.100.7;rport;branch=b", "SIP/2.0/UDP 198.51.100.7;rport=40000;branch=b;received=198.51.100.7"},
		{"a false received", "SIP/2.0/UDP 198.51.100.7;received=203.0.113.1;branch=b", "SIP/2.0/UDP 198.51.100.7;branch=b"},
		{"overload control (RFC 7339)", "SIP/2.0/UDP 198.51.100.7;branch=b;oc;oc-algo=\"loss,A\"", "SIP/2.0/UDP 198.51.100.7;branch=b;oc;oc-algo=\"loss,A\""},
		{"no parameters", " SIP/2.0/UDP 10.0.0.1 ", "SIP/2.0/UDP 10.0.0.1;received=198.51.100.7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, ok := ParseVia([]byte(test.via))
			if !ok {
				t.Fatal("not read")
			}
			if got := string(v.AppendStamp(nil, peer)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestResponseAddr(t *testing.T) {
	peer := netip.MustParseAddrPort("198.51.100.7:40000")
	for text, want := range map[string]string{
		"SIP/2.0/UDP 10.0.0.1:5080;branch=b":                   "198.51.100.7:5080",
		"SIP/2.0/UDP 10.0.0.1;branch=b":                        "198.51.100.7:5060",
		"SIP/2.0/UDP 10.0.0.1:5080;branch=b;rport":             "198.51.100.7:40000",
		"SIP/2.0/UDP 10.0.0.1:5080;maddr=203.0.113.5;branch=b": "198.51.100.7:5080",
	} {
		v, _ := ParseVia([]byte(text))
		if got := v.ResponseAddr(peer); got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

func FuzzParseVia(f *testing.F) {
	for _, seed := range []string{"SIP/2.0/UDP a;branch=z9hG4bKx;rport=;received=1", "SIP / 2.0 / UDP [::1] : 5", "SIP/2.0/UDP a;x=\"", "a/b/c"} {
		f.Add([]byte(seed))
	}
	peer := netip.MustParseAddrPort("192.0.2.7:5099")
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := ParseVia(b)
		if !ok {
			return
		}
		stamped := v.AppendStamp(nil, peer)
		again, ok := ParseVia(stamped)
		if !ok {
			t.Fatalf("%q became %q, which cannot be read", b, stamped)
		}
		if string(again.Branch) != string(v.Branch) || again.HasRPort != v.HasRPort {
			t.Errorf("%q became %q: branch or rport changed", b, stamped)
		}
	})
}
