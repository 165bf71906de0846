package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/transport"
)

func TestGateBoundsOneSource(t *testing.T) {
	var g gate
	key := [2]uint64{1, 2}
	a, b := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.8")
	admitted := 0
	for range 50 {
		if g.admit(a, &key, 10, 5) {
			admitted++
		}
	}
	if admitted != 10 {
		t.Errorf("%d of 50 messages at once were admitted at 10 a second", admitted)
	}
	if !g.admit(b, &key, 10, 5) {
		t.Error("another source was held up")
	}
	if g.admit(a, &key, 10, 90) || !g.admit(a, &key, 10, 110) {
		t.Error("the bucket does not fill with time")
	}
	if !g.admit(a, &key, 0, 110) {
		t.Error("rate 0 must admit everything")
	}
}

// TestMillionSources: spoofed sources leave nothing behind, at the gate or in the core.
func TestMillionSources(t *testing.T) {
	b := newBench(t)
	b.core.cfg.MaxRate = 1000
	packets := make([]transport.Packet, 1)
	data := []byte(request("INVITE", "x", ""))
	n := 0
	round := func() {
		n++
		addr := netip.AddrFrom4([4]byte{203, byte(n >> 16), byte(n >> 8), byte(n)})
		packets[0] = transport.Packet{Flow: transport.Flow{Peer: netip.AddrPortFrom(addr, 5060)}, Data: data}
		b.core.Receive(packets, &b.out)
	}
	if allocs := testing.AllocsPerRun(1_000_000, round); allocs != 0 {
		t.Errorf("%v allocations a message", allocs)
	}
	if s := b.core.Stats(); s.Transactions != 0 || s.Dropped[DropUnknownSource] != uint64(n) || b.out.Len() != 0 {
		t.Errorf("%d transactions, %d of %d dropped, %d answers", s.Transactions, s.Dropped[DropUnknownSource], n, b.out.Len())
	}
}

// TestBacklogShedsNewCalls: while messages pile up, new calls get 503 without a record or a
// transaction; calls to emergency services and requests of calls that are up go on.
func TestBacklogShedsNewCalls(t *testing.T) {
	b := newBench(t)
	bye := inDialog(t, b)
	full := make([]transport.Packet, fullBatch)
	for i := range full {
		full[i] = transport.Packet{Flow: transport.Flow{Peer: trunkAddr}, Data: []byte("SIP/2.0 200 OK\r\n\r\n")}
	}
	b.core.Receive(full, &b.out)
	b.now = b.now.Add(backlogTime * time.Millisecond) // a pause of the process
	b.core.Receive(full, &b.out)
	if b.core.shedding() {
		t.Error("a pause counts as overload")
	}
	for range backlogBatches {
		b.core.Receive(full, &b.out)
	}
	with := func(text string) []sent {
		batch := append([]transport.Packet(nil), full...)
		batch[fullBatch-1].Data = []byte(text)
		b.core.Receive(batch, &b.out)
		return b.collect()
	}
	records, transactions := len(b.records), b.core.Stats().Transactions
	answer := only(t, with(request("INVITE", "shed", "")), "SIP/2.0 ")
	if !strings.HasPrefix(answer.text, "SIP/2.0 503 ") || !strings.Contains(answer.text, "\r\nRetry-After: ") {
		t.Errorf("answered %.60q, want 503 with Retry-After", answer.text)
	}
	if s := b.core.Stats(); s.Shed != 1 || s.Transactions != transactions || len(b.records) != records {
		t.Errorf("%d shed, %d transactions more, %d records more", s.Shed, s.Transactions-transactions, len(b.records)-records)
	}
	only(t, with(bye), "BYE ")

	b.verdict = call.Verdict{Treatment: call.Allow{}, Reason: call.ReasonEmergency}
	only(t, with(strings.Replace(request("INVITE", "sos", ""), "sip:+862155500001@192.0.2.10 ", "urn:service:sos ", 1)), "INVITE ")

	b.verdict.Reason = call.ReasonClean
	only(t, b.give(trunkAddr, request("INVITE", "after", "")), "INVITE ")
}
