package configs

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// Where RTP is received and sent to follows from what SIP listens on, unless something else is written.
func TestMediaAddresses(t *testing.T) {
	none := netip.Addr{}
	addr := netip.MustParseAddr
	for name, c := range map[string]struct {
		sip, media       string
		local4, reached4 netip.Addr
		local6, reached6 netip.Addr
	}{
		"the listener's":            {`listen: ["udp://192.0.2.1:5060"]`, "", addr("192.0.2.1"), addr("192.0.2.1"), none, none},
		"of both families":          {`listen: ["udp://[2001:db8::1]:5060", "udp://192.0.2.1:5060", "tcp://192.0.2.2:5060"]`, "", addr("192.0.2.1"), addr("192.0.2.1"), addr("2001:db8::1"), addr("2001:db8::1")},
		"advertised":                {`listen: ["udp://0.0.0.0:5060"], advertise: 203.0.113.1`, "", addr("0.0.0.0"), addr("203.0.113.1"), none, none},
		"advertised, one of two":    {`listen: ["udp://0.0.0.0:5060", "udp://[2001:db8::1]:5060"], advertise: 203.0.113.1`, "", addr("0.0.0.0"), addr("203.0.113.1"), addr("2001:db8::1"), addr("2001:db8::1")},
		"a wildcard peers know not": {`listen: ["udp://0.0.0.0:5060", "tcp://[::]:5060"], advertise: 203.0.113.1`, "", addr("0.0.0.0"), addr("203.0.113.1"), none, none},
		"its own":                   {`listen: ["udp://0.0.0.0:5060"], advertise: gw.example`, "addresses: [192.0.2.7], advertise: 203.0.113.7", addr("192.0.2.7"), addr("203.0.113.7"), none, none},
	} {
		source := strings.Replace(minimal, `listen: ["udp://192.0.2.1:5060"]`, c.sip, 1) + "media: {" + c.media + "}\n"
		cfg, err := Parse("f", []byte(source), ".")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		local4, reached4 := cfg.Media.Local(false)
		local6, reached6 := cfg.Media.Local(true)
		if local4 != c.local4 || reached4 != c.reached4 || local6 != c.local6 || reached6 != c.reached6 {
			t.Errorf("%s: %v as %v and %v as %v", name, local4, reached4, local6, reached6)
		}
		checkShown(t, cfg)
	}
}

// A gateway that speaks to nobody needs no address for it.
func TestMediaIsNotNeededWithoutTreatments(t *testing.T) {
	source := strings.Replace(minimal, "192.0.2.1:5060\"]", "0.0.0.0:5060\"], advertise: gw.example", 1)
	if _, err := Parse("f", []byte(source), "."); err == nil || !strings.Contains(err.Error(), "media.advertise") {
		t.Errorf("with the pack's warnings: %v", err)
	}
	source += "rules: {packs: [], watch: {all: label}}\n"
	if _, err := Parse("f", []byte(source), "."); err != nil {
		t.Errorf("without any: %v", err)
	}
	if _, err := Parse("f", []byte(source+"report: {feature_code: '*1'}\n"), "."); err == nil || !strings.Contains(err.Error(), "media.advertise") {
		t.Errorf("with a feature code: %v", err)
	}
}

func TestPortRange(t *testing.T) {
	for text, pairs := range map[string]int{
		"20000-29999": 5000, "1024-1025": 1, "65534-65535": 1,
		"": 0, "20000": 0, "20001-20010": 0, "20000-20010": 0, "1022-1999": 0, "30000-20001": 0, "20000-70001": 0, "a-b": 0,
		"20000-29999-1": 0, "-1-5": 0,
	} {
		var p PortRange
		err := p.UnmarshalText([]byte(text))
		if (err == nil) != (pairs > 0) || err == nil && (p.Pairs() != pairs || p.String() != text) {
			t.Errorf("%q is %s with %d pairs, %v", text, p, p.Pairs(), err)
		}
	}
}

func TestFeatureCode(t *testing.T) {
	for text, ok := range map[string]bool{
		"*96110": true, "96110#": true, "**1*": true, "": true, "96110": false, "*x": false, "* 1": false, "*12345678901234567": false,
	} {
		var f FeatureCode
		if err := f.UnmarshalText([]byte(text)); (err == nil) != ok || ok && string(f) != text {
			t.Errorf("%q is %q, %v", text, f, err)
		}
	}
}

func TestTreatmentDefaults(t *testing.T) {
	c, err := Parse("f", []byte(minimal), ".")
	if err != nil {
		t.Fatal(err)
	}
	want := Warn{
		Menu: true, Repeat: 2, AnswerWithin: Duration(time.Minute), ChooseWithin: Duration(15 * time.Second),
		Video: VideoNever, CallerHears: HearsRinging,
	}
	if got := c.Treatments; got.Warn != want || got.Language != LanguageChinese || got.Transfer != TransferRefuse ||
		got.Challenge != (Challenge{Tries: 2, Within: Duration(8 * time.Second), Remember: Duration(day)}) || got.Announce.Answer {
		t.Errorf("%+v", got)
	}
	if m := c.Media; m.Ports != (PortRange{20000, 29999}) || m.Silence != Duration(time.Minute) || m.NAT != 0 {
		t.Errorf("%+v", m)
	}
	if r := c.Report; r.FeatureCode != "" || r.Webhook.URL != "" || r.Weight != 20 || r.PerReporterPerDay != 10 || r.HalfLife != Duration(14*day) {
		t.Errorf("%+v", r)
	}
}

// A divert target is a URI, or a group of keys with a fallback.
func TestDivertTargets(t *testing.T) {
	c, err := Parse("f", []byte(minimal+"divert: {voicemail: 'sip:vm@192.0.2.10', queue: {uri: 'sip:q@192.0.2.10', fallback: voicemail}}\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	if vm, q := c.Divert["voicemail"], c.Divert["queue"]; vm.URI.User != "vm" || vm.Fallback != "" || q.URI.User != "q" || q.Fallback != "voicemail" {
		t.Errorf("%+v", c.Divert)
	}
	checkShown(t, c)
}

func TestWebhook(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/keys", []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("f", []byte(minimal+"report: {webhook: {url: 'https://centre.example/r', secret_file: keys}}\n"), dir)
	if err != nil || c.Report.Webhook.SecretFile != dir+"/keys" {
		t.Errorf("%q, %v", c.Report.Webhook.SecretFile, err)
	}
}
