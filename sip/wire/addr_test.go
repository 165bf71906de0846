package wire

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHostAddr(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::1": "::1", "::ffff:192.0.2.1": "192.0.2.1", "example.com": "", "1.2.3": "",
		"2001:db8:::192.0.2.1": "2001:db8::192.0.2.1", "2001:db8:::1": "", "2001:db8::::192.0.2.1": "", "fe80::1%eth0": "", "1.2.3.4.5": "", "192.0.02.1": "", "192.0.2.0": "192.0.2.0", "256.1.1.1": "", "1..2.3": "", "": "", "a.b.c.1": "",
	} {
		addr, ok := HostAddr([]byte(text))
		if ok != (want != "") || ok && addr != netip.MustParseAddr(want) {
			t.Errorf("%q: %v, %v", text, addr, ok)
		}
	}
}

// Every way of writing an IPv6 address is read as net/netip reads it, and what that refuses is refused.
func TestParseIPv6(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ip [16]byte
		for i := range ip {
			ip[i] = rapid.OneOf(rapid.Just(byte(0)), rapid.Byte()).Draw(t, "byte")
		}
		addr := netip.AddrFrom16(ip)
		text := rapid.SampledFrom([]string{addr.String(), addr.StringExpanded(), strings.ToUpper(addr.String()), addr.String()[:len(addr.String())/2] + "::192.0.2.1"}).Draw(t, "text")
		if rapid.Bool().Draw(t, "damaged") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text = text[:at] + rapid.SampledFrom([]string{"", ":", "::", "0", "f", "g", "."}).Draw(t, "by") + text[at+rapid.IntRange(0, 1).Draw(t, "over"):]
		}
		want, err := netip.ParseAddr(text)
		got, ok := parseIPv6([]byte(text))
		tolerated := strings.Contains(text, ":::") // RFC 5118 §4.10
		if ok != (err == nil && want.Is6()) && !tolerated || err == nil && ok && got != want {
			t.Fatalf("%q is read as %v, %v; want %v, %v", text, got, ok, want, err)
		}
	})
}

func TestHostAddrDoesNotAllocate(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "2001:db8::9:1", "::ffff:192.0.2.1", "pbx.example"} {
		host := []byte(text)
		if n := testing.AllocsPerRun(100, func() { HostAddr(host) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
