package proxy

import (
	"fmt"
	"strings"
	"testing"

	"ringfence/call"
)

// TestOffersThatCannotBeTaken: an honest caller is not refused for what a warning would need, and nobody gets
// around a challenge by what is offered.
func TestOffersThatCannotBeTaken(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	const plain = head + "m=audio 4000 RTP/AVP 8\r\n"
	const sdes = head + "m=audio 4000 RTP/SAVP 8\r\n"
	warn, refused := call.Warn{Prefix: "[Suspect] "}, call.Announce{Refuse: &call.Refuse{Class: call.RefusalRejected}}
	for _, c := range []struct {
		name      string
		treatment call.Treatment
		kind      string // content type
		body      string
		want      string // what is sent; AGENT for what is handed over
	}{
		{"plain", warn, "application/sdp", plain, "AGENT"},
		{"without an offer", warn, "", "", "AGENT"},
		{"either", warn, "application/sdp", sdes + "m=audio 4002 RTP/AVP 8\r\n", "AGENT"},
		{"beside ISUP", warn, "multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n\r\n" + plain + "\r\n--b--\r\n", "AGENT"},
		{"SRTP", warn, "application/sdp", sdes, "INVITE "},
		{"SRTP by DTLS", warn, "application/sdp", head + "m=audio 4000 UDP/TLS/RTP/SAVPF 8\r\n", "INVITE "},
		{"fax", warn, "application/sdp", head + "m=image 4000 udptl t38\r\n", "INVITE "},
		{"no audio", warn, "application/sdp", head + "m=video 4000 RTP/AVP 96\r\n", "INVITE "},
		{"host name", warn, "application/sdp", strings.ReplaceAll(plain, "c=IN IP4 192.0.2.1", "c=IN IP4 a.example"), "INVITE "},
		{"malformed", warn, "application/sdp", "v=1\r\n", "INVITE "},
		{"no SDP", warn, "application/isup", "x", "INVITE "},
		{"announce", call.Announce{}, "application/sdp", sdes, "INVITE "},
		{"announce and refuse", refused, "application/sdp", sdes, "SIP/2.0 608 "},
		{"divert with a fallback", call.Divert{Target: "queue"}, "application/sdp", sdes, "INVITE sip:q@"},
		{"challenge", call.Challenge{Digits: 2}, "application/sdp", sdes, "AGENT"},
		{"report", call.TakeReport{}, "application/sdp", sdes, "AGENT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newAgentBench(t)
			b.verdict.Treatment = c.treatment
			text := request("INVITE", "1", "Content-Type: "+c.kind+"\r\n")
			text = strings.Replace(text, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(c.body), c.body), 1)
			want := c.want
			if want == "AGENT" {
				want = "INVITE "
			}
			out := only(t, b.give(trunkAddr, text), want)
			if got := out.flow.Peer == AgentAddr; got != (c.want == "AGENT") || got != (len(b.taken) == 1) {
				t.Errorf("sent to %v, %d taken:\n%s", out.flow.Peer, len(b.taken), out.text)
			}
			if c.want == "INVITE " && !strings.HasSuffix(out.text, c.body) {
				t.Errorf("the offer was changed:\n%s", out.text)
			}
		})
	}
}
