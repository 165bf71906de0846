package ringfence_test

import (
	"fmt"
	"strings"
	"testing"
)

// levels is the one-way order of the house: a package imports packages of a lower level, or of its
// own top folder, and never a neighbour on its level.
var levels = map[string]int{
	"cmd":       4, // wires everything; holds no logic of its own
	"sip":       3,
	"console":   3,
	"configs":   3,
	"screening": 2,
	"blocklist": 2,
	"audit":     2,
	"report":    2,
	"media":     2,
	"call":      1, // the words everyone shares
}

// home says in which folders a library may be imported, and why only there.
type home struct {
	folders []string
	reason  string
}

// libraries gives every library from outside its home, so that a replacement touches one folder. A
// key ends at a path boundary: "golang.org/x/net" covers "golang.org/x/net/ipv4".
var libraries = map[string]home{
	"github.com/emiago/sipgo":             {[]string{"sip/agent", "sip/standin"}, "treated calls and stand-ins are user agents; the proxy works on the bytes"},
	"github.com/icholy/digest":            {[]string{"sip/agent", "sip/standin"}, "digest authentication is a user agent's matter"},
	"github.com/pion/rtp":                 {[]string{"media"}, "only media knows RTP"},
	"github.com/redis/go-redis/v9":        {[]string{"blocklist"}, "calls read the lists from memory; only the store talks to Redis"},
	"modernc.org/sqlite":                  {[]string{"audit"}, "the call log owns its database"},
	"github.com/pressly/goose/v3":         {[]string{"audit"}, "the call log migrates its own database"},
	"github.com/goccy/go-yaml":            {[]string{"configs"}, "configuration is read, and its errors placed, in one folder"},
	"github.com/prometheus/client_golang": {[]string{"console"}, "packages count in plain atomics; the console publishes them"},
	"github.com/spf13/cobra":              {[]string{"cmd"}, "commands and flags are the binary's alone"},
	"github.com/dchest/siphash":           {[]string{"sip"}, "it authenticates the routing tokens of the proxy"},
	"golang.org/x/net":                    {[]string{"sip", "bench"}, "it sends and receives datagrams in batches"},
	"golang.org/x/sys":                    {[]string{"sip", "media", "audit", "blocklist", "bench"}, "socket options, file locks and CPU clocks are the edges' matter"},
	"golang.org/x/text":                   {[]string{"screening", "sip"}, "names are normalised where they are compared"},
	"golang.org/x/time":                   {[]string{"sip", "blocklist", "console"}, "rates are limited where work comes in"},
	"golang.org/x/sync":                   {[]string{"cmd", "blocklist"}, "goroutines are grouped by their owners"},
}

// standard lists, for packages that must be pure, the standard packages that would end that.
var standard = map[string]map[string]string{
	"call": {
		"net":          "the shared words do no I/O (net/netip is a value type and is fine)",
		"net/http":     "the shared words do no I/O",
		"os":           "the shared words read no files and no environment",
		"database/sql": "the shared words do not store themselves",
		"log/slog":     "the shared words report by returning errors",
	},
	"screening": {
		"net":          "a decision is a function of facts, rules and lists: no sockets (net/netip is fine)",
		"net/http":     "a decision is a function of facts, rules and lists: no sockets",
		"os":           "rules are handed in, not read from files",
		"database/sql": "a decision is replayed from its record: no look-ups beside the lists",
		"log/slog":     "a check returns its opinion or its error; the caller logs",
		"math/rand/v2": "a decision must replay to the same verdict",
		"math/rand":    "a decision must replay to the same verdict",
	},
}

// forbidden returns why a package in folder from may not import the path to, "" if it may.
func forbidden(from, to string) string {
	top, _, _ := strings.Cut(from, "/")
	if to == module {
		return "the root holds tests only"
	}
	if inside, ok := strings.CutPrefix(to, module+"/"); ok {
		return forbiddenInside(top, inside)
	}
	if first, _, _ := strings.Cut(to, "/"); !strings.Contains(first, ".") {
		return standard[top][to]
	}
	if top == "call" {
		return "call is the vocabulary of every package: standard library only"
	}
	for library, home := range libraries {
		if within(to, library) {
			for _, folder := range home.folders {
				if within(from, folder) {
					return ""
				}
			}
			return fmt.Sprintf("only %s may import %s: %s", strings.Join(home.folders, ", "), library, home.reason)
		}
	}
	return "it has no home yet: decide in the table libraries which folder owns it, and why"
}

// forbiddenInside is forbidden for an import of this module's own folder inside.
func forbiddenInside(top, inside string) string {
	target, _, _ := strings.Cut(inside, "/")
	level, known := levels[top]
	targetLevel, targetKnown := levels[target]
	switch {
	case top == target, top == "bench": // which measures all that there is, and goes into no image
		return ""
	case !known || !targetKnown:
		return "a folder has no place in the order yet: decide in the table levels"
	case targetLevel == level:
		return fmt.Sprintf("%s and %s are on one level: let the upper level declare the small interface it needs and wire them in cmd", top, target)
	case targetLevel > level:
		return fmt.Sprintf("imports point one way, cmd -> {sip, console, configs} -> {screening, blocklist, audit, report, media} -> call: %s is above %s", target, top)
	}
	return ""
}

// within reports whether the slash-separated path name is folder or below it.
func within(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

// Tests may import what they like: they stand outside the order they check.
func TestImportsPointOneWay(t *testing.T) {
	for _, file := range goFiles(t) {
		if file.IsTest() {
			continue
		}
		for _, imported := range file.Imports() {
			if reason := forbidden(file.Dir(), imported); reason != "" {
				t.Errorf("%s imports %s: %s", file.Path, imported, reason)
			}
		}
	}
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     string // part of the reason; "" if the import is allowed
	}{
		{"cmd/ringfence", "ringfence/sip/proxy", ""},
		{"cmd/ringfence", "github.com/spf13/cobra", ""},
		{"sip/proxy", "ringfence/sip/wire", ""},
		{"sip/proxy", "ringfence/screening", ""},
		{"sip/agent", "github.com/emiago/sipgo/sip", ""},
		{"audit", "ringfence/call", ""},
		{"report", "ringfence/call", ""},
		{"call", "net/netip", ""},
		{"bench/treated", "ringfence/media", ""},
		{"media", "ringfence/bench/program", "no place in the order"},
		{"screening", "net/netip", ""},

		{"call", "net", "no I/O"},
		{"call", "ringfence/audit", "one way"},
		{"call", "golang.org/x/text/unicode/norm", "standard library only"},
		{"screening", "os", "handed in"},
		{"screening", "ringfence/blocklist", "one level"},
		{"report", "ringfence/blocklist", "one level"},
		{"sip/proxy", "ringfence/configs", "one level"},
		{"audit", "ringfence/console", "one way"},
		{"sip/proxy", "ringfence/cmd/ringfence", "one way"},
		{"sip/proxy", "github.com/emiago/sipgo/sip", "user agents"},
		{"console", "github.com/redis/go-redis/v9", "from memory"},
		{"blocklist", "modernc.org/sqlite", "owns its database"},
		{"blocklist", "github.com/goccy/go-yaml", "one folder"},
		{"sip/proxy", "github.com/prometheus/client_golang/prometheus", "atomics"},
		{"configs", "github.com/spf13/cobra", "binary's alone"},
		{"sip/agentx", "github.com/emiago/sipgo", "user agents"},
		{"console", "example.org/unheard/of", "no home yet"},
		{"plugins", "ringfence/call", "no place in the order"},
		{"cmd/ringfence", "ringfence", "tests only"},
	} {
		got := forbidden(c.from, c.to)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("forbidden(%q, %q) = %q, want %q in it", c.from, c.to, got, c.want)
		}
	}
}
