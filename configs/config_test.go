package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/call"
)

// minimal is the shortest configuration that is right.
const minimal = `
sip: {listen: ["udp://192.0.2.1:5060"]}
trunks: [{name: carrier, class: voip, sources: [198.51.100.1]}]
pbx: {targets: ["sip:192.0.2.10"]}
`

// Every refused configuration in testdata/bad stands beside the error a person gets for it.
func TestRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".err")
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), source, "testdata/bad")
			if got := fmt.Sprintf("%v\n", err); got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			checkProblems(t, err)
		})
	}
}

// Every file that is shipped is right, and says again what it says when it is rendered.
func TestShipped(t *testing.T) {
	for _, file := range []string{"ringfence.yaml", "demo.yaml"} {
		c, err := Load(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		checkShown(t, c)
	}
	c, err := Parse("f", []byte(minimal+"rules: {overrides: {answer-only-400-800: {domestic: allow}}, labels: {loan: 贷款}, anonymous: {voip: label}}\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	checkShown(t, c)
}

// checkShown fails t unless the rendered configuration reads as the same configuration.
func checkShown(t *testing.T, c *Config) {
	t.Helper()
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseOnly(shown)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, shown)
	}
	second, err := again.Show()
	if err != nil || !bytes.Equal(shown, second) {
		t.Errorf("shown\n%s\nand again\n%s%v", shown, second, err)
	}
}

// parseOnly is Parse but for the compiling of rules, which costs a thousand times the rest.
func parseOnly(source []byte) (*Config, error) {
	c, d := parse("f", source)
	c.complete(d, ".")
	c.validate(d)
	return c, d.err()
}

// What is commented out in the complete example is what happens without it.
func TestExampleStatesDefaults(t *testing.T) {
	source, err := os.ReadFile("ringfence.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, err := Parse("ringfence.yaml", source, ".")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, key := range []string{
		"ring_timeout", "try_next_after", "drain_timeout", "max_setup", "max_rate", "max_tcp_connections",
		"large_requests",
		"prefix", "database", "sources",
		"addresses", "advertise", "silence", "nat",
		"language", "announce", "challenge", "transfer",
		"weight", "per_reporter_per_day", "half_life",
	} {
		commented := "  # " + key + ": "
		if !strings.Contains(text, commented) {
			t.Errorf("%s is not in the example", key)
		}
		text = strings.Replace(text, commented, "  "+key+": ", 1)
	}
	for _, key := range []string{"menu", "repeat", "choose_within", "answer_within", "video", "caller_hears"} {
		commented := "    # " + key + ": "
		if !strings.Contains(text, commented) {
			t.Errorf("%s is not in the example", key)
		}
		text = strings.Replace(text, commented, "    "+key+": ", 1)
	}
	after, err := Parse("ringfence.yaml", []byte(text), ".")
	if err != nil {
		t.Fatal(err)
	}
	one, _ := before.Show()
	two, _ := after.Show()
	if !bytes.Equal(one, two) {
		t.Errorf("without the keys\n%s\nwith them\n%s", one, two)
	}
}

func TestDefaultIsTheDemo(t *testing.T) {
	c, err := Default("/tmp/demo")
	if err != nil {
		t.Fatal(err)
	}
	if c.StateDir != "/tmp/demo" || c.Audit.Database != "/tmp/demo/audit.db" || c.Lists.Store.Reveal() != "file:/tmp/demo/lists.tsv" {
		t.Errorf("state %s, log %s, lists %s", c.StateDir, c.Audit.Database, c.Lists.Store)
	}
	classes := map[string]call.Class{}
	for _, trunk := range c.Trunks {
		classes[trunk.Name] = trunk.Class
	}
	if classes["carrier"] != call.ClassDomestic || classes["intl"] != call.ClassInternational || classes["itsp"] != call.ClassVoIP {
		t.Errorf("trunks %v", classes)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Parse("minimal.yaml", []byte(minimal), "/etc/ringfence")
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	for what, pair := range map[string][2]any{
		"node":      {c.Node, host},
		"state":     {c.StateDir, "/etc/ringfence/state"},
		"timer C":   {time.Duration(c.SIP.RingTimeout), 200 * time.Second},
		"next":      {time.Duration(c.SIP.TryNextAfter), 4 * time.Second},
		"drain":     {time.Duration(c.SIP.DrainTimeout), 30 * time.Second},
		"setup":     {c.SIP.MaxSetup, 20000},
		"rate":      {c.SIP.MaxRate, 50000},
		"host":      {c.SIP.Host(c.SIP.Listen[0]), "192.0.2.1"},
		"plan":      {c.Plan(), call.Plan{Country: "86", International: "00", National: "0"}},
		"failure":   {c.Trunks[0].OnFailure, FailOpen},
		"health":    {c.PBX.Health, Health{Duration(time.Second), Duration(time.Second), 2}},
		"store":     {c.Lists.Store.Reveal(), "file:/etc/ringfence/state/lists.tsv"},
		"prefix":    {c.Lists.Prefix, "ringfence:"},
		"database":  {c.Audit.Database, "/etc/ringfence/state/audit.db"},
		"retention": {time.Duration(c.Audit.Retention), 180 * 24 * time.Hour},
		"admin":     {c.Admin.Listen, "127.0.0.1:9160"},
		"level":     {c.Log.Level.Level(), slog.LevelInfo},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
}

// A relative path begins at the folder of the file, wherever the process is and whatever the path is
// written for.
func TestRelativePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text := minimal + "state_dir: var\nlists: {password_file: ../secret, store: 'file:lists/main.tsv'}\nadmin: {listen: ''}\n"
	if err := os.Mkdir("etc", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("etc/gw.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load("etc/gw.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.StateDir:             "etc/var",
		c.Audit.Database:       "etc/var/audit.db",
		c.Lists.PasswordFile:   "secret",
		c.Lists.Store.Reveal(): "etc/lists/main.tsv",
	} {
		if want = filepath.Join(here, want); strings.TrimPrefix(got, "file:") != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTrunkPlan(t *testing.T) {
	source := strings.Replace(minimal, "class: voip", `class: voip, numbers: national, numbering: {national: "", area: 021}`, 1)
	c, err := Parse("f", []byte(source+"numbering: {country: 44, area: 20}\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	want := call.Plan{Format: call.FormatNational, Country: "44", International: "00", National: "", Area: "021"}
	if got := c.TrunkPlan(&c.Trunks[0]); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A password in the URL of the store is in no text but the one that is asked for.
func TestSecretIsNotShown(t *testing.T) {
	c, err := Parse("f", []byte(minimal+"lists: {store: 'redis://gw:geheim@redis.example:6379/0'}\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Lists.Store.Reveal(), "geheim") {
		t.Error("the password is lost")
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("store", "url", c.Lists.Store, "lists", c.Lists)
	text, err := json.Marshal(c.Lists)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		string(shown), log.String(), string(text),
		fmt.Sprint(c.Lists), fmt.Sprintf("%+v %#v %s %q", c.Lists, c.Lists, c.Lists.Store, c.Lists.Store), fmt.Sprintf("%v", c),
	} {
		if strings.Contains(shown, "geheim") || !strings.Contains(shown, "redis.example") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestRestartNeeded(t *testing.T) {
	running, err := Parse("f", []byte(minimal), ".")
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string][]string{
		minimal: nil,
		strings.Replace(minimal, "name: carrier", "name: other, trusted: true", 1):         nil,
		strings.Replace(minimal, "sip:192.0.2.10", "sip:192.0.2.11", 1):                    nil,
		minimal + "divert: {voicemail: 'sip:vm@192.0.2.10'}\nredress: {phone: 110}\n":      nil,
		strings.Replace(minimal, `5060"]`, `5060"], ring_timeout: 300s, max_setup: 10`, 1): nil,
		strings.Replace(minimal, `5060"]`, `5061"]`, 1):                                    {"sip.listen"},
		strings.Replace(minimal, `5060"]`, `5060"], advertise: gw.example`, 1):             {"sip.advertise"},
		minimal + "state_dir: other\n":                                                     {"state_dir", "lists.store", "audit.database"},
		minimal + "node: other\nadmin: {listen: ''}\nlog: {level: debug, format: json}\n":  {"node", "admin.listen", "log.level", "log.format"},
	} {
		wanted, err := Parse("f", []byte(source), ".")
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := RestartNeeded(running, wanted); !slices.Equal(got, want) {
			t.Errorf("%s\ngives %q, want %q", source, got, want)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load("testdata/nowhere.yaml")
	if err == nil || err.Error() != "testdata/nowhere.yaml: cannot be read: no such file or directory" {
		t.Errorf("got %v", err)
	}
	if _, err = Load("testdata"); err == nil || err.Error() != "testdata: cannot be read: it is not a regular file" {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(source)
		}
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, err := parseOnly(source)
		checkProblems(t, err)
		if err == nil {
			checkShown(t, c)
		}
	})
}
