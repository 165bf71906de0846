package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/configs"
	"ringfence/media"
	"ringfence/sip/proxy"
	"ringfence/sip/redress"
	"ringfence/sip/transport"
	"ringfence/sip/treatment"
)

// writeTreatingConfig writes the configuration of a gateway on loopback, with more keys under treatments.
func writeTreatingConfig(t *testing.T, file string, port int, treatments string) {
	t.Helper()
	text := `
sip: {listen: ["udp://127.0.0.1:%d"]}
trunks: [{name: carrier, class: voip, sources: [127.0.0.1]}]
pbx: {targets: ["sip:127.0.0.9:5070"], health: {interval: 0}}
divert: {voicemail: {uri: "sip:vm@127.0.0.9:5070", fallback: queue}, queue: "sip:queue@127.0.0.9:5070"}
media: {ports: 21000-21019}
treatments: {prompts: prompts, %s}
admin: {listen: ""}
`
	if err := os.WriteFile(file, fmt.Appendf(nil, text, port, treatments), 0o600); err != nil {
		t.Fatal(err)
	}
}

// drop puts a sound into the site's folder of prompts.
func drop(t *testing.T, folder, name string, sound []byte) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shipped is a sound that comes with Ringfence.
func shipped(t *testing.T, name string) []byte {
	t.Helper()
	sound, err := fs.ReadFile(configs.Prompts(), name)
	if err != nil {
		t.Fatal(err)
	}
	return sound
}

// Settings and prompts change in a running gateway. Calls that began keep the settings they began with.
func TestTreatmentsAreReloaded(t *testing.T) {
	dir := t.TempDir()
	prompts, file := filepath.Join(dir, "prompts"), filepath.Join(dir, "gateway.yaml")
	port := freePort(t)
	drop(t, prompts, "zh/officials.wav", shipped(t, "zh/digit-1.wav"))
	writeTreatingConfig(t, file, port, "warn: {voicemail: voicemail}")
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
	spoken := func() time.Duration {
		prompt, ok := a.treating.prompts.Load().Get("officials", "zh")
		if !ok {
			t.Fatal("there is no prompt")
		}
		return prompt.Duration()
	}
	begun := a.treating.options.Load()
	one := spoken()
	if begun.Warn.Voicemail != "voicemail" || begun.Warn.Repeat != 2 || begun.Fallbacks["voicemail"] != "queue" {
		t.Errorf("at first %+v", begun)
	}
	if ok, detail := probe(t, a, "treatments"); !ok || detail != "0 calls, 10 pairs of RTP ports free" {
		t.Errorf("ready: %t, %s", ok, detail)
	}

	drop(t, prompts, "zh/officials.wav", shipped(t, "zh/loan.wav"))
	a.treating.refreshPrompts()
	if spoken() <= one {
		t.Errorf("a file that was dropped is not heard: %v, before %v", spoken(), one)
	}

	drop(t, prompts, "zh/officials.wav", []byte("no sound"))
	writeTreatingConfig(t, file, port, "warn: {repeat: 3}, language: en, transfer: pass")
	a.reload(file)
	if ok, detail := probe(t, a, "treatments"); ok || !strings.Contains(detail, "officials.wav") {
		t.Errorf("with a file that is no sound: %t, %s", ok, detail)
	}
	if spoken() <= one {
		t.Errorf("a file that is no sound took the place of the one before")
	}
	now := a.treating.options.Load()
	if now.Warn.Repeat != 3 || now.Warn.Voicemail != "" || now.Language != "en" || !now.PassTransfers {
		t.Errorf("after the reload %+v", now)
	}
	if begun.Warn.Repeat != 2 || begun.Language != "zh" {
		t.Errorf("the settings of calls that had begun have changed: %+v", begun)
	}
}

// noReports takes no reports.
type noReports struct{}

func (noReports) Report(*call.Record)                        {}
func (noReports) ReportLast(*call.Record, func(string)) bool { return false }

// noRecords keeps no records.
type noRecords struct{}

func (noRecords) Append(*call.Record) {}

// A call for which there may be no port is not taken: it goes on without a warning, and does not fail.
func TestCallsAreNotTakenWithoutPorts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.yaml")
	drop(t, filepath.Join(dir, "prompts"), "zh/officials.wav", shipped(t, "zh/digit-1.wav"))
	writeTreatingConfig(t, file, 5060, "language: zh")
	cfg, err := configs.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	treats, err := newTreating(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, wire := transport.Pipe(proxy.CoreAddr, proxy.AgentAddr)
	a, err := treats.starter(cfg, noRecords{}, noReports{})(wire)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(a.Close(t.Context()), treats.close()); err != nil {
			t.Error(err)
		}
	}()
	record := &call.Record{Reference: "1"}
	if !a.Take(record) || !a.Return(record) {
		t.Error("a call is not taken although there is room")
	}
	for treats.engine.Free() >= minReserve {
		leg, err := treats.engine.Open(netip.MustParseAddr("127.0.0.1"), func(media.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		defer leg.Close()
	}
	if a.Take(record) {
		t.Errorf("a call is taken with %d pairs of ports free", treats.engine.Free())
	}
}

// Every setting reaches the treatments.
func TestTreatmentOptions(t *testing.T) {
	source := `
sip: {listen: ["udp://127.0.0.1:5060"]}
trunks: [{name: carrier, class: voip, sources: [127.0.0.1]}]
pbx: {targets: ["sip:127.0.0.9:5070"]}
divert: {vm: {uri: "sip:vm@127.0.0.9", fallback: line}, line: "sip:line@127.0.0.9", ears: "sip:ears@127.0.0.9"}
treatments:
  language: en
  languages: [{called: "+8621*", language: zh}]
  warn:
    menu: false
    repeat: 4
    answer_within: 31s
    choose_within: 7s
    voicemail: vm
    reporting_line: line
    listen_in: ears
    video: by-key
    caller_hears: announcement
  announce: {answer: true}
  challenge: {answer: true, tries: 3, within: 5s, remember: 1h}
  transfer: pass
redress: {phone: "1", url: "https://a.example", jcard_url: "https://b.example"}
`
	cfg, err := configs.Parse("f", []byte(source), ".")
	if err != nil {
		t.Fatal(err)
	}
	want := treatment.Options{
		Language: "en", Languages: []treatment.Spoken{{Called: cfg.Treatments.Languages[0].Called, Language: "zh"}},
		Warn: treatment.WarnOptions{
			Repeat: 4, AnswerWithin: 31 * time.Second, ChooseWithin: 7 * time.Second,
			Voicemail: "vm", ReportingLine: "line", ListenIn: "ears", VideoByKey: true, Announcement: true,
		},
		Announce:      treatment.AnnounceOptions{Answer: true},
		Challenge:     treatment.ChallengeOptions{Answer: true, Tries: 3, Within: 5 * time.Second, Remember: time.Hour},
		Redress:       redress.Contact{Phone: "1", URL: "https://a.example", JCard: "https://b.example"},
		Fallbacks:     map[string]string{"vm": "line"},
		PassTransfers: true,
	}
	if got := fmt.Sprintf("%+v", *treatmentOptions(cfg)); got != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %s\nwant %+v", got, want)
	}
}

// check says which files of the site cannot be used as prompts.
func TestCheckWarnsOfPrompts(t *testing.T) {
	dir := t.TempDir()
	drop(t, filepath.Join(dir, "prompts"), "zh/officials.wav", []byte("no sound"))
	file := filepath.Join(dir, "gateway.yaml")
	writeTreatingConfig(t, file, 5060, "language: zh")
	cmd := newCheckCommand()
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{file})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\nwarning\ttreatments.prompts: ") || !strings.Contains(out.String(), "zh/officials.wav") {
		t.Errorf("no warning in\n%s", out.String())
	}
}

// Legs to the PBX have their media where the PBX is, if the gateway can be there, too.
func TestFamilyOfThePBX(t *testing.T) {
	v4, v6 := configs.Address{Addr: netip.MustParseAddr("192.0.2.1")}, configs.Address{Addr: netip.MustParseAddr("2001:db8::1")}
	for name, test := range map[string]struct {
		hosts []string
		media []configs.Address
		v6    bool
	}{
		"IPv6":                  {[]string{"2001:db8::20"}, []configs.Address{v4, v6}, true},
		"IPv4":                  {[]string{"192.0.2.20"}, []configs.Address{v4, v6}, false},
		"a name":                {[]string{"pbx.example"}, []configs.Address{v4, v6}, false},
		"a name, and only IPv6": {[]string{"pbx.example"}, []configs.Address{v6}, true},
		"IPv6, and only IPv4":   {[]string{"2001:db8::20"}, []configs.Address{v4}, false},
		"both, and only IPv4":   {[]string{"2001:db8::20", "192.0.2.20"}, []configs.Address{v4}, false},
	} {
		cfg := &configs.Config{Media: configs.Media{Addresses: test.media}}
		for _, host := range test.hosts {
			cfg.PBX.Targets = append(cfg.PBX.Targets, configs.URI{Host: host})
		}
		if got := pbxAddress(cfg); got.Is6() != test.v6 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
