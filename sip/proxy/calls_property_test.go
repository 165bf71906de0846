package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// modelCall is one call of the property test, as trunk and PBX see it.
type modelCall struct {
	branch    string
	forwarded []sent          // INVITEs the PBX side received, without retransmissions
	accepted  map[string]bool // forwarded INVITEs answered with 2xx
	cancelled bool
	final     map[int]bool // final statuses the trunk received
}

// TestCallsInAnyOrder plays random messages, losses, duplicates and delays of several calls. Whatever
// their order: an INVITE goes to each target once at the most, a 2xx is never lost, each call is
// recorded once, and every transaction ends.
func TestCallsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		b.core.log = slog.New(slog.NewTextHandler(io.Discard, nil))
		if rapid.Bool().Draw(rt, "named") { // the PBX is several places of one name
			cfg := *b.core.cfg
			cfg.Targets = []Target{named}
			b.core.configure(&cfg)
			b.locate(named, places...)
		}
		calls := map[string]*modelCall{}
		var order []string
		seen := map[string]bool{} // branches of ours

		note := func(all []sent) {
			for _, s := range all {
				c := calls[callOf(s.text)]
				if c == nil {
					continue
				}
				switch {
				case strings.HasPrefix(s.text, "INVITE "):
					branch := branchOf(s.text)
					if seen[branch] {
						continue // sent again
					}
					seen[branch] = true
					for _, before := range c.forwarded {
						if before.flow.Peer == s.flow.Peer {
							rt.Fatalf("%s was forwarded to %v twice", c.branch, s.flow.Peer)
						}
					}
					c.forwarded = append(c.forwarded, s)
				case strings.HasPrefix(s.text, "SIP/2.0 ") && strings.Contains(s.text, " INVITE\r\n") && s.flow.Peer == trunkAddr:
					var status int
					if _, err := fmt.Sscanf(s.text, "SIP/2.0 %d", &status); err == nil && status >= 200 {
						c.final[status] = true
					}
				}
			}
		}

		steps := rapid.IntRange(1, 60).Draw(rt, "steps")
		for range steps {
			switch step := rapid.IntRange(0, 9).Draw(rt, "step"); {
			case step <= 1 || len(order) == 0:
				branch := fmt.Sprint("p", len(order))
				order = append(order, branch)
				calls[branch] = &modelCall{branch: branch, accepted: map[string]bool{}, final: map[int]bool{}}
				note(b.give(trunkAddr, request("INVITE", branch, "")))
			case step == 2: // the trunk sends it again
				branch := rapid.SampledFrom(order).Draw(rt, "call")
				if calls[branch].transaction(b) != nil { // else it would be a new call
					note(b.give(trunkAddr, request("INVITE", branch, "")))
				}
			case step == 3:
				branch := rapid.SampledFrom(order).Draw(rt, "call")
				calls[branch].cancelled = true
				answers := b.give(trunkAddr, request("CANCEL", branch, ""))
				note(answers)
				if len(answers) == 0 {
					rt.Fatal("a CANCEL was not answered")
				}
			case step == 4:
				branch := rapid.SampledFrom(order).Draw(rt, "call")
				note(b.give(trunkAddr, request("ACK", branch, "")))
			case step <= 8: // the PBX answers, or answers again
				c := calls[rapid.SampledFrom(order).Draw(rt, "call")]
				if len(c.forwarded) == 0 {
					continue
				}
				to := rapid.SampledFrom(c.forwarded).Draw(rt, "attempt")
				status := rapid.SampledFrom([]int{100, 180, 183, 200, 200, 404, 486, 487, 503, 603}).Draw(rt, "status")
				live := c.live(b)
				answers := b.give(to.flow.Peer, respond(t, to.text, status))
				note(answers)
				if status == 200 && live && !c.rejectedBefore(b, to) {
					if !contains(answers, trunkAddr, "SIP/2.0 200 ") {
						rt.Fatalf("the 200 to %s was lost", c.branch)
					}
				}
			case step == 9:
				note(b.pass(time.Duration(rapid.IntRange(0, 40_000).Draw(rt, "ms")) * time.Millisecond))
			}
		}
		note(b.pass(15 * time.Minute))
		if s := b.core.Stats(); s.Transactions != 0 || s.Setup != 0 || s.Panics != 0 {
			rt.Fatalf("%d transactions, %d in setup, %d panics at the end", s.Transactions, s.Setup, s.Panics)
		}
		for branch, c := range calls {
			if len(c.final) == 0 {
				rt.Fatalf("%s never had a final response", branch)
			}
		}
		if len(b.records) != len(calls) {
			rt.Fatalf("%d records for %d calls", len(b.records), len(calls))
		}
	})
}

// transaction is the server transaction of the call, nil when it has ended.
func (c *modelCall) transaction(b *bench) (found *server) {
	b.core.servers.each(func(s *server) {
		if s.key == c.key(b) {
			found = s
		}
	})
	return found
}

// key is what the core knows the call's INVITE by.
func (c *modelCall) key(b *bench) uint64 {
	if err := b.core.msg.Parse([]byte(request("INVITE", c.branch, ""))); err != nil {
		b.t.Fatal(err)
	}
	via, _ := b.core.msg.Via()
	return b.core.transactionKey(via, wire.MethodInvite, trunkAddr)
}

// live reports whether the call still waits for its final response.
func (c *modelCall) live(b *bench) bool {
	s := c.transaction(b)
	return s != nil && s.state == serverProceeding
}

// rejectedBefore reports whether the client transaction of the attempt has had a final response
// other than 2xx, or is gone: a user agent does not send a 2xx after that.
func (c *modelCall) rejectedBefore(b *bench, to sent) bool {
	transaction, _, _ := parseBranch([]byte(branchOf(to.text)))
	cl := b.core.clients.get(handle(transaction))
	return cl == nil || cl.state == clientCompleted
}

func callOf(text string) string {
	_, rest, _ := strings.Cut(text, "Call-ID: call-")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

func branchOf(text string) string {
	_, rest, _ := strings.Cut(text, ";branch=")
	return rest[:min(len(rest), len(branchPrefix)+2*tokenLen)]
}

func contains(all []sent, to netip.AddrPort, prefix string) bool {
	for _, s := range all {
		if s.flow.Peer == to && strings.HasPrefix(s.text, prefix) {
			return true
		}
	}
	return false
}

// FuzzCore gives the core any bytes from the trunk and from the PBX, while a call is up. It must not
// panic, answer a peer it was not asked by, or keep anything.
func FuzzCore(f *testing.F) {
	f.Add([]byte(request("INVITE", "f", "")), true)
	f.Add([]byte(request("BYE", "f", "Route: <sip:192.0.2.10;lr>\r\n")), true)
	f.Add([]byte(strings.Replace(request("INVITE", "g", "Proxy-Require: x\r\n"), "To: <", "To: \"a\\\"b\" <", 1)), false)
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch="+branchPrefix+strings.Repeat("0", 32)+"\r\nCSeq: 1 INVITE\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, fromTrunk bool) {
		b := newBench(t)
		b.give(trunkAddr, request("INVITE", "up", ""))
		from := pbxAddr
		if fromTrunk {
			from = trunkAddr
		}
		for range 2 {
			b.give(from, string(data))
			b.giveOver(transport.Flow{Peer: from, Protocol: transport.TCP, Conn: 3, Listener: 1}, string(data))
		}
		b.pass(15 * time.Minute)
		if s := b.core.Stats(); s.Panics != 0 || s.Transactions != 0 {
			t.Errorf("%d panics, %d transactions left", s.Panics, s.Transactions)
		}
	})
}
