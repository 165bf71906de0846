//go:build e2e

package e2e_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ringfence/call"
)

// mixed is one caller of the mix of verdicts, and what must become of the call.
type mixed struct {
	ip, from, sdp string
	treatment     string
	reason        call.Reason
	status        int
}

const (
	blocked = "13900139000"   // on the block list
	watched = "17000170000"   // on the watch list
	proven  = "+861065550100" // on the allow list
	noVideo = "a=sendrecv"
	video   = "m=video 6002 RTP/AVP 96"
)

var mix = []mixed{
	{carrierIP, "13800138000", noVideo, "allow", call.ReasonClean, 200},
	{carrierIP, "02164370000", video, "allow", call.ReasonClean, 200},
	{carrierIP, blocked, noVideo, "refuse", call.ReasonBlockListed, 603},
	{carrierIP, watched, noVideo, "label", call.ReasonWatchListed, 200},
	{carrierIP, "4008001234", noVideo, "divert", "answer-only-400-800", 200},
	{intlIP, "+442071838750", noVideo, "allow", call.ReasonClean, 200},
	{intlIP, "+8602196110", noVideo, "refuse", "official-code-from-abroad", 608},
	{intlIP, "+861065550199", noVideo, "refuse", "cn-fixed-from-abroad", 608},
	{intlIP, proven, noVideo, "allow", call.ReasonAllowListed, 200},
	{itspIP, "+4930901820", noVideo, "allow", call.ReasonClean, 200},
	{itspIP, "+8613700137000", video, "label", "plus86-network-video", 200},
	{itspIP, "962110", noVideo, "refuse", "do-not-originate", 608},
}

// fillLists puts the mix's listed callers on their lists.
func (g *gateway) fillLists(t *testing.T) {
	t.Helper()
	g.list(t, "add", "+86"+blocked, "--list", "block")
	g.list(t, "add", "+86"+watched, "--list", "watch", "--category", "customer-service")
	g.list(t, "add", proven, "--list", "allow")
}

// Calls of every verdict, at once over three trunks, with the lists in Redis: none fails, not even
// when Redis dies in the middle, and the call log has each with its verdict.
func TestMixOfVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name      string
		redisDies bool
	}{{"redis up", false}, {"redis stopped in the middle", true}} {
		t.Run(tt.name, func(t *testing.T) {
			redis, store := startRedis(t)
			pbx, addr := sippPBX(t, "pbx")
			g := prepare(t, store, addr)
			g.fillLists(t)
			g.serve(t)

			const repeats = 25
			var trunks []*process
			for _, ip := range []string{carrierIP, intlIP, itspIP} {
				for scenario, rows := range rowsOf(ip) {
					trunks = append(trunks, sippTrunk(t, g, scenario, ip, 4*len(rows), repeats*len(rows), rows))
				}
			}
			if tt.redisDies {
				time.Sleep(2 * time.Second) // of about six
				redis.signal(t, syscall.SIGKILL)
				<-redis.done
			}
			for _, trunk := range trunks {
				trunk.wait(t, 40*time.Second)
			}
			finish(t, pbx)
			checkMix(t, g.records(t, repeats*len(mix)), repeats)
			g.proc.stop(t)
			g.verify(t)
		})
	}
}

// rowsOf are the lines of the callers' files of a trunk, by the scenario that must play them.
func rowsOf(ip string) map[string][]string {
	rows := map[string][]string{}
	for i, m := range mix {
		scenario := "answered"
		if m.treatment == "refuse" {
			scenario = "refused"
		}
		if m.ip == ip {
			rows[scenario] = append(rows[scenario], fmt.Sprintf("%s;0215550%04d;%s", m.from, i, m.sdp))
		}
	}
	return rows
}

// checkMix compares the call log with the table, caller by caller.
func checkMix(t *testing.T, records []call.Record, repeats int) {
	t.Helper()
	type outcome struct {
		from, treatment string
		reason          call.Reason
		status          int
	}
	got := map[outcome]int{}
	for _, r := range records {
		got[outcome{r.Facts.Caller.Text, r.Verdict.Treatment.Name(), r.Verdict.Reason, r.Outcome.Status}]++
	}
	for _, m := range mix {
		want := outcome{m.from, m.treatment, m.reason, m.status}
		if got[want] != repeats {
			t.Errorf("%d calls, want %d: %+v", got[want], repeats, want)
		}
		delete(got, want)
	}
	for other, n := range got {
		t.Errorf("%d calls that should not be: %+v", n, other)
	}
}
