package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/sip/locate"
	"ringfence/sip/transport"
)

var contactQuery = locate.Query{Host: "contact.example", Any: true}

// dialogBench is a bench whose PBX may send from all the places.
func dialogBench(t *testing.T) *bench {
	b := newBench(t)
	cfg := *b.core.cfg
	cfg.PBX = []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24")}
	b.core.configure(&cfg)
	return b
}

// toContact is a request of an established call to a Contact that is a name.
func toContact(t *testing.T, b *bench, method string) string {
	text := strings.Replace(inDialog(t, b), "sip:10.0.0.20:5060 SIP", "sip:Contact.Example SIP", 1)
	return strings.ReplaceAll(text, "BYE", method)
}

func TestContactIsLocated(t *testing.T) {
	b := dialogBench(t)
	if early := b.give(trunkAddr, toContact(t, b, "BYE")); len(early) != 0 {
		t.Errorf("sent before the name was located: %v", early)
	}
	if len(b.asked) != 1 || b.asked[0] != contactQuery {
		t.Fatalf("asked for %v", b.asked)
	}
	bye := only(t, b.answer(contactQuery, places[0]), "BYE sip:Contact.Example SIP/2.0\r\n")
	if bye.flow.Peer != places[0] {
		t.Errorf("sent to %v", bye.flow.Peer)
	}
	only(t, b.give(places[0], respond(t, bye.text, 200)), "SIP/2.0 200")
}

func TestContactThatIsNotLocated(t *testing.T) {
	b := dialogBench(t)
	b.give(trunkAddr, toContact(t, b, "BYE"))
	if early := b.pass(4900 * time.Millisecond); len(early) != 0 {
		t.Errorf("too early: %v", early)
	}
	only(t, b.pass(200*time.Millisecond), "SIP/2.0 503")
	b.answer(contactQuery) // too late, and no help
	b.pass(time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 {
		t.Errorf("%d transactions are left", s.Transactions)
	}
}

// A name must not make a relay of the gateway either.
func TestContactThatLeadsToATrunk(t *testing.T) {
	b := dialogBench(t)
	b.give(trunkAddr, toContact(t, b, "BYE"))
	only(t, b.answer(contactQuery, trunkAddr), "SIP/2.0 403")
}

// A request of a dialog goes on along the list as a call does.
func TestDialogGoesAlongTheList(t *testing.T) {
	for name, test := range map[string]struct {
		fails func(b *bench, first sent) []sent
	}{
		"503":     {func(b *bench, first sent) []sent { return b.give(first.flow.Peer, respond(b.t, first.text, 503)) }},
		"no way":  {func(b *bench, first sent) []sent { return b.fail(first) }},
		"silence": {func(b *bench, _ sent) []sent { return b.pass(4100 * time.Millisecond) }},
	} {
		for _, method := range []string{"BYE", "INVITE"} {
			t.Run(method+" "+name, func(t *testing.T) {
				b := dialogBench(t)
				b.give(trunkAddr, toContact(t, b, method))
				first := only(t, b.answer(contactQuery, places[:2]...), method+" ")
				var second sent
				for _, s := range test.fails(b, first) {
					if s.flow.Peer == places[1] && strings.HasPrefix(s.text, method+" ") {
						second = s
					}
				}
				if second.text == "" || branchOf(second.text) == branchOf(first.text) {
					t.Fatalf("no second attempt with a branch of its own: %v", second)
				}
				// With none left the failure goes to the caller.
				only(t, b.give(places[1], respond(t, second.text, 503)), "SIP/2.0 500")
				b.pass(2 * time.Minute)
				if s := b.core.Stats(); s.Transactions != 0 {
					t.Errorf("%d transactions are left", s.Transactions)
				}
			})
		}
	}
}

// The slow answer of the first place still counts, once.
func TestLateAnswerOfTheFirstPlace(t *testing.T) {
	b := dialogBench(t)
	b.give(trunkAddr, toContact(t, b, "BYE"))
	first := only(t, b.answer(contactQuery, places[:2]...), "BYE ")
	b.pass(5 * time.Second)
	only(t, b.give(places[0], respond(t, first.text, 200)), "SIP/2.0 200")
	b.pass(2 * time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 {
		t.Errorf("%d transactions are left", s.Transactions)
	}
}

func TestAckIsLocated(t *testing.T) {
	b := dialogBench(t)
	ack := toContact(t, b, "ACK")
	b.give(trunkAddr, ack)
	b.give(trunkAddr, ack) // the 2xx came again
	sentOn := b.answer(contactQuery, places[0])
	if len(sentOn) != 2 || sentOn[0].flow != (transport.Flow{Peer: places[0]}) || !strings.HasPrefix(sentOn[0].text, "ACK sip:Contact.Example SIP/2.0\r\n") {
		t.Errorf("sent %v", sentOn)
	}
	only(t, b.give(trunkAddr, ack), "ACK ") // known by now
	b.pass(time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 {
		t.Errorf("%d transactions are left", s.Transactions)
	}
}

func TestAckThatIsNotLocated(t *testing.T) {
	for name, unlucky := range map[string]func(b *bench){
		"silence": func(b *bench) { b.pass(5100 * time.Millisecond) },
		"failure": func(b *bench) { b.answer(contactQuery) },
		"no way":  func(b *bench) { b.answer(contactQuery, netip.MustParseAddrPort("[2001:db8::1]:5060")) },
	} {
		b := dialogBench(t)
		b.give(trunkAddr, toContact(t, b, "ACK"))
		unlucky(b)
		if s := b.core.Stats(); s.Dropped[DropUnresolved] != 1 {
			t.Errorf("%s: dropped %v", name, s.Dropped)
		}
		b.pass(time.Minute)
		if s := b.core.Stats(); s.Transactions != 0 {
			t.Errorf("%s: %d transactions are left", name, s.Transactions)
		}
	}
}

// What a peer that ignores Record-Route sends to the gateway itself waits for the PBX's name, too.
func TestDialogWithoutRouteWaitsForTheTarget(t *testing.T) {
	b := namedBench(t, 0, named)
	bye := strings.Replace(request("BYE", "1", ""), "@192.0.2.10>\r\nCall-ID", "@192.0.2.10>;tag=pbx\r\nCall-ID", 1)
	b.give(trunkAddr, bye)
	if out := only(t, b.locate(named, places[0]), "BYE "); out.flow.Peer != places[0] {
		t.Errorf("sent to %v", out.flow.Peer)
	}
}
