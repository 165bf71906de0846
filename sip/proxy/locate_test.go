package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/locate"
)

// named is a PBX that is known by its name alone.
var named = Target{Name: "named", Host: "pbx.example", AnyProtocol: true}

// places are addresses of its servers.
var places = []netip.AddrPort{
	netip.MustParseAddrPort("10.0.1.1:5070"), netip.MustParseAddrPort("10.0.1.2:5070"),
	netip.MustParseAddrPort("10.0.1.3:5070"), netip.MustParseAddrPort("10.0.1.4:5070"), netip.MustParseAddrPort("10.0.1.5:5070"),
}

// namedBench is a bench whose PBX has a name, and is pinged every health; 0 for never.
func namedBench(t testing.TB, health time.Duration, targets ...Target) *bench {
	b := newBench(t)
	cfg := *b.core.cfg
	cfg.Targets = targets
	cfg.Health = Health{Interval: health, Timeout: time.Second, DownAfter: 1}
	b.core.configure(&cfg)
	b.pass(tickMillis * time.Millisecond) // the name is asked for
	return b
}

// locate tells the core that a target's name leads to these addresses, in order of priority.
func (b *bench) locate(t Target, addrs ...netip.AddrPort) []sent {
	return b.answer(newTarget(t).query, addrs...)
}

// answer tells the core where a name leads; to none is a failure of the DNS.
func (b *bench) answer(q locate.Query, addrs ...netip.AddrPort) []sent {
	var answer locate.Answer
	for i, addr := range addrs {
		answer.Destinations = append(answer.Destinations, locate.Destination{
			Protocol: q.Protocol, Addr: addr, Rank: uint16(i), Record: uint16(i),
		})
	}
	var err error
	if len(addrs) == 0 {
		err = errors.New("no name server answers")
	}
	b.core.Located(q, answer, err, &b.out)
	return b.collect()
}

func TestCallsWaitForTheName(t *testing.T) {
	b := namedBench(t, 0, named)
	if len(b.asked) != 1 || b.asked[0] != (locate.Query{Host: "pbx.example", Any: true}) {
		t.Fatalf("asked for %v", b.asked)
	}
	for i := range 3 {
		only(t, b.give(trunkAddr, request("INVITE", fmt.Sprint(i), "")), "SIP/2.0 100")
	}
	b.pass(4 * time.Second)
	if len(b.asked) != 1 {
		t.Errorf("asked again: %v", b.asked)
	}
	invites := b.locate(named, places[0])
	if len(invites) != 3 {
		t.Fatalf("%d INVITEs for 3 calls", len(invites))
	}
	for _, s := range invites {
		if s.flow.Peer != places[0] || !strings.HasPrefix(s.text, "INVITE sip:+862155500001@pbx.example SIP/2.0\r\n") {
			t.Errorf("sent to %v:\n%s", s.flow.Peer, s.text)
		}
	}
	// The wait is over: the call may ring for longer than a name is waited for.
	b.give(places[0], respond(t, invites[0].text, 180))
	if late := b.pass(20 * time.Second); contains(late, trunkAddr, "SIP/2.0 503") {
		t.Errorf("given up: %v", late)
	}
	only(t, b.give(places[0], respond(t, invites[0].text, 200)), "SIP/2.0 200")
}

func TestNameThatNeverResolves(t *testing.T) {
	b := namedBench(t, 0, named)
	b.give(trunkAddr, request("INVITE", "silence", ""))
	if early := b.pass(4900 * time.Millisecond); len(early) != 0 {
		t.Errorf("too early: %v", early)
	}
	refusal := only(t, b.pass(200*time.Millisecond), "SIP/2.0 503")
	if !strings.Contains(refusal.text, "Retry-After: ") {
		t.Errorf("no Retry-After in\n%s", refusal.text)
	}
	b.give(trunkAddr, request("INVITE", "failure", ""))
	only(t, b.locate(named), "SIP/2.0 503") // as soon as the DNS says so
	only(t, b.give(trunkAddr, request("INVITE", "known", "")), "SIP/2.0 503")
	for _, r := range b.records {
		if r.Outcome.Cause != call.ReasonNoTarget || r.Outcome.Attempts != 0 {
			t.Errorf("outcome %+v", r.Outcome)
		}
	}
	if b.pass(11 * time.Second); len(b.asked) != 2 {
		t.Errorf("asked %d times, want again after a while", len(b.asked))
	}
	b.pass(5 * time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 || s.Setup != 0 || len(b.records) != 3 {
		t.Errorf("%+v, %d records", s, len(b.records))
	}
}

func TestNameThatResolvesAfterCancel(t *testing.T) {
	b := namedBench(t, 0, named)
	b.give(trunkAddr, request("INVITE", "1", ""))
	answers := b.give(trunkAddr, request("CANCEL", "1", ""))
	only(t, answers, "SIP/2.0 487")
	if late := b.locate(named, places[0]); len(late) != 0 {
		t.Errorf("sent after the CANCEL: %v", late)
	}
}

// A call goes on along the list after silence, a 503 and a transport failure; each has its own branch,
// and CANCEL and ACK follow their INVITE (RFC 3263 §4, §4.3).
func TestCallGoesAlongTheList(t *testing.T) {
	b := namedBench(t, 0, named, Target{Name: "other", Host: "10.0.0.21", Port: 5060})
	b.locate(named, places...)
	first := only(t, b.give(trunkAddr, request("INVITE", "1", "")), "INVITE ")
	var second sent
	for _, s := range b.pass(4100 * time.Millisecond) {
		if s.flow.Peer != places[0] {
			second = s
		}
	}
	answers := b.give(places[1], respond(t, second.text, 503))
	if ack := only(t, answers, "ACK "); ack.flow.Peer != places[1] || branchOf(ack.text) != branchOf(second.text) {
		t.Errorf("ACK on %+v:\n%s", ack.flow, ack.text)
	}
	third := only(t, answers, "INVITE ")
	fourth := only(t, b.fail(third), "INVITE ")
	seen := map[string]bool{}
	for i, s := range []sent{first, second, third, fourth} {
		if s.flow.Peer != places[i] || seen[branchOf(s.text)] {
			t.Errorf("attempt %d went to %v:\n%s", i+1, s.flow.Peer, s.text)
		}
		seen[branchOf(s.text)] = true
	}
	b.give(places[3], respond(t, fourth.text, 180))
	cancel := only(t, b.give(trunkAddr, request("CANCEL", "1", "")), "CANCEL ")
	if cancel.flow.Peer != places[3] || branchOf(cancel.text) != branchOf(fourth.text) {
		t.Errorf("CANCEL on %+v:\n%s", cancel.flow, cancel.text)
	}
	// The first wakes up: it is cancelled where it is.
	if late := only(t, b.give(places[0], respond(t, first.text, 180)), "CANCEL "); late.flow.Peer != places[0] {
		t.Errorf("CANCEL on %+v", late.flow)
	}
}

// However long the list, a request is sent to a few places only.
func TestAttemptsAreBounded(t *testing.T) {
	b := namedBench(t, 0, named)
	b.locate(named, places...)
	all := b.give(trunkAddr, request("INVITE", "1", ""))
	for i := range maxAttempts {
		invite := only(t, all, "INVITE ")
		if invite.flow.Peer != places[i] {
			t.Errorf("attempt %d went to %v", i+1, invite.flow.Peer)
		}
		all = b.give(places[i], respond(t, invite.text, 503))
	}
	only(t, all, "SIP/2.0 500")
	if r := b.records[0].Outcome; r.Attempts != maxAttempts || r.Target != "named" {
		t.Errorf("outcome %+v", r)
	}
}

// Of configured targets two are tried, as many places as the first may have.
func TestSecondTargetAfterTheList(t *testing.T) {
	plain := func(name, host string) Target { return Target{Name: name, Host: host, Port: 5060} }
	b := namedBench(t, 0, named, plain("two", "10.0.0.22"), plain("three", "10.0.0.23"))
	b.locate(named, places[:2]...)
	all := b.give(trunkAddr, request("INVITE", "1", ""))
	for _, want := range []string{"10.0.1.1:5070", "10.0.1.2:5070", "10.0.0.22:5060"} {
		invite := only(t, all, "INVITE ")
		if invite.flow.Peer.String() != want {
			t.Errorf("sent to %v, want %s", invite.flow.Peer, want)
		}
		all = b.give(invite.flow.Peer, respond(t, invite.text, 503))
	}
	only(t, all, "SIP/2.0 500")
}

// Calls are shared out among servers of one priority as their weights say.
func TestCallsAreSharedByWeight(t *testing.T) {
	b := namedBench(t, 0, named)
	list := []locate.Destination{{Addr: places[0], Weight: 30, Record: 0}, {Addr: places[1], Weight: 10, Record: 1}}
	b.core.Located(newTarget(named).query, locate.Answer{Destinations: list}, nil, &b.out)
	b.collect()
	calls := map[netip.AddrPort]int{}
	for i := range 400 {
		invite := only(t, b.give(trunkAddr, request("INVITE", fmt.Sprint(i), "")), "INVITE ")
		b.give(invite.flow.Peer, respond(t, invite.text, 486))
		calls[invite.flow.Peer]++
	}
	if n := calls[places[0]]; n < 250 || n > 350 {
		t.Errorf("%v, want about 300 and 100", calls)
	}
}

// Each address has its own health.
func TestHealthOfEachPlace(t *testing.T) {
	b := namedBench(t, 2*time.Second, named)
	b.locate(named, places[:2]...)
	pings := b.pass(2 * time.Second)
	if len(pings) != 2 {
		t.Fatalf("%d pings for two places", len(pings))
	}
	for _, ping := range pings {
		if ping.flow.Peer == places[1] {
			b.give(places[1], respond(t, ping.text, 200))
		}
	}
	b.pass(1100 * time.Millisecond)
	want := []TargetState{{"named", places[0], false}, {"named", places[1], true}}
	if got := b.core.Targets(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("states %v, want %v", got, want)
	}
	if invite := only(t, b.give(trunkAddr, request("INVITE", "1", "")), "INVITE "); invite.flow.Peer != places[1] {
		t.Errorf("sent to %v, which is down", invite.flow.Peer)
	}
	// What is known of a place stays when the name is located again.
	b.locate(named, places[2], places[0])
	if got := b.core.Targets(); len(got) != 2 || !got[0].Up || got[1].Addr != places[0] || got[1].Up {
		t.Errorf("states %v", got)
	}
}

func TestTargetMoves(t *testing.T) {
	b := namedBench(t, 0, named)
	b.locate(named, places[0])
	b.pass(29 * time.Second)
	if len(b.asked) != 1 {
		t.Fatalf("asked %d times within the lifetime", len(b.asked))
	}
	b.pass(10 * time.Second)
	if len(b.asked) != 2 {
		t.Fatalf("asked %d times, want again after the lifetime", len(b.asked))
	}
	// While it is asked again, and while the DNS is down, the old address serves.
	for i := range 3 {
		if invite := only(t, b.give(trunkAddr, request("INVITE", fmt.Sprint("old", i), "")), "INVITE "); invite.flow.Peer != places[0] {
			t.Errorf("sent to %v", invite.flow.Peer)
		}
		b.locate(named)
		b.pass(time.Hour)
	}
	b.locate(named, places[1])
	if invite := only(t, b.give(trunkAddr, request("INVITE", "new", "")), "INVITE "); invite.flow.Peer != places[1] {
		t.Errorf("sent to %v", invite.flow.Peer)
	}
	// Calls that are up at the old address may end; then it is a stranger.
	for _, known := range []bool{true, false} {
		if got := b.core.Known(places[0]); got != known || !b.core.Known(places[1]) {
			t.Errorf("the old address known: %v, want %v", got, known)
		}
		b.pass(departedFor*time.Millisecond + 10*time.Second)
	}
}

func TestLifetimesAreBounded(t *testing.T) {
	for ttl, want := range map[time.Duration]int64{
		0: usualLifetime, time.Millisecond: minLifetime, 60 * time.Second: 60_000, 24 * time.Hour: maxLifetime,
	} {
		if got := lifetime(ttl); got != want {
			t.Errorf("a TTL of %v gives %d ms, want %d", ttl, got, want)
		}
	}
}

func TestReloadKeepsWhatIsKnownOfATarget(t *testing.T) {
	b := namedBench(t, 0, named)
	b.locate(named, places[0])
	cfg := *b.core.cfg
	cfg.Targets = []Target{{Name: "other", Host: "10.0.0.21", Port: 5060}, named}
	b.core.Configure(cfg, &b.out)
	if got := b.core.Targets(); len(got) != 2 || got[1].Addr != places[0] {
		t.Errorf("states %v", got)
	}
	if !b.core.Known(places[0]) {
		t.Error("the target's address is a stranger")
	}
}

func TestNamesAreBounded(t *testing.T) {
	b := newBench(t)
	for i := range 3 * maxNames {
		b.core.find(locate.Query{Host: fmt.Sprint(i, ".example")})
	}
	if len(b.asked) != maxNames || len(b.core.names.asked) != maxNames {
		t.Errorf("%d names are being located", len(b.asked))
	}
	for i := range 3 * maxNames {
		b.answer(locate.Query{Host: fmt.Sprint(i, ".example")}, pbxAddr)
	}
	if n := len(b.core.names.known); n != maxNames {
		t.Errorf("%d names are remembered", n)
	}
}
