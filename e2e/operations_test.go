//go:build e2e

package e2e_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringfence/sip/standin"
)

// A change of the lists by another process is in force within a second, both ways.
func TestListChangeTakesEffect(t *testing.T) {
	for _, home := range []string{"file", "redis"} {
		t.Run(home, func(t *testing.T) {
			store := ""
			if home == "redis" {
				_, store = startRedis(t)
			}
			pbx := startPhones(t, 0)
			g := prepare(t, store, pbx.target()).serve(t)
			trunk := startTrunk(t, g, carrierIP, "udp")
			status := func() int { return place(t, trunk, standin.Call{From: "13800138000", To: called}).Status }
			if got := status(); got != 200 {
				t.Fatalf("before the number is listed: %d", got)
			}
			g.list(t, "add", "+8613800138000")
			eventually(t, time.Second, "the listed number is refused", func() bool { return status() == 603 })
			g.list(t, "remove", "+8613800138000")
			eventually(t, time.Second, "the number no longer listed passes", func() bool { return status() == 200 })
		})
	}
}

// SIGHUP with a wrong configuration changes nothing and says where it is wrong; with a right one the
// new rules are in force.
func TestReload(t *testing.T) {
	pbx := startPhones(t, 0)
	g := prepare(t, "", pbx.target()).serve(t)
	trunk := startTrunk(t, g, intlIP, "udp")
	status := func() int { return place(t, trunk, standin.Call{From: "+8602196110", To: called}).Status }
	good := g.text(t)
	write(t, g.config, good+"colour: blue\n")
	g.proc.signal(t, syscall.SIGHUP)
	g.proc.says(t, 5*time.Second, g.config+":"+lineOf(good+"colour: blue\n", "colour")+":1: ")
	if got := status(); got != 608 {
		t.Errorf("after a wrong configuration: %d, want the old rules' 608", got)
	}
	write(t, g.config, strings.Replace(good, "overrides: {", "overrides: {official-code-from-abroad: {international: allow}, ", 1))
	g.proc.signal(t, syscall.SIGHUP)
	g.proc.says(t, 5*time.Second, "configuration reloaded")
	if got := status(); got != 200 {
		t.Errorf("after the rule was turned off: %d", got)
	}
}

// SIGTERM lets a call that rings be answered and refuses new ones with 503; a call that is up goes
// on through the next start.
func TestDrain(t *testing.T) {
	pbx := startPhones(t, 1500*time.Millisecond)
	g := prepare(t, "", pbx.target()).serve(t)
	ringing, late := startTrunk(t, g, carrierIP, "udp"), startTrunk(t, g, intlIP, "udp")
	answered := make(chan standin.Result, 1)
	go func() {
		result, err := ringing.Call(t.Context(), standin.Call{From: "13800138000", To: called, Hold: 4 * time.Second})
		if err != nil {
			t.Errorf("the call that rang at SIGTERM: %v", err)
		}
		answered <- result
	}()
	pbx.received(t)
	g.proc.signal(t, syscall.SIGTERM)
	g.proc.says(t, 5*time.Second, "draining")
	if got := place(t, late, standin.Call{From: "+442071838750", To: called}).Status; got != 503 {
		t.Errorf("a new call while draining: %d", got)
	}
	g.proc.wait(t, 15*time.Second)
	g.serve(t)
	if result := <-answered; result.Status != 200 || result.HungUp {
		t.Errorf("the call that rang at SIGTERM: %+v", result)
	}
	g.records(t, 2)
	g.verify(t)
}

// lineOf is the number of the line of a text that begins with a word.
func lineOf(text, word string) string {
	before, _, _ := strings.Cut("\n"+text, "\n"+word)
	return strconv.Itoa(strings.Count(before, "\n") + 1)
}
