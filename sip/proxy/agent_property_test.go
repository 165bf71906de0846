package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/sip/transport"
)

// TestTreatedCallsInAnyOrder plays calls that are handed over, with an agent that has room or not, sees the INVITE
// or not, answers early, late or never, and a wire that is full. Whatever happens, each call is either
// the agent's, or has one record of the core's, and has a final response; and every transaction ends.
func TestTreatedCallsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newAgentBench(t)
		final := map[string]bool{}  // calls that the trunk saw end
		seen := map[string]string{} // INVITEs that came to agent or PBX, by branch
		var order, calls []string
		note := func(all []sent) {
			for _, s := range all {
				switch {
				case strings.HasPrefix(s.text, "INVITE ") && seen[branchOf(s.text)] == "":
					seen[branchOf(s.text)] = s.text
					order = append(order, branchOf(s.text))
				case strings.HasPrefix(s.text, "SIP/2.0 ") && s.text[8] >= '2' && strings.Contains(s.text, "CSeq: 1 INVITE"):
					final[callOf(s.text)] = true
				}
			}
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			b.full = rapid.IntRange(0, 3).Draw(rt, "full") == 0
			step := rapid.IntRange(0, 6).Draw(rt, "step")
			if step > 1 && len(order) == 0 {
				step = 0
			}
			switch step {
			case 0, 1:
				if step == 1 && len(calls) > 0 {
					note(b.give(trunkAddr, request("CANCEL", rapid.SampledFrom(calls).Draw(rt, "call"), "")))
					continue
				}
				calls = append(calls, fmt.Sprint("p", len(calls)))
				note(b.give(trunkAddr, request("INVITE", calls[len(calls)-1], "")))
			case 2: // the agent sees an INVITE, or the PBX does, and rings
				note(b.answer(rapid.SampledFrom(order).Draw(rt, "invite"), seen, 180))
			case 3, 4:
				status := rapid.SampledFrom([]int{100, 200, 404, 481, 486, 487, 503}).Draw(rt, "status")
				note(b.answer(rapid.SampledFrom(order).Draw(rt, "invite"), seen, status))
			case 5: // it could not be delivered
				branch, _, _ := parseBranch([]byte(rapid.SampledFrom(order).Draw(rt, "invite")))
				b.core.Failed(branch, &b.out)
				note(b.collect())
			case 6:
				note(b.pass(time.Duration(rapid.IntRange(0, 40_000).Draw(rt, "ms")) * time.Millisecond))
			}
		}
		if rapid.Bool().Draw(rt, "stopped") {
			b.core.Abandon()
		} else {
			note(b.pass(15 * time.Minute))
			for _, call := range calls {
				if !final[call] {
					rt.Fatalf("%s has no final response", call)
				}
			}
			if s := b.core.Stats(); s.Transactions != 0 || s.Setup != 0 {
				rt.Fatalf("%d transactions, %d in setup at the end", s.Transactions, s.Setup)
			}
		}
		if n := b.core.Stats().Panics; n > 0 {
			rt.Fatalf("%d panics", n)
		}
		if got := len(b.records) + len(b.begun); got != len(calls) || len(b.taken) != 0 {
			rt.Fatalf("%d records of the core and %d of the agent for %d calls; %d are held by nobody", len(b.records), len(b.begun), len(calls), len(b.taken))
		}
		for _, r := range b.records {
			if b.begun[r.Reference] != nil {
				rt.Fatalf("%s is recorded by both", r.Reference)
			}
		}
	})
}

// answer answers an INVITE as whoever has it would; the agent begins the call with its first answer to it but a
// 481 or 503.
func (b *agentBench) answer(branch string, seen map[string]string, status int) []sent {
	text := seen[branch]
	if !strings.Contains(text, "SIP/2.0/UDP "+coreListener.Host+":") {
		return b.give(pbxAddr, respond(b.t, text, status))
	}
	reference := ReferenceIn(headerOf(text, HeaderRingfence))
	if b.taken[reference] == nil && b.begun[reference] == nil {
		status = 481 // it does not know the call any more
	}
	if status != 481 && status != 503 {
		b.begin(text)
	}
	return b.say(agentAnswer(b.t, text, status))
}

// FuzzAgent gives the core any bytes from the agent while a call of its is up.
func FuzzAgent(f *testing.F) {
	f.Add([]byte(leg("sip:1@192.0.2.10", RouteToPBX, "")))
	f.Add([]byte(leg("sips:1@192.0.2.10", RouteToPBX, "")))
	f.Add([]byte(leg("tel:+862155500001", RouteToDivert("voicemail"), "History-Info: <sip:a@b>;index=1\r\n")))
	f.Add([]byte(leg("sip:1@192.0.2.10", "<sip:pbx.invalid>,<sip:pbx.invalid;lr>", "m: sip:agent.invalid, \"x\" <sip:a@agent.invalid>\r\n")))
	f.Add([]byte(strings.Replace(leg("sip:rf-1@192.0.2.10", RouteToPBX, ""), "To: <sip:c@d>", "To: <sip:c@d>;tag=x", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newAgentBench(t)
		handed := only(t, b.give(trunkAddr, request("INVITE", "up", "")), "INVITE ")
		b.begin(handed.text)
		for range 2 {
			for _, s := range b.say(string(data)) {
				if s.flow.Peer.Addr() == trunkAddr.Addr() && strings.Contains(s.text, "\r\nX-Ringfence: ") {
					t.Errorf("a verdict leaves:\n%s", s.text)
				}
			}
		}
		b.giveOver(transport.Flow{Peer: trunkAddr}, string(data))
		b.pass(15 * time.Minute)
		if s := b.core.Stats(); s.Panics != 0 || s.Transactions != 0 {
			t.Errorf("%d panics, %d transactions left", s.Panics, s.Transactions)
		}
	})
}
