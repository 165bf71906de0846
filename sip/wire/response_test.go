package wire

import (
	"net/netip"
	"strings"
	"testing"
)

var peerOfFuzz = netip.MustParseAddrPort("198.51.100.7:5060")

func TestAppendResponse(t *testing.T) {
	m := parse(t, "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1, SIP/2.0/UDP c;branch=z9hG4bK2\r\n"+
		"Via: SIP/2.0/TCP d\r\nTo: <sip:a@b>\r\nf: <sip:c@d>;tag=9\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nSubject: s\r\n\r\n")
	want := "SIP/2.0 403 Forbidden\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=198.51.100.7\r\n" +
		"Via: SIP/2.0/UDP c;branch=z9hG4bK2\r\nVia: SIP/2.0/TCP d\r\nf: <sip:c@d>;tag=9\r\nTo: <sip:a@b>;tag=t\r\n" +
		"Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
	if got := string(AppendEnd(m.AppendResponse(nil, 403, Phrase(403), []byte("t"), peerOfFuzz))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Only a 100 says when the request was sent (RFC 3261 §8.2.6.1).
func TestAppendResponseCopiesTimestamp(t *testing.T) {
	m := parse(t, "INVITE sip:a@b SIP/2.0\r\nTimestamp: 54.2\r\nVia: SIP/2.0/UDP d\r\n\r\n")
	for status, want := range map[int]int{100: 1, 180: 0, 200: 0} {
		response := string(m.AppendResponse(nil, status, Phrase(status), nil, peerOfFuzz))
		if got := strings.Count(response, "Timestamp: 54.2\r\n"); got != want {
			t.Errorf("%d: Timestamp stands %d times, want %d", status, got, want)
		}
	}
}

func TestOfferedMedia(t *testing.T) {
	tests := []struct {
		name, body   string
		audio, video bool
	}{
		{"audio", "v=0\r\nm=audio 49170 RTP/AVP 0\r\n", true, false},
		{"both", "m=audio 1 RTP/AVP 0\r\nm=video 2/2 RTP/AVP 96", true, true},
		{"video refused", "m=audio 1 RTP/AVP 0\nm=video 0 RTP/AVP 96\n", true, false},
		{"in capitals", "m=VIDEO 5004 RTP/AVP 96\r\n", false, true},
		{"cut off", "m=video", false, false},
		{"in a line", "a=m=video 1 x\r\n", false, false},
	}
	for _, test := range tests {
		if audio, video := OfferedMedia([]byte(test.body)); audio != test.audio || video != test.video {
			t.Errorf("%s: audio %v, video %v", test.name, audio, video)
		}
	}
}
