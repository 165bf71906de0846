package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/transport"
)

// agentBench is a bench with an agent behind the core, played by the test.
type agentBench struct {
	*bench
	full  bool
	panic bool
	taken map[string]*call.Record // until their INVITE comes
	begun map[string]*call.Record
}

func newAgentBench(t testing.TB) *agentBench {
	b := &agentBench{bench: newBench(t), taken: map[string]*call.Record{}, begun: map[string]*call.Record{}}
	b.core.treater = b
	b.verdict = call.Verdict{Treatment: call.Warn{Prefix: "[Suspect] "}, Rule: "suspect", Reason: "suspect"}
	return b
}

func (b *agentBench) Take(r *call.Record) bool {
	if b.panic {
		panic("a fault of the agent")
	}
	if !b.full {
		b.taken[r.Reference] = r
	}
	return !b.full
}

func (b *agentBench) Return(r *call.Record) bool {
	found := b.taken[r.Reference] != nil
	delete(b.taken, r.Reference)
	return found
}

// wire is the flow of the agent's messages.
func (b *agentBench) wire() transport.Flow { return b.core.hopToAgent().flow }

// say hands the core a message of the agent.
func (b *agentBench) say(text string) []sent { return b.giveOver(b.wire(), text) }

// begin is what the agent does with an INVITE that it was handed: it begins the call and rings.
func (b *agentBench) begin(text string) []sent {
	reference := ReferenceIn(headerOf(text, HeaderRingfence))
	if r := b.taken[reference]; r != nil {
		delete(b.taken, reference)
		b.begun[reference] = r
	}
	return b.say(agentAnswer(b.t, text, 180))
}

// agentAnswer is an answer as the agent writes it.
func agentAnswer(t testing.TB, text string, status int) string {
	return strings.Replace(respond(t, text, status), "<sip:10.0.0.20:5060>", "<sip:rf-7@agent.invalid>", 1)
}

// leg is an INVITE of the agent.
func leg(uri, route, more string) string {
	return "INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP agent.invalid;branch=z9hG4bKleg\r\nMax-Forwards: 69\r\nRoute: " + route + "\r\n" +
		"From: <sip:a@b>;tag=leg\r\nTo: <sip:c@d>\r\nCall-ID: leg\r\nCSeq: 1 INVITE\r\nContact: <sip:rf-8@agent.invalid>\r\n" + more + "Content-Length: 0\r\n\r\n"
}

// headerOf is the value of the first header with this name.
func headerOf(text, name string) string {
	_, rest, _ := strings.Cut(text, "\r\n"+name+": ")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// TestWhoIsHandedOver: what is for the agent goes there with its record, and everything else goes on
// without it.
func TestWhoIsHandedOver(t *testing.T) {
	warn := call.Warn{Prefix: "[Suspect] "}
	refused := call.Announce{Refuse: &call.Refuse{Class: call.RefusalRejected}}
	for _, c := range []struct {
		name      string
		treatment call.Treatment
		reason    call.Reason
		more      string // headers
		no        bool   // agent
		full      bool
		panics    bool

		sent  string // what the core sends, to whom
		to    netip.AddrPort
		cause call.Reason // of the record, if the core writes it at once
	}{
		{name: "warn", treatment: warn, sent: "INVITE ", to: AgentAddr},
		{name: "announce", treatment: call.Announce{}, sent: "INVITE ", to: AgentAddr},
		{name: "announce and refuse", treatment: refused, sent: "INVITE ", to: AgentAddr},
		{name: "challenge", treatment: call.Challenge{Digits: 2}, sent: "INVITE ", to: AgentAddr},
		{name: "divert", treatment: call.Divert{Target: "voicemail"}, sent: "INVITE ", to: netip.MustParseAddrPort("10.0.0.20:5060")},
		{name: "divert with a fallback", treatment: call.Divert{Target: "queue"}, sent: "INVITE ", to: AgentAddr},
		{name: "no room to fall back", treatment: call.Divert{Target: "queue"}, full: true, sent: "INVITE sip:q@", to: netip.MustParseAddrPort("10.0.0.22:5060")},
		{name: "report", treatment: call.TakeReport{}, sent: "INVITE ", to: AgentAddr},
		{name: "route of ours", treatment: warn, more: "Route: <sip:192.0.2.10;lr>\r\n", sent: "INVITE ", to: AgentAddr},
		{name: "route to the PBX", treatment: warn, more: "Route: <sip:10.0.0.21;lr>, <sip:10.0.0.21:9;lr>\r\n", sent: "INVITE ", to: AgentAddr},
		{name: "emergency", treatment: warn, reason: call.ReasonEmergency, sent: "INVITE ", to: pbxAddr},
		{name: "allow", treatment: call.Allow{}, sent: "INVITE ", to: pbxAddr},
		{name: "no agent", treatment: warn, no: true, sent: "INVITE ", to: pbxAddr},
		{name: "no room", treatment: warn, full: true, sent: "INVITE ", to: pbxAddr},
		{name: "no room to refuse kindly", treatment: refused, full: true, sent: "SIP/2.0 608 ", to: trunkAddr, cause: call.ReasonNotTreated},
		{name: "no room for a report", treatment: call.TakeReport{}, full: true, sent: "SIP/2.0 480 ", to: trunkAddr, cause: call.ReasonNotTreated},
		{name: "a fault", treatment: warn, panics: true, sent: "SIP/2.0 500 ", to: trunkAddr, cause: call.ReasonInternal},
		{name: "malformed route", treatment: warn, more: "Route: <sip\r\n", sent: "SIP/2.0 400 ", to: trunkAddr, cause: call.ReasonNotTreated},
		{name: "route past the PBX", treatment: warn, more: "Route: <sip:10.9.9.9;lr>\r\n", sent: "SIP/2.0 403 ", to: trunkAddr, cause: call.ReasonNotTreated},
		{name: "too large", treatment: warn, more: "Subject: " + strings.Repeat("x", 65_100) + "\r\n", sent: "SIP/2.0 513 ", to: trunkAddr, cause: call.ReasonNotTreated},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newAgentBench(t)
			b.full, b.panic = c.full, c.panics
			b.verdict.Treatment = c.treatment
			if c.reason != "" {
				b.verdict.Reason = c.reason
			}
			if c.no {
				b.core.treater = nil
			}
			out := only(t, b.give(trunkAddr, request("INVITE", "1", c.more)), c.sent)
			if out.flow.Peer != c.to {
				t.Errorf("sent to %v, want %v", out.flow.Peer, c.to)
			}
			handed := 0
			if c.to == AgentAddr {
				handed = 1
				if strings.Contains(out.text, "\r\nRoute:") || strings.Count(out.text, "Record-Route:") != 1 || len(b.taken) != 1 ||
					b.taken[ReferenceIn(headerOf(out.text, HeaderRingfence))] == nil {
					t.Errorf("%d records taken, for\n%s", len(b.taken), out.text)
				}
			}
			if got := b.core.Stats().Treated; got != uint64(handed) || len(b.taken) != handed {
				t.Errorf("%d calls counted, %d taken, want %d", got, len(b.taken), handed)
			}
			if c.cause != "" && (len(b.records) != 1 || b.records[0].Outcome.Cause != c.cause) {
				t.Errorf("records %+v", b.records)
			}
		})
	}
}

// TestRecordComesBack: whatever keeps a call from the agent that took it, the call has one record.
func TestRecordComesBack(t *testing.T) {
	handed := func(t *testing.T) (*agentBench, sent) {
		b := newAgentBench(t)
		return b, only(t, b.give(trunkAddr, request("INVITE", "1", "")), "INVITE ")
	}
	fail := func(b *agentBench, text string) []sent {
		branch, _, _ := parseBranch([]byte(branchOf(text)))
		b.core.Failed(branch, &b.out)
		return b.collect()
	}
	one := func(t *testing.T, b *agentBench, status int, cause call.Reason) {
		t.Helper()
		if len(b.records) != 1 || b.records[0].Outcome.Status != status || b.records[0].Outcome.Cause != cause || len(b.taken) != 0 {
			t.Errorf("records %+v, %d still taken", b.records, len(b.taken))
		}
		b.pass(10 * time.Minute)
		if s := b.core.Stats(); s.Transactions != 0 || s.Setup != 0 || len(b.records) != 1 {
			t.Errorf("%d transactions, %d in setup, %d records in the end", s.Transactions, s.Setup, len(b.records))
		}
	}
	t.Run("the wire is full", func(t *testing.T) {
		b, invite := handed(t)
		again := only(t, fail(b, invite.text), "INVITE ")
		if again.flow.Peer != pbxAddr || !strings.Contains(again.text, "[Suspect]") {
			t.Errorf("sent to %v\n%s", again.flow.Peer, again.text)
		}
		b.give(pbxAddr, respond(t, again.text, 486))
		one(t, b, 486, call.ReasonNotTreated)
	})
	t.Run("no answer", func(t *testing.T) {
		b, _ := handed(t)
		if early := b.pass(1900 * time.Millisecond); contains(early, pbxAddr, "INVITE ") {
			t.Error("passed on too early")
		}
		again := only(t, b.pass(200*time.Millisecond), "INVITE ")
		b.give(pbxAddr, respond(t, again.text, 603))
		one(t, b, 603, call.ReasonNotTreated)
	})
	t.Run("busy before it looked", func(t *testing.T) {
		b, invite := handed(t)
		again := only(t, b.say(agentAnswer(t, invite.text, 503)), "INVITE ")
		b.give(pbxAddr, respond(t, again.text, 486))
		one(t, b, 486, call.ReasonNotTreated)
	})
	t.Run("refused before it looked", func(t *testing.T) {
		b, invite := handed(t)
		only(t, b.say(agentAnswer(t, invite.text, 400)), "SIP/2.0 400 ")
		one(t, b, 400, "")
	})
	t.Run("cancelled before it looked", func(t *testing.T) {
		b, invite := handed(t)
		only(t, b.give(trunkAddr, request("CANCEL", "1", "")), "SIP/2.0 200 ")
		only(t, fail(b, invite.text), "SIP/2.0 487 ")
		one(t, b, 487, "")
	})
	t.Run("the gateway stops", func(t *testing.T) {
		b, _ := handed(t)
		b.core.Abandon()
		if len(b.records) != 1 || b.records[0].Outcome.Cause != call.ReasonStopped {
			t.Errorf("records %+v", b.records)
		}
	})
	t.Run("the agent has begun", func(t *testing.T) {
		b, invite := handed(t)
		only(t, b.begin(invite.text), "SIP/2.0 180 ")
		fail(b, invite.text)
		b.pass(199 * time.Second)
		only(t, b.pass(1100*time.Millisecond), "SIP/2.0 408 ") // timer C
		b.core.Abandon()
		if len(b.records) != 0 || len(b.begun) != 1 {
			t.Errorf("the core has written a record that is the agent's: %+v", b.records)
		}
	})
}

// TestAgentKeepsSIPS: a call to a SIPS URI stays on TLS on both sides of the agent (RFC 3261 §26.2.2),
// whose Contact is a SIPS URI there (§12.1.1).
func TestAgentKeepsSIPS(t *testing.T) {
	b := newAgentBench(t)
	tls := tlsBench(t, udpTarget, tlsTarget)
	b.bench, tls.core.treater, tls.verdict = tls, b, b.verdict
	pbxTLS := netip.MustParseAddrPort("10.0.0.30:5061")
	b.locate(tlsTarget, pbxTLS)

	invite := only(t, b.giveOver(overTLS, tlsInvite("1", "sips:1@192.0.2.10")), "INVITE sips:1@192.0.2.10")
	wantInOrder(t, invite.text, "Record-Route: <sips:192.0.2.10:5061;lr;")
	ringing := only(t, b.begin(invite.text), "SIP/2.0 180 ")
	wantInOrder(t, ringing.text, "Contact: <sips:rf-7@192.0.2.10:5061>\r\n")
	if strings.Contains(ringing.text, "Record-Route") {
		t.Errorf("the agent's route leaves the gateway:\n%s", ringing.text)
	}
	out := only(t, b.say(leg("sips:1@192.0.2.10", RouteToPBX, "")), "INVITE sips:1@pbx.example:5061 ")
	if out.flow.Peer != pbxTLS || out.flow.Protocol != transport.TLS {
		t.Errorf("the leg leaves on %+v", out.flow)
	}
	wantInOrder(t, out.text, "Via: SIP/2.0/TLS 192.0.2.10:5061;", "Contact: <sips:rf-8@192.0.2.10:5061>\r\n")
	only(t, b.giveOver(out.flow, respond(t, out.text, 200)), "SIP/2.0 200 ")

	// Inside the dialogs, too: a peer that names a place without TLS is not followed there.
	bye := "BYE sips:x@10.0.0.20;transport=udp SIP/2.0\r\nVia: SIP/2.0/UDP agent.invalid;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n" +
		"From: <sip:a@b>;tag=leg\r\nTo: <sip:c@d>;tag=pbx\r\nCall-ID: leg\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
	only(t, b.say(bye), "SIP/2.0 416 ")

	// A call that came over TLS without SIPS is presented by that listener.
	invite = only(t, b.giveOver(overTLS, tlsInvite("2", "sip:1@192.0.2.10:5061;transport=tls")), "INVITE ")
	ringing = only(t, b.begin(invite.text), "SIP/2.0 180 ")
	wantInOrder(t, ringing.text, "Contact: <sip:rf-7@192.0.2.10:5061;transport=tls>\r\n")
}

// TestNobodyElseIsTheAgent: the agent is known by the wire, not by its address.
func TestNobodyElseIsTheAgent(t *testing.T) {
	b := newAgentBench(t)
	cfg := *b.core.cfg
	cfg.Trunks = append(cfg.Trunks, Trunk{Name: "anybody", Sources: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	b.core.configure(&cfg)
	invite := only(t, b.give(trunkAddr, request("INVITE", "1", "")), "INVITE ")

	if out := b.give(AgentAddr, agentAnswer(t, invite.text, 200)); len(out) > 0 {
		t.Errorf("a stranger answers for the agent: %v", out)
	}
	if n := b.core.Stats().Dropped[DropStrayResponse]; n != 1 {
		t.Errorf("%d stray responses, want 1", n)
	}
	for _, s := range b.give(AgentAddr, leg("sip:1@192.0.2.10", RouteToPBX, "")) {
		if strings.HasPrefix(s.text, "INVITE ") {
			t.Errorf("a stranger's INVITE goes unscreened to %v", s.flow.Peer)
		}
	}

	// And the agent answers for nobody else.
	passed := b.verdict
	b.verdict.Treatment = call.Allow{}
	invite = only(t, b.give(trunkAddr, request("INVITE", "2", "")), "INVITE ")
	b.verdict = passed
	cfg.Trunks = cfg.Trunks[:1]
	b.core.configure(&cfg)
	if out := b.say(respond(t, invite.text, 200)); len(out) > 0 {
		t.Errorf("the agent answers for the PBX: %v", out)
	}
}

// TestAgentIsNotHeldUp: neither bounds of the network nor those on new calls stop the agent's legs, and what it
// says hides no overload.
func TestAgentIsNotHeldUp(t *testing.T) {
	b := newAgentBench(t)
	cfg := *b.core.cfg
	cfg.MaxRate, cfg.MaxSetup, cfg.LargeOverTCP = 1, 1, true
	b.core.configure(&cfg)
	invite := only(t, b.give(trunkAddr, request("INVITE", "1", "Subject: "+strings.Repeat("x", 2*maxDatagram)+"\r\n")), "INVITE ")
	if invite.flow != b.wire() {
		t.Errorf("a large INVITE goes to %+v", invite.flow)
	}
	b.core.Drain(nil)
	b.core.backlog = backlog{batches: backlogBatches, since: b.core.ms - backlogTime}
	b.begin(invite.text)
	only(t, b.say(leg("sip:1@192.0.2.10", RouteToPBX, "")), "INVITE ")
	if !b.core.backlog.overloaded(b.core.ms) {
		t.Error("a message of the agent ends the overload")
	}
}

// TestSpeechBetweenCoreAndAgent: what one writes the other reads.
func TestSpeechBetweenCoreAndAgent(t *testing.T) {
	for value, want := range map[string]Way{
		`attempts=2;target="pbx"`:             {Target: "pbx", Attempts: 2},
		`attempts=0;cause=no-target`:          {Cause: "no-target"},
		`attempts=1;target="a;\"b\\";cause=x`: {Target: `a;"b\`, Attempts: 1, Cause: "x"},
		`attempts=1;target="never ends`:       {Target: `"never ends`, Attempts: 1},
		``:                                    {},
		`;;=;"`:                               {},
		`attempts=99999999999999999999`:       {Attempts: 1<<63 - 1},
		`verdict=warn; target="x";attempts=1;attempts=two`: {Target: "x", Attempts: 1},
	} {
		if got := WayIn(value); got != want {
			t.Errorf("%s is read as %+v, want %+v", value, got, want)
		}
	}
	if got := ReferenceIn("verdict=warn;rule=a;reason=b;score=0;ref=012345678901"); got != "012345678901" {
		t.Errorf("reference %q", got)
	}
	if got := RouteToDivert("voicemail-2"); got != "<sip:voicemail-2@divert.invalid;lr>" {
		t.Error(got)
	}
}
