package agent

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// A trunk may put ISUP beside the SDP (RFC 5621); the gateway reads the SDP.
func TestDescription(t *testing.T) {
	const sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
	several := func(kinds ...string) string {
		var b strings.Builder
		for _, kind := range kinds {
			body := "\x01\x00\r\n\xff"
			if strings.HasPrefix(strings.ToLower(kind), sdpType) {
				body = sdp
			}
			b.WriteString("--x\r\nContent-Type: " + kind + "\r\nContent-Disposition: signal;handling=optional\r\n\r\n" + body + "\r\n")
		}
		return b.String() + "--x--\r\n"
	}
	const isup = "application/isup;version=itu-t92+"
	for name, test := range map[string]struct {
		kind, body, want string
		ok               bool
	}{
		"none":             {"", "", "", true},
		"SDP":              {"Application/SDP ; charset=utf-8", sdp, sdp, true},
		"another":          {isup, "x", "", false},
		"no type":          {"", "x", "", false},
		"SDP and ISUP":     {"multipart/mixed;boundary=x", several("application/sdp", isup), sdp, true},
		"ISUP and SDP":     {`Multipart/Mixed; boundary="x"`, several(isup, "Application/SDP;charset=utf-8"), sdp, true},
		"ISUP alone":       {"multipart/mixed;boundary=x", several(isup), "", false},
		"no boundary":      {"multipart/mixed", several("application/sdp"), "", false},
		"another boundary": {"multipart/mixed;boundary=y", several("application/sdp"), "", false},
		"broken off":       {"multipart/mixed;boundary=x", "--x\r\nContent-Type: application/sdp\r\n\r\nv=0", "", false},
	} {
		req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "a"})
		if test.kind != "" {
			kind := sip.ContentTypeHeader(test.kind)
			req.AppendHeader(&kind)
		}
		req.SetBody([]byte(test.body))
		body, ok := description(req)
		if ok != test.ok || string(body) != test.want {
			t.Errorf("%s: %t, %q", name, ok, body)
		}
	}
}
