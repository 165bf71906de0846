//go:build e2e

package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"ringfence/sip/standin"
)

const called = "02155500001"

// What a PBX may do reaches the caller, over each pair of transports.
func TestBehaviours(t *testing.T) {
	tests := []struct {
		call   standin.Call
		status int
		hungUp bool
	}{
		{standin.Call{To: called, Hold: 300 * time.Millisecond}, 200, false},
		{standin.Call{To: standin.Busy}, 486, false},
		{standin.Call{To: standin.Declined}, 603, false},
		{standin.Call{To: standin.NoAnswer, GiveUp: 300 * time.Millisecond}, 487, false},
		{standin.Call{To: standin.Reliable, Reliable: true}, 200, false},
		{standin.Call{To: standin.HangsUp, Hold: 10 * time.Second}, 200, true},
		{standin.Call{To: standin.Reinvites, Hold: 500 * time.Millisecond}, 200, false},
		// More than a packet of an Ethernet holds.
		{standin.Call{To: called, Headers: []standin.Header{{Name: "X-Large", Value: strings.Repeat("large ", 700)}}}, 200, false},
	}
	for _, transports := range []struct{ trunk, pbx string }{{"udp", "udp"}, {"tcp", "udp"}, {"udp", "tcp"}, {"tcp", "tcp"}} {
		t.Run(transports.trunk+" to "+transports.pbx, func(t *testing.T) {
			pbx := startPhones(t, 0)
			g := prepare(t, "", pbx.target())
			g.Targets[0] += ";transport=" + transports.pbx
			g.configure(t)
			g.serve(t)
			trunk := startTrunk(t, g, carrierIP, transports.trunk)
			for _, tt := range tests {
				tt.call.From = "13800138000"
				result := place(t, trunk, tt.call)
				if result.Status != tt.status || result.HungUp != tt.hungUp {
					t.Errorf("%s: result %+v, want status %d, hung up %v", tt.call.To, result, tt.status, tt.hungUp)
				}
				if got := pbx.received(t); !strings.EqualFold(got.Transport, transports.pbx) || got.CallID != result.CallID {
					t.Errorf("%s: the PBX saw %+v", tt.call.To, got)
				}
			}
			g.records(t, len(tests))
		})
	}
}

// The person called sees the warning of a labelled call, and voicemail sees whom a diverted call was
// meant for. The caller of a refused one is told how to object.
func TestWhatEachSideSees(t *testing.T) {
	pbx := startPhones(t, 0)
	g := prepare(t, "", pbx.target()).serve(t)
	trunk := startTrunk(t, g, itspIP, "udp")
	result := place(t, trunk, standin.Call{From: "+8613700137000", Display: "网信办 刘主任", To: called, Video: true})
	got := pbx.received(t)
	if result.Status != 200 || !strings.HasSuffix(got.Display, "网信办 刘主任") || got.Display == "网信办 刘主任" ||
		!strings.Contains(got.Ringfence, "plus86-network-video") || got.Caller != "+8613700137000" {
		t.Errorf("labelled: result %+v, the PBX saw %+v", result, got)
	}
	trunk = startTrunk(t, g, carrierIP, "udp")
	result = place(t, trunk, standin.Call{From: "4008001234", To: called})
	got = pbx.received(t)
	if result.Status != 200 || got.Called != "voicemail" || !strings.Contains(got.Diversion, called) || !strings.Contains(got.HistoryInfo, called) {
		t.Errorf("diverted: result %+v, the PBX saw %+v", result, got)
	}
	trunk = startTrunk(t, g, intlIP, "udp")
	result = place(t, trunk, standin.Call{From: "+8602196110", To: called})
	records := g.records(t, 3)
	var reference string
	for _, r := range records {
		if r.Facts.CallID == result.CallID {
			reference = r.Reference
		}
	}
	told := result.Phrase + result.Reason + result.ErrorInfo + result.CallInfo + result.Contact
	if result.Status != 608 || reference == "" || !strings.Contains(told, reference) {
		t.Errorf("refused: result %+v, reference %q", result, reference)
	}
	if strings.Contains(told, "official-code-from-abroad") {
		t.Errorf("the caller is told the rule: %+v", result)
	}
}

// A source that is no trunk gets no answer, and the drop is counted.
func TestUnknownSource(t *testing.T) {
	pbx := startPhones(t, 0)
	g := prepare(t, "", pbx.target()).serve(t)
	const dropped = `ringfence_dropped_total{cause="unknown-source"}`
	before := g.metric(t, dropped)
	stranger := startTrunk(t, g, unknownIP, "udp")
	ctx, stop := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer stop()
	if result, err := stranger.Call(ctx, standin.Call{From: "1", To: called}); err == nil || len(result.Provisional) > 0 {
		t.Errorf("a stranger was answered: %+v", result)
	}
	if after := g.metric(t, dropped); after <= before {
		t.Errorf("%v packets dropped before, %v after", before, after)
	}
	g.records(t, 0)
}

// A call goes to the next target when the first does not live.
func TestFailover(t *testing.T) {
	pbx := startPhones(t, 0)
	g := prepare(t, "", deadAddress(t), pbx.target()).serve(t)
	trunk := startTrunk(t, g, carrierIP, "udp")
	for range 3 {
		result := place(t, trunk, standin.Call{From: "13800138000", To: called})
		if result.Status != 200 || result.Elapsed > 6*time.Second {
			t.Errorf("result %+v, want an answer from the second target", result)
		}
	}
}
