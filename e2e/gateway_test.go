//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"ringfence/call"
)

// The addresses that the peers of every test use: the source address tells the trunks apart.
const (
	gatewayIP = "127.0.0.1"
	carrierIP = "127.0.0.2" // domestic
	intlIP    = "127.0.0.3" // international
	itspIP    = "127.0.0.4" // voip
	unknownIP = "127.0.0.9" // no trunk
	pbxIP     = "127.0.0.10"
	mailIP    = "127.0.0.11" // voicemail, where it is not the PBX
)

var configuration = template.Must(template.New("configuration").Parse(`node: e2e
state_dir: state
sip:
  listen: [udp://{{.Addr}}, tcp://{{.Addr}}]
  drain_timeout: 20s
numbering: {country: 86, international: 00, national: 0, area: 21, own_numbers: [+8621555000*]}
trunks:
  - {name: carrier, class: domestic, sources: [` + carrierIP + `], trusted: true}
  - {name: intl, class: international, sources: [` + intlIP + `]}
  - {name: itsp, class: voip, sources: [` + itspIP + `]}
pbx:
  targets: [{{range $i, $target := .Targets}}{{if $i}}, {{end}}"{{$target}}"{{end}}]
  sources: [` + pbxIP + `]
  health: {interval: 200ms, timeout: 500ms}
media: {ports: 12000-15999, nat: 5s} # baresip sends from another loopback address than it says
divert:
  reporting-line: "sip:reporting@{{.Divert}}"
  voicemail: "sip:voicemail@{{.Divert}}"
{{if .Treatments}}treatments: {{.Treatments}}
{{end}}report: {feature_code: "*96110"}
{{if .Store}}lists: {store: "{{.Store}}"}
{{end}}rules:
  packs: [cn]
  watch: {all: label} # nobody presses keys in these calls; those that treat have their own override
  overrides: {answer-only-400-800: {domestic: divert voicemail}, plus86-network-video: {voip: label}{{if .Override}}, {{.Override}}{{end}}}
redress: {phone: 021-5500-0000, url: "https://redress.example/appeal"}
admin: {listen: "{{.Admin}}"}
log: {level: info, format: text}
`))

// gateway is a running ringfence.
type gateway struct {
	Addr    netip.AddrPort // SIP, UDP and TCP
	Admin   string         // ADDRESS:PORT of health and metrics
	Targets []string       // SIP URIs of the PBX
	Divert  string         // ADDRESS:PORT of voicemail and reporting line
	Store   string         // URL of the lists; empty: a file

	Treatments string // the section of that name, as a flow mapping; empty: as they are by default
	Override   string // one more override of a rule

	config string // path of the configuration
	proc   *process
}

// prepare chooses the ports of a gateway before the PBX at these addresses and writes its
// configuration.
func prepare(t *testing.T, store string, targets ...string) *gateway {
	t.Helper()
	g := &gateway{
		Addr:  netip.MustParseAddrPort(address(gatewayIP, freePort(t, gatewayIP))),
		Admin: address(gatewayIP, freePort(t, gatewayIP)),
		Store: store, Divert: targets[0],
	}
	for _, target := range targets {
		g.Targets = append(g.Targets, "sip:"+target)
	}
	g.config = filepath.Join(t.TempDir(), "ringfence.yaml")
	g.configure(t)
	return g
}

// text is the gateway's configuration.
func (g *gateway) text(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := configuration.Execute(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (g *gateway) configure(t *testing.T) {
	t.Helper()
	write(t, g.config, g.text(t))
}

// serve starts the gateway and waits until it can take calls.
func (g *gateway) serve(t *testing.T) *gateway {
	t.Helper()
	g.proc = start(t, "gateway", executable, "serve", "--config", g.config)
	eventually(t, 15*time.Second, "the gateway is ready", func() bool {
		select {
		case <-g.proc.done:
			t.Fatalf("the gateway ended: %v", g.proc.err)
		default:
		}
		status, _ := g.get(t, "/readyz")
		return status == http.StatusOK
	})
	return g
}

// get asks the admin listener; status 0 is no answer.
func (g *gateway) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: 2 * time.Second}
	res, err := client.Get("http://" + g.Admin + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(text)
}

// metric is the sum of a metric over its labels, or the one with the labels that name has, too.
func (g *gateway) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	_, text := g.get(t, "/metrics")
	found := false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		sum, found = sum+value, true
	}
	if !found {
		t.Fatalf("no metric %s", name)
	}
	return sum
}

// list changes the lists from a process of its own.
func (g *gateway) list(t *testing.T, args ...string) {
	t.Helper()
	ringfence(t, append([]string{"list"}, append(args, "--config", g.config, "--author", "e2e", "--reason", "end-to-end test")...)...)
}

// records are what the call log says, once it holds n records.
func (g *gateway) records(t *testing.T, n int) (records []call.Record) {
	t.Helper()
	eventually(t, 10*time.Second, "the call log holds every call", func() bool {
		records = nil
		for line := range strings.Lines(ringfence(t, "calls", "list", "--config", g.config, "--json", "--limit", "0")) {
			var r struct{ Record call.Record }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			records = append(records, r.Record)
		}
		return len(records) >= n
	})
	if len(records) != n {
		t.Errorf("the call log holds %d records, want %d", len(records), n)
	}
	return records
}

// verify checks the chain of the call log.
func (g *gateway) verify(t *testing.T) {
	t.Helper()
	ringfence(t, "calls", "verify", "--config", g.config)
}
