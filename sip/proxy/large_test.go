package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/sip/transport"
	"ringfence/sip/wire"
)

// largeBench is a bench on which large requests are tried over TCP.
func largeBench(t *testing.T) *bench {
	b := newBench(t)
	cfg := *b.core.cfg
	cfg.LargeOverTCP = true
	b.core.configure(&cfg)
	return b
}

// largeInvite is an INVITE that is larger than a packet when it comes out, without Content-Length.
func largeInvite(branch string) string {
	return strings.Replace(request("INVITE", branch, "Subject: "+strings.Repeat("s", 1300)+"\r\n"), "Content-Length: 0\r\n", "", 1)
}

// fail has the core hear that what it sent last could not be delivered.
func (b *bench) fail(sent sent) []sent {
	b.t.Helper()
	transaction, _, ok := parseBranch(viaOf(b.t, sent.text).Branch)
	if !ok {
		b.t.Fatalf("no branch of ours in\n%s", sent.text)
	}
	b.core.Failed(transaction, &b.out)
	return b.collect()
}

func viaOf(t testing.TB, text string) wire.Via {
	t.Helper()
	var m wire.Message
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	via, ok := m.Via()
	if !ok {
		t.Fatalf("no Via in\n%s", text)
	}
	return *via
}

var tcpToPBX = transport.Flow{Peer: pbxAddr, Listener: 1, Protocol: transport.TCP}

func TestLargeRequestOverTCP(t *testing.T) {
	b := largeBench(t)
	small := only(t, b.give(trunkAddr, request("INVITE", "small", "")), "INVITE ")
	if small.flow.Protocol != transport.UDP {
		t.Errorf("a small request was sent on %+v", small.flow)
	}
	invite := only(t, b.give(trunkAddr, largeInvite("large")), "INVITE ")
	if invite.flow != tcpToPBX {
		t.Errorf("sent on %+v", invite.flow)
	}
	wantInOrder(t, invite.text, "Content-Length: 0\r\n", "Via: SIP/2.0/TCP 192.0.2.10:5060;branch="+branchPrefix, "\r\nMax-Forwards: 69\r\n")
	if all := b.pass(3 * time.Second); strings.Contains(fmt.Sprint(all), "SIP/2.0/TCP") {
		t.Errorf("sent again over TCP: %v", all)
	}
	b.giveOver(tcpToPBX, respond(t, invite.text, 180))
	// What belongs to the INVITE goes the same way, with the same Via.
	cancel := only(t, b.give(trunkAddr, request("CANCEL", "large", "")), "CANCEL ")
	ack := only(t, b.giveOver(tcpToPBX, respond(t, invite.text, 487)), "ACK ")
	for _, s := range []sent{cancel, ack} {
		if via := viaOf(t, s.text); s.flow != tcpToPBX || string(via.Raw) != string(viaOf(t, invite.text).Raw) {
			t.Errorf("sent on %+v:\n%s", s.flow, s.text)
		}
	}
}

func TestLargeRequestFallsBackToUDP(t *testing.T) {
	b := largeBench(t)
	overTCP := only(t, b.give(trunkAddr, largeInvite("first")), "INVITE ")
	again := only(t, b.fail(overTCP), "INVITE ")
	if want := (transport.Flow{Peer: pbxAddr}); again.flow != want {
		t.Errorf("sent on %+v", again.flow)
	}
	was, is := viaOf(t, overTCP.text), viaOf(t, again.text)
	if string(is.Transport) != "UDP" || !is.HasRPort || string(is.Branch) != string(was.Branch) {
		t.Errorf("Via %s after %s", is.Raw, was.Raw)
	}
	if s := b.core.Stats(); s.Transactions != 2 {
		t.Errorf("%d transactions, want the server's and the client's", s.Transactions)
	}
	// It is retransmitted as over UDP, and nobody else is tried while the PBX has time.
	if resent := only(t, b.pass(600*time.Millisecond), "INVITE "); resent.text != again.text || resent.flow != again.flow {
		t.Errorf("sent again on %+v:\n%s", resent.flow, resent.text)
	}
	only(t, b.give(pbxAddr, respond(t, again.text, 200)), "SIP/2.0 200")

	// The PBX is not asked for a connection again, for a while; others are.
	if next := only(t, b.give(trunkAddr, largeInvite("second")), "INVITE "); next.flow.Protocol != transport.UDP {
		t.Errorf("sent on %+v", next.flow)
	}
	b.pass(datagramOnlyFor * time.Millisecond)
	if later := only(t, b.give(trunkAddr, largeInvite("third")), "INVITE "); later.flow != tcpToPBX {
		t.Errorf("sent on %+v", later.flow)
	}
}

// A PBX that takes the connection and then says nothing is left for the next one, as over UDP.
func TestLargeRequestToASilentTarget(t *testing.T) {
	b := largeBench(t)
	only(t, b.give(trunkAddr, largeInvite("1")), "INVITE ")
	if early := b.pass(4*time.Second + transport.DialTimeout - 50*time.Millisecond); len(early) != 0 {
		t.Errorf("too early: %v", early)
	}
	next := only(t, b.pass(100*time.Millisecond), "INVITE ")
	if next.flow.Peer != pbx2Addr || next.flow.Protocol != transport.TCP {
		t.Errorf("sent on %+v", next.flow)
	}
	b.fail(next) // the second one's time
	b.pass(2 * time.Minute)
	if s := b.core.Stats(); s.Transactions != 0 {
		t.Errorf("%d transactions are left", s.Transactions)
	}
	if len(b.records) != 1 || b.records[0].Outcome.Status != 408 {
		t.Errorf("records %+v", b.records)
	}
}

func TestLargeRequestCancelledWhileConnecting(t *testing.T) {
	b := largeBench(t)
	invite := only(t, b.give(trunkAddr, largeInvite("1")), "INVITE ")
	b.give(trunkAddr, request("CANCEL", "1", ""))
	only(t, b.fail(invite), "SIP/2.0 487") // and no INVITE over UDP
}

func TestLargeRequestsUnasked(t *testing.T) {
	b := newBench(t)
	if invite := only(t, b.give(trunkAddr, largeInvite("1")), "INVITE "); invite.flow.Protocol != transport.UDP {
		t.Errorf("sent on %+v", invite.flow)
	}
	b = largeBench(t)
	b.core.cfg.Listeners = b.core.cfg.Listeners[:1] // no TCP
	if invite := only(t, b.give(trunkAddr, largeInvite("2")), "INVITE "); invite.flow.Protocol != transport.UDP {
		t.Errorf("without a TCP listener sent on %+v", invite.flow)
	}
}

// What is remembered of next hops is bounded, whatever peers name.
func TestNextHopsRememberedAreBounded(t *testing.T) {
	b := largeBench(t)
	for i := range maxDatagramOnly + 10 {
		cl := b.core.newClient(kindProxied, wire.MethodInvite, 0)
		cl.request = b.core.buffers.hold([]byte(largeInvite("1")))
		cl.large = true
		cl.flow = transport.Flow{Peer: netip.AddrPortFrom(pbxAddr.Addr(), uint16(i+1)), Listener: 1, Protocol: transport.TCP}
		b.core.begin(&b.out)
		b.core.fallBack(cl)
		b.core.freeClient(cl)
		b.out.Reset()
	}
	if n := len(b.core.datagram); n > maxDatagramOnly {
		t.Errorf("%d are remembered", n)
	}
}
