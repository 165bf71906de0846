package configs

import (
	"encoding"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// readable is a value that reads itself from text and writes itself again.
type readable interface {
	encoding.TextUnmarshaler
	String() string
}

// What each type reads, and how it writes it; "" is refused.
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		new   func() readable
		texts map[string]string
	}{
		{func() readable { return new(URI) }, map[string]string{
			"sip:192.0.2.1":                           "sip:192.0.2.1:5060",
			"sip:192.0.2.1:5080":                      "sip:192.0.2.1:5080",
			"sip:pbx.example;transport=tcp":           "sip:pbx.example;transport=tcp",
			"sip:pbx.example:5070;transport=udp":      "sip:pbx.example:5070",
			"sip:pbx.example;transport=udp":           "sip:pbx.example;transport=udp",
			"sip:pbx.example":                         "sip:pbx.example",
			"sip:192.0.2.1;transport=tls":             "sip:192.0.2.1:5061;transport=tls",
			"sip:pbx.example:":                        "",
			"sip:pbx.example;transport=tls":           "sip:pbx.example;transport=tls",
			"sip:pbx.example:5060;transport=tls":      "sip:pbx.example:5060;transport=tls",
			"sip:[2001:db8::1]:5080":                  "sip:[2001:db8::1]:5080",
			"sip:[2001:db8::1]":                       "sip:[2001:db8::1]:5060",
			"sip:voicemail@192.0.2.1":                 "sip:voicemail@192.0.2.1:5060",
			"sip:+862155056666@pbx":                   "sip:+862155056666@pbx",
			"sip:":                                    "",
			"sip:@192.0.2.1":                          "",
			"sip:a b@192.0.2.1":                       "",
			"sip:a@b@192.0.2.1":                       "",
			"sip:a\r\nX: y@192.0.2.1":                 "",
			"sip:192.0.2.1:0":                         "",
			"sip:192.0.2.1:":                          "",
			"sip:192.0.2.300":                         "",
			"sip:[192.0.2.1]":                         "",
			"sip:[2001:db8::1":                        "",
			"sip:[2001:db8::1]5060":                   "",
			"sip:[fe80::1%eth0]":                      "",
			"sip:2001:db8::1":                         "",
			"sip:pbx_1":                               "",
			"sip:-pbx":                                "",
			"sip:" + strings.Repeat("a", 64):          "",
			"sip:pbx;lr":                              "",
			"sip:pbx?Subject=x":                       "",
			"sips:pbx":                                "",
			"tel:+862155056666":                       "",
			"192.0.2.1":                               "",
			"":                                        "",
			"<sip:192.0.2.1>":                         "",
			"sip:" + strings.Repeat("u", 65) + "@pbx": "",
		}},
		{func() readable { return new(Listener) }, map[string]string{
			"udp://0.0.0.0:5060":     "udp://0.0.0.0:5060",
			"tcp://[::]:5080":        "tcp://[::]:5080",
			"udp://192.0.2.1":        "udp://192.0.2.1:5060",
			"udp://[::ffff:1.2.3.4]": "udp://1.2.3.4:5060",
			"tls://192.0.2.1":        "tls://192.0.2.1:5061",
			"tls://[::]:5060":        "tls://[::]:5060",
			"sctp://192.0.2.1":       "",
			"UDP://192.0.2.1":        "",
			"udp:192.0.2.1":          "",
			"udp://gw.example":       "",
			"udp://":                 "",
			"udp://192.0.2.1:65536":  "",
			"192.0.2.1:5060":         "",
		}},
		{func() readable { return new(Network) }, map[string]string{
			"192.0.2.0/24":     "192.0.2.0/24",
			"192.0.2.1":        "192.0.2.1",
			"192.0.2.1/32":     "192.0.2.1",
			"0.0.0.0/0":        "0.0.0.0/0",
			"2001:db8::/32":    "2001:db8::/32",
			"2001:db8::1":      "2001:db8::1",
			"::ffff:192.0.2.1": "192.0.2.1",
			"::ffff:0:0/96":    "",
			"fe80::1%eth0":     "",
			"192.0.2.1/24":     "",
			"192.0.2/24":       "",
			"192.0.2.0/33":     "",
			"carrier.example":  "",
			"":                 "",
		}},
		{func() readable { return new(Duration) }, map[string]string{
			"4s":           "4s",
			"0":            "0s",
			"0s":           "0s",
			"500ms":        "500ms",
			"90s":          "1m30s",
			"60m":          "1h",
			"90m":          "1h30m",
			"24h":          "1d",
			"180d":         "180d",
			"36500d":       "36500d",
			"36501d":       "",
			"-4s":          "",
			"-1d":          "",
			"1.5d":         "",
			"d":            "",
			"99999999999d": "",
			"30":           "",
			"4 s":          "",
			"":             "",
		}},
	} {
		for text, want := range c.texts {
			v := c.new()
			err := v.UnmarshalText([]byte(text))
			if got := v.String(); err == nil && got != want || (err == nil) != (want != "") {
				t.Errorf("%T of %q is %q, %v, want %q", v, text, got, err, want)
			}
		}
	}
}

func TestHost(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "[2001:db8::1]": "2001:db8::1", "2001:db8::1": "2001:db8::1", "gw.example": "gw.example", "": "",
	} {
		var h Host
		if err := h.UnmarshalText([]byte(text)); err != nil || string(h) != want {
			t.Errorf("%q is %q, %v", text, h, err)
		}
	}
	for _, text := range []string{"0.0.0.0", "::", "gw.example:5060", "sip:gw", "gw example", "1.2.3", "fe80::1%eth0"} {
		var h Host
		if err := h.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %q", text, h)
		}
	}
}

// What a URI writes, it reads as the same URI.
func TestURIRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := URI{
			User:      rapid.StringMatching(`[a-z0-9+_.-]{0,20}`).Draw(t, "user"),
			Host:      rapid.SampledFrom([]string{"192.0.2.1", "2001:db8::1", "pbx", "pbx-1.example.org"}).Draw(t, "host"),
			Port:      rapid.Uint16Min(1).Draw(t, "port"),
			Transport: rapid.SampledFrom([]string{"udp", "tcp", "tls"}).Draw(t, "transport"),
		}
		_, noAddr := netip.ParseAddr(want.Host)
		if noAddr != nil && rapid.Bool().Draw(t, "located") {
			want.Port = 0
			if rapid.Bool().Draw(t, "any transport") {
				want.Transport = ""
			}
		}
		var got URI
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s gives %+v, %v", want, got, err)
		}
	})
}

// What a Duration writes, it reads as the same time.
func TestDurationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Duration(rapid.Int64Range(0, int64(maxDuration/time.Millisecond)).Draw(t, "ms")) * Duration(time.Millisecond)
		var got Duration
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s gives %s, %v", want, got, err)
		}
	})
}
