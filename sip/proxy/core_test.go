package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/locate"
	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// bench drives a core by hand: its clock is the test's, and what it sends is kept.
type bench struct {
	t       testing.TB
	core    *Core
	now     time.Time
	out     transport.Outbox
	verdict call.Verdict
	records []call.Record
	sent    []sent
	asked   []locate.Query
}

type sent struct {
	flow transport.Flow
	text string
}

var (
	trunkAddr = netip.MustParseAddrPort("198.51.100.7:5060")
	pbxAddr   = netip.MustParseAddrPort("10.0.0.20:5060")
	pbx2Addr  = netip.MustParseAddrPort("10.0.0.21:5060")
	ownAddr   = netip.MustParseAddrPort("192.0.2.10:5060")
)

func (b *bench) Screen(*call.Facts) call.Verdict { return b.verdict }
func (b *bench) Append(r *call.Record)           { b.records = append(b.records, *r) }
func (b *bench) Locate(q locate.Query)           { b.asked = append(b.asked, q) }

func newBench(t testing.TB) *bench {
	b := &bench{t: t, now: time.Unix(1_800_000_000, 0), verdict: call.Verdict{Treatment: call.Allow{}, Reason: call.ReasonClean}}
	b.core = New(Options{
		Config: Config{
			Listeners: []Listener{
				{Protocol: transport.UDP, Addr: ownAddr, Host: "192.0.2.10", Port: 5060},
				{Protocol: transport.TCP, Addr: ownAddr, Host: "192.0.2.10", Port: 5060},
			},
			Trunks:  []Trunk{{Name: "carrier", Class: call.ClassDomestic, Sources: []netip.Prefix{netip.PrefixFrom(trunkAddr.Addr(), 32)}}},
			Targets: []Target{{Name: "one", Host: "10.0.0.20", Port: 5060}, {Name: "two", Host: "10.0.0.21", Port: 5060}},
			Diverts: map[string]Target{
				"voicemail": {User: "vm", Host: "10.0.0.20", Port: 5060},
				"queue":     {User: "q", Host: "10.0.0.22", Port: 5060, Fallback: true},
			},

			RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second, MaxSetup: 1000,
		},
		Screener: b, Recorder: b, Resolver: b, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Clock: func() time.Time { return b.now },
	})
	return b
}

// give hands the core one datagram and keeps what it answers.
func (b *bench) give(from netip.AddrPort, text string) []sent {
	return b.giveOver(transport.Flow{Peer: from}, text)
}

func (b *bench) giveOver(flow transport.Flow, text string) []sent {
	b.core.Receive([]transport.Packet{{Flow: flow, Data: []byte(text)}}, &b.out)
	return b.collect()
}

func (b *bench) collect() []sent {
	var fresh []sent
	for i := range b.out.Len() {
		flow, data, _ := b.out.Message(i)
		fresh = append(fresh, sent{flow, string(data)})
	}
	b.out.Reset()
	b.sent = append(b.sent, fresh...)
	return fresh
}

// pass lets time go by, firing timers when they are due.
func (b *bench) pass(d time.Duration) []sent {
	var all []sent
	end := b.now.Add(d)
	for {
		next, ok := b.core.Advance(&b.out)
		all = append(all, b.collect()...)
		if !ok || next.After(end) {
			b.now = end
			b.core.Advance(&b.out)
			return append(all, b.collect()...)
		}
		b.now = next
	}
}

// request is a request as the trunk sends it.
func request(method, branch, more string) string {
	return fmt.Sprintf("%s sip:+862155500001@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK%s\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:+8613800138000@198.51.100.7>;tag=a\r\nTo: <sip:+862155500001@192.0.2.10>\r\n"+
		"Call-ID: call-%s\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n", method, branch, branch, method, more)
}

// respond is what a user agent answers to a request that was forwarded to it.
func respond(t testing.TB, forwarded string, status int) string {
	t.Helper()
	var m wire.Message
	if err := m.Parse([]byte(forwarded)); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Phrase\r\n", status)
	for _, h := range m.Headers() {
		switch h.ID {
		case wire.HeaderVia, wire.HeaderFrom, wire.HeaderCallID, wire.HeaderCSeq, wire.HeaderRecordRoute:
			b.Write(m.Bytes(h.Line))
		case wire.HeaderTo:
			line := strings.TrimSuffix(string(m.Bytes(h.Line)), "\r\n")
			if !strings.Contains(line, "tag=") && status > 100 {
				line += ";tag=pbx"
			}
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("Contact: <sip:10.0.0.20:5060>\r\nContent-Length: 0\r\n\r\n")
	return b.String()
}

// only is the one message of all that begins with prefix.
func only(t testing.TB, all []sent, prefix string) sent {
	t.Helper()
	var found []sent
	for _, s := range all {
		if strings.HasPrefix(s.text, prefix) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d messages begin with %q, want one, of:\n%v", len(found), prefix, all)
	}
	return found[0]
}

func TestPanicEndsOneTransaction(t *testing.T) {
	b := newBench(t)
	b.verdict = call.Verdict{} // a verdict without a treatment: Name panics where it is announced
	b.core.screener = panicking{}
	answers := b.give(trunkAddr, request("INVITE", "1", ""))
	only(t, answers, "SIP/2.0 500 ")
	if s := b.core.Stats(); s.Panics != 1 {
		t.Errorf("%d panics counted, want 1", s.Panics)
	}
	b.core.screener = b
	b.verdict = call.Verdict{Treatment: call.Allow{}}
	only(t, b.give(trunkAddr, request("INVITE", "2", "")), "INVITE ")
}

type panicking struct{}

func (panicking) Screen(*call.Facts) call.Verdict { panic("a fault in screening") }

// TestNothingStays shows that a call leaves nothing behind: every transaction ends.
func TestNothingStays(t *testing.T) {
	b := newBench(t)
	for i := range 50 {
		branch := fmt.Sprint("x", i)
		forwarded := only(t, b.give(trunkAddr, request("INVITE", branch, "")), "INVITE ")
		switch i % 5 {
		case 0:
			b.give(pbxAddr, respond(t, forwarded.text, 200))
		case 1:
			b.give(pbxAddr, respond(t, forwarded.text, 486))
		case 2:
			b.give(pbxAddr, respond(t, forwarded.text, 180))
			b.give(trunkAddr, request("CANCEL", branch, ""))
		case 3:
			b.give(pbxAddr, respond(t, forwarded.text, 503))
		}
	}
	b.pass(10 * time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 || s.Setup != 0 {
		t.Errorf("%d transactions and %d calls in setup are left", s.Transactions, s.Setup)
	}
	if len(b.records) != 50 {
		t.Errorf("%d records for 50 calls", len(b.records))
	}
	if b.core.table.n != 0 || b.core.wheel.count != 0 {
		t.Errorf("%d table entries and %d timers are left", b.core.table.n, b.core.wheel.count)
	}
}

// TestResponseWithoutWayBack: a response whose only Via is ours has no way back (§16.7 step 3).
func TestResponseWithoutWayBack(t *testing.T) {
	b := newBench(t)
	forwarded := only(t, b.give(trunkAddr, request("INVITE", "1", "")), "INVITE ")
	whole := respond(t, forwarded.text, 180)
	theirs := "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1\r\n"
	if !strings.Contains(whole, theirs) {
		t.Fatalf("the caller's Via is not as expected in %s", whole)
	}
	if answers := b.give(pbxAddr, strings.Replace(whole, theirs, "", 1)); len(answers) > 0 {
		t.Errorf("it was passed on: %v", answers)
	}
	only(t, b.give(pbxAddr, whole), "SIP/2.0 180 ")
}
