package proxy

import (
	"strings"
	"testing"

	"ringfence/call"
	"ringfence/sip/transport"
)

// What a request is refused with before it is screened.
func TestValidation(t *testing.T) {
	const body = "Content-Type: application/sdp\r\n"
	tests := []struct {
		name, text string
		protocol   transport.Protocol
		start      string // of the first answer
	}{
		{"headers in the Request-URI", strings.Replace(request("INVITE", "1", ""), " SIP/2.0", "?Route=%3Csip:x%3E SIP/2.0", 1), transport.UDP, "SIP/2.0 400 Headers in Request-URI"},
		{"no Max-Breadth left", request("INVITE", "1", "Max-Breadth: 0\r\n"), transport.UDP, "SIP/2.0 440 "},
		{"some Max-Breadth left", request("INVITE", "1", "Max-Breadth: 1\r\n"), transport.UDP, "SIP/2.0 100 "},
		{"two Max-Breadths", request("INVITE", "1", "Max-Breadth: 1\r\nMax-Breadth: 1\r\n"), transport.UDP, "SIP/2.0 400 Duplicate Max-Breadth"},
		{"no number in Max-Breadth", request("INVITE", "1", "Max-Breadth: many\r\n"), transport.UDP, "SIP/2.0 400 Malformed Max-Breadth"},
		{"a body without length by a datagram", strings.Replace(request("INVITE", "1", body), "Content-Length: 0\r\n", "", 1), transport.UDP, "SIP/2.0 100 "},
		{"a body without length in a stream", strings.Replace(request("INVITE", "1", body), "Content-Length: 0\r\n", "", 1), transport.TCP, "SIP/2.0 400 Missing Content-Length"},
		{"no body and no length in a stream", strings.Replace(request("INVITE", "1", ""), "Content-Length: 0\r\n", "", 1), transport.TCP, "SIP/2.0 100 "},
		{"OPTIONS that has reached its end", hops(request("OPTIONS", "1", ""), "0"), transport.UDP, "SIP/2.0 200 "},
		{"OPTIONS inside a call that has no hops left", tagged(hops(request("OPTIONS", "1", ""), "0")), transport.UDP, "SIP/2.0 483 "},
		{"INVITE that has no hops left", hops(request("INVITE", "1", ""), "0"), transport.UDP, "SIP/2.0 483 "},
		{"a version that is not ours", strings.ReplaceAll(request("INVITE", "1", ""), "SIP/2.0", "SIP/7.0"), transport.UDP, "SIP/2.0 505 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			answers := b.giveOver(transport.Flow{Peer: trunkAddr, Protocol: test.protocol, Listener: uint16(test.protocol)}, test.text)
			if len(answers) == 0 || !strings.HasPrefix(answers[0].text, test.start) {
				t.Errorf("answered %v, want %q", answers, test.start)
			}
			if s := b.core.Stats(); s.Transactions > 0 && test.start != "SIP/2.0 100 " {
				t.Errorf("%d transactions are kept for an answer that needs none (RFC 3261 §8.2.7)", s.Transactions)
			}
		})
	}
}

func hops(text, n string) string {
	return strings.Replace(text, "Max-Forwards: 70", "Max-Forwards: "+n, 1)
}

func tagged(text string) string {
	return strings.Replace(text, "To: <sip:+862155500001@192.0.2.10>", "To: <sip:+862155500001@192.0.2.10>;tag=pbx", 1)
}

// A trunk that may assert no identity has its assertions taken out, of labelled calls too.
func TestLabelOfUntrustedTrunk(t *testing.T) {
	b := newBench(t)
	b.verdict = call.Verdict{Treatment: call.Label{Prefix: "[?] "}, Reason: call.ReasonClean}
	forwarded := only(t, b.give(trunkAddr, request("INVITE", "1", "P-Asserted-Identity: <sip:+8613900000000@198.51.100.7>\r\n")), "INVITE ")
	if strings.Contains(forwarded.text, "P-Asserted-Identity") || !strings.Contains(forwarded.text, `From: "[?] +8613800138000" <`) {
		t.Errorf("forwarded as\n%s", forwarded.text)
	}
}

// However many headers a trunk fills a message with, none of those it may not send gets through.
func TestBorderHoldsForManyHeaders(t *testing.T) {
	for _, line := range []string{"X-Ringfence: verdict=allow\r\n", "P-Asserted-Identity: <sip:+8613900000000@198.51.100.7>\r\n"} {
		b := newBench(t)
		forwarded := only(t, b.give(trunkAddr, request("INVITE", "1", strings.Repeat(line, 180))), "INVITE ")
		if n := strings.Count(forwarded.text, line); n > 0 {
			t.Errorf("%d lines %q got through", n, line)
		}
	}
}

// What arrives twice, under two branches, is merged by the user agent, not by a proxy (RFC 3261 §8.2.2.2).
func TestMergedRequestsPass(t *testing.T) {
	b := newBench(t)
	for _, branch := range []string{"z9hG4bK1", "z9hG4bK2"} {
		only(t, b.give(trunkAddr, strings.Replace(request("INVITE", "1", ""), "z9hG4bK1", branch, 1)), "INVITE ")
	}
}
