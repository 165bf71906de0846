package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/transport"
)

// replay is one exchange, a request and the response to it, that can be played again and again
// without building text: only the branches change, whose length is fixed.
type replay struct {
	request, response []byte
	branches          []int // offsets in request of the trunk's branch number
	echoed            []int // offsets in response of the same
	ours              int   // offset in response of the gateway's branch
	n                 int
}

const replayDigits = "000000000"

// newReplay learns an exchange by playing it once.
func newReplay(t testing.TB, b *bench, request string, status int) *replay {
	forwarded := only(t, b.give(trunkAddr, request), request[:strings.IndexByte(request, ' ')])
	response := respond(t, forwarded.text, status)
	b.give(pbxAddr, response)
	r := &replay{request: []byte(request), response: []byte(response), ours: strings.Index(response, branchPrefix)}
	for at := 0; ; {
		i := bytes.Index(r.request[at:], []byte(replayDigits))
		if i < 0 {
			break
		}
		r.branches = append(r.branches, at+i)
		at += i + 1
	}
	for at := 0; ; {
		i := bytes.Index(r.response[at:], []byte(replayDigits))
		if i < 0 {
			break
		}
		r.echoed = append(r.echoed, at+i)
		at += i + 1
	}
	return r
}

// play plays the exchange with a branch of its own.
func (r *replay) play(b *bench, packets []transport.Packet) {
	r.n++
	for n, i := r.n, len(replayDigits)-1; i >= 0; i-- {
		digit := byte('0' + n%10)
		n /= 10
		for _, at := range r.branches {
			r.request[at+i] = digit
		}
		for _, at := range r.echoed {
			r.response[at+i] = digit
		}
	}
	packets[0] = transport.Packet{Flow: transport.Flow{Peer: trunkAddr}, Data: r.request}
	b.core.Receive(packets[:1], &b.out)
	for i := range b.out.Len() {
		if _, data, _ := b.out.Message(i); data[0] != 'S' {
			at := bytes.Index(data, []byte(branchPrefix))
			copy(r.response[r.ours:], data[at:at+len(branchPrefix)+2*tokenLen])
		}
	}
	b.out.Reset()
	packets[0] = transport.Packet{Flow: transport.Flow{Peer: pbxAddr}, Data: r.response}
	b.core.Receive(packets[:1], &b.out)
	b.out.Reset()
}

// forget lets the transactions of what was played end.
func (b *bench) forget() {
	b.now = b.now.Add(time.Minute)
	b.core.Advance(&b.out)
	b.out.Reset()
}

// inDialog is a request of an established call.
func inDialog(t testing.TB, b *bench) string {
	answered := only(t, b.give(trunkAddr, request("INVITE", "dialog", "")), "INVITE ")
	_, rest, _ := strings.Cut(answered.text, "Record-Route: ")
	route, _, _ := strings.Cut(rest, "\r\n")
	b.give(pbxAddr, respond(t, answered.text, 200))
	text := request("BYE", replayDigits, "Route: "+route+"\r\n")
	text = strings.Replace(text, "Call-ID: call-"+replayDigits, "Call-ID: call-dialog", 1)
	text = strings.Replace(text, "BYE sip:+862155500001@192.0.2.10", "BYE sip:10.0.0.20:5060", 1)
	return strings.Replace(text, "To: <sip:+862155500001@192.0.2.10>", "To: <sip:+862155500001@192.0.2.10>;tag=pbx", 1)
}

// TestForwardingDoesNotAllocate: a request and its response inside a call, through both transactions
// to their end, take no memory that was not there before.
func TestForwardingDoesNotAllocate(t *testing.T) {
	b := newBench(t)
	r := newReplay(t, b, inDialog(t, b), 200)
	packets := make([]transport.Packet, 1)
	round := func() {
		r.play(b, packets)
		b.forget()
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(200, round); n != 0 {
		t.Errorf("%v allocations for a request and its response, want none", n)
	}
}

// TestCallAllocatesItsRecord: what a new call allocates is its record, which the call log keeps, and
// the record's texts.
func TestCallAllocatesItsRecord(t *testing.T) {
	b := newBench(t)
	r := newReplay(t, b, request("INVITE", replayDigits, ""), 486)
	packets := make([]transport.Packet, 1)
	b.core.recorder = discard{}
	round := func() {
		r.play(b, packets)
		b.forget()
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(200, round); n > 3 {
		t.Errorf("%v allocations for a call, want 3: record, reference, texts", n)
	}
}

type discard struct{}

func (discard) Append(*call.Record) {}

// BenchmarkCall is a whole call through the core: INVITE, 200, ACK, BYE, 200, and the end of its
// transactions.
func BenchmarkCall(b *testing.B) {
	bench := newBench(b)
	bench.core.recorder = discard{}
	bye := newReplay(b, bench, inDialog(b, bench), 200)
	invite := newReplay(b, bench, request("INVITE", replayDigits, ""), 200)
	ack := transport.Packet{Flow: transport.Flow{Peer: trunkAddr}, Data: []byte(strings.ReplaceAll(string(bye.request), "BYE", "ACK"))}
	packets := make([]transport.Packet, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		invite.play(bench, packets)
		packets[0] = ack
		bench.core.Receive(packets, &bench.out)
		bench.out.Reset()
		bye.play(bench, packets)
		if i%256 == 255 {
			bench.forget()
		}
	}
}

// BenchmarkRefused is a call that is refused: INVITE, 603, ACK.
func BenchmarkRefused(b *testing.B) {
	bench := newBench(b)
	bench.core.recorder = discard{}
	bench.verdict = call.Verdict{Treatment: call.Refuse{Class: call.RefusalDeclined}}
	texts := make([][]byte, 1024)
	for i := range texts {
		texts[i] = []byte(request("INVITE", fmt.Sprint("r", i), ""))
	}
	packets := make([]transport.Packet, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		packets[0] = transport.Packet{Flow: transport.Flow{Peer: trunkAddr}, Data: texts[i%len(texts)]}
		bench.core.Receive(packets, &bench.out)
		bench.out.Reset()
		if i%256 == 255 {
			bench.forget()
		}
	}
}
