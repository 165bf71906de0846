//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sippPBX starts sipp as the PBX and returns its address.
func sippPBX(t *testing.T, scenario string) (*process, string) {
	t.Helper()
	addr, media := freePort(t, pbxIP), freePort(t, pbxIP)
	p := start(t, "sipp "+scenario, "sipp", "-sf", scenarioFile(t, scenario), "-i", pbxIP, "-p", fmt.Sprint(addr),
		"-mp", fmt.Sprint(media), "-nostdin", "-timeout", "120")
	return p, address(pbxIP, addr)
}

// sippTrunk starts sipp as a trunk that places n calls. Each row is a line of the callers' file.
func sippTrunk(t *testing.T, g *gateway, scenario, ip string, rate, n int, rows []string, more ...string) *process {
	t.Helper()
	callers := write(t, filepath.Join(t.TempDir(), "callers.csv"), "SEQUENTIAL\n"+strings.Join(rows, "\n")+"\n")
	return start(t, "sipp "+scenario+" from "+ip, append([]string{
		"sipp", g.Addr.String(), "-sf", scenarioFile(t, scenario), "-inf", callers,
		"-i", ip, "-p", fmt.Sprint(freePort(t, ip)), "-mp", fmt.Sprint(freePort(t, ip)),
		"-r", fmt.Sprint(rate), "-m", fmt.Sprint(n), "-nostdin", "-timeout", "60", "-timeout_error",
	}, more...)...)
}

func scenarioFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("sipp", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// finish ends a sipp that waits for calls, once those it has are over, and fails the test if one
// of them failed.
func finish(t *testing.T, p *process) {
	t.Helper()
	p.signal(t, syscall.SIGUSR1)
	p.wait(t, 20*time.Second)
}

// row is a line of the callers' file that needs no more of the SDP.
func row(from, to string) string { return from + ";" + to + ";a=sendrecv" }

// lateMessages is sipp's count of what came for calls that were over. The gateway sends nothing again
// that was answered.
var lateMessages = regexp.MustCompile(`(\d+) dead call msg`)

// Every dialogue of sipp, between a trunk of sipp and a PBX of sipp, over UDP and TCP.
func TestSippDialogues(t *testing.T) {
	tests := []struct{ trunk, pbx, ip, from string }{
		{"answered", "pbx", carrierIP, "13800138000"},
		{"busy", "pbx-busy", carrierIP, "13800138000"},
		{"cancel", "pbx-ringing", carrierIP, "13800138000"},
		{"dialog", "pbx-dialog", carrierIP, "13800138000"},
		{"refused", "pbx", intlIP, "+8602196110"},
	}
	for _, tt := range tests {
		for _, transport := range []string{"u1", "t1"} {
			t.Run(tt.trunk+" "+transport, func(t *testing.T) {
				pbx, addr := sippPBX(t, tt.pbx)
				g := prepare(t, "", addr).serve(t)
				trunk := sippTrunk(t, g, tt.trunk, tt.ip, 10, 10, []string{row(tt.from, "02155500001")}, "-t", transport)
				trunk.wait(t, 40*time.Second)
				finish(t, pbx)
				for _, p := range []*process{pbx, trunk} {
					if late := lateMessages.FindStringSubmatch(p.text()); late == nil || late[1] != "0" {
						t.Errorf("%s got messages after the end of their calls: %q", p.name, late)
					}
				}
				g.records(t, 10)
				g.verify(t)
			})
		}
	}
}
