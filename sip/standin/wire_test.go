package standin

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// wire speaks SIP to an endpoint as plain text, to show what is on the wire.
type wire struct {
	t    *testing.T
	conn *net.UDPConn
}

func dialWire(t *testing.T, p *PBX) wire {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return wire{t, conn}
}

// send writes a request. Lines after the first are added to the headers that every request has.
func (w wire) send(method, branch string, seq int, to string, lines ...string) {
	w.t.Helper()
	local, body := w.conn.LocalAddr().String(), ""
	if n := len(lines); n > 0 && strings.HasPrefix(lines[n-1], "v=0") {
		body = lines[n-1]
		lines = append(lines[:n-1:n-1], "Content-Type: application/sdp")
	}
	msg := fmt.Sprintf("%s sip:5000@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:1@x>;tag=f\r\nTo: %s\r\nCall-ID: c\r\nCSeq: %d %s\r\nContact: <sip:1@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, w.conn.RemoteAddr(), local, branch, to, seq, method, local, joined(lines), len(body), body)
	if _, err := w.conn.Write([]byte(msg)); err != nil {
		w.t.Fatal(err)
	}
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// expect reads messages until one begins with start, and returns it.
func (w wire) expect(start string) string {
	w.t.Helper()
	buf := make([]byte, 65536)
	if err := w.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	var seen []string
	for {
		n, err := w.conn.Read(buf)
		if err != nil {
			w.t.Fatalf("no %q, but %q: %v", start, seen, err)
		}
		if msg := string(buf[:n]); strings.HasPrefix(msg, start) {
			return msg
		}
		seen = append(seen, strings.SplitN(string(buf[:n]), "\r\n", 2)[0])
	}
}

// valueOf is a header's value in a message.
func (w wire) valueOf(msg, name string) string {
	w.t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `: (.*)\r$`).FindStringSubmatch(msg)
	if m == nil {
		w.t.Fatalf("no %s in %q", name, msg)
	}
	return m[1]
}

const (
	sdp     = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
	noAudio = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 18\r\n"
)

// A call as the wire shows it: the 200 again until its ACK, one tag, the requests within the call,
// and a BYE from the PBX that follows the route set.
func TestCallOnTheWire(t *testing.T) {
	p := startPair(t, "udp", "127.0.0.1", Options{MaxDuration: 3 * time.Second}).pbx
	w := dialWire(t, p)
	local := w.conn.LocalAddr().String()
	w.send("INVITE", "1", 1, "<sip:5000@x>", "Record-Route: <sip:"+local+";lr;n=1>, <sip:192.0.2.9;lr;n=2>", sdp)
	w.expect("SIP/2.0 100")
	to := w.valueOf(w.expect("SIP/2.0 180"), "To")
	ok := w.expect("SIP/2.0 200")
	if again := w.expect("SIP/2.0 200"); again != ok || w.valueOf(ok, "To") != to {
		t.Errorf("first %q, then %q; the 180 was to %s", ok, again, to)
	}
	w.send("INVITE", "2", 2, to, sdp)
	w.expect("SIP/2.0 500") // the first INVITE is not acknowledged
	w.send("ACK", "3", 1, to)
	for i, tt := range []struct {
		method, start string
		lines         []string
	}{
		{"INFO", "SIP/2.0 200", nil},
		{"UPDATE", "SIP/2.0 200", nil},
		{"UPDATE", "SIP/2.0 200", []string{strings.Replace(sdp, "t=0 0", "t=0 0\r\na=sendonly", 1)}},
		{"UPDATE", "SIP/2.0 488", []string{noAudio}},
		{"UPDATE", "SIP/2.0 400", []string{"v=0\r\nx"}},
		{"PRACK", "SIP/2.0 481", []string{"RAck: 1 1 INVITE"}},
		{"MESSAGE", "SIP/2.0 405", nil},
	} {
		w.send(tt.method, fmt.Sprint("i", i), 10+i, to, tt.lines...)
		res := w.expect(tt.start)
		if len(tt.lines) > 0 && tt.start == "SIP/2.0 200" && (!strings.Contains(res, "a=recvonly") || !strings.Contains(res, " 2 IN IP4")) {
			t.Errorf("the answer to a hold is %q", res)
		}
	}
	w.send("INFO", "old", 5, to)
	w.expect("SIP/2.0 500") // CSeq below one before
	w.send("INVITE", "re", 30, to)
	offer := w.expect("SIP/2.0 200")
	if !strings.Contains(offer, "m=audio") {
		t.Errorf("no offer in %q", offer)
	}
	w.send("ACK", "reack", 30, to, sdp)
	bye := w.expect("BYE")
	if route := w.valueOf(bye, "Route"); route != "<sip:"+local+";lr;n=1>" || !strings.Contains(bye, "Route: <sip:192.0.2.9;lr;n=2>") {
		t.Errorf("BYE went by %q in %q", route, bye)
	}
	if !strings.HasPrefix(bye, "BYE sip:1@"+local+" ") || w.valueOf(bye, "From") != to {
		t.Errorf("BYE is %q", bye)
	}
}

func TestAnswersOutsideCalls(t *testing.T) {
	w := dialWire(t, startPair(t, "udp", "127.0.0.1", Options{}).pbx)
	for i, tt := range []struct {
		method, to, start string
		lines             []string
	}{
		{"OPTIONS", "<sip:x@y>", "SIP/2.0 200", nil},
		{"REGISTER", "<sip:x@y>", "SIP/2.0 405", nil},
		{"CANCEL", "<sip:x@y>", "SIP/2.0 481", nil},
		{"BYE", "<sip:x@y>;tag=none", "SIP/2.0 481", nil},
		{"INVITE", "<sip:x@y>;tag=none", "SIP/2.0 481", nil},
		{"INVITE", "<sip:x@y>", "SIP/2.0 488", []string{noAudio}},
		{"INVITE", "<sip:x@y>", "SIP/2.0 400", []string{"v=0\r\nm=\r\n"}},
		{"INVITE", "<sip:x@y>", "SIP/2.0 415", []string{"Content-Type: text/plain", "Content-Length: 1\r\n\r\nx"}},
	} {
		w.send(tt.method, fmt.Sprint(i), i+1, tt.to, tt.lines...)
		w.expect(tt.start)
	}
}

// A cancelled call ends with 487 that has the tag of the 180, and 200 for the CANCEL.
func TestCancelOnTheWire(t *testing.T) {
	w := dialWire(t, startPair(t, "udp", "127.0.0.1", Options{Ring: time.Minute}).pbx)
	w.send("INVITE", "1", 1, "<sip:5000@x>", sdp)
	to := w.valueOf(w.expect("SIP/2.0 180"), "To")
	w.send("CANCEL", "1", 1, "<sip:5000@x>")
	if res := w.expect("SIP/2.0 200"); w.valueOf(res, "CSeq") != "1 CANCEL" {
		t.Errorf("CANCEL was answered %q", res)
	}
	if res := w.expect("SIP/2.0 487"); w.valueOf(res, "To") != to {
		t.Errorf("487 to %s, 180 to %s", w.valueOf(res, "To"), to)
	}
	w.send("ACK", "1", 1, to)
}

// A strict router, one without lr, is put into the Request-URI (RFC 3261 §12.2.1.1).
func TestStrictRoute(t *testing.T) {
	e, err := openEndpoint(t.Context(), "127.0.0.1:0", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	d := &dialog{
		endpoint: e, target: sip.Uri{Scheme: "sip", User: "a", Host: "192.0.2.1"},
		routes: []sip.RouteHeader{{Address: sip.Uri{Scheme: "sip", Host: "192.0.2.2", UriParams: sip.HeaderParams{{K: "transport", V: "tcp"}}}}},
	}
	req := d.newRequest(sip.BYE, 0)
	if got := req.Recipient.String() + " " + values(req, "Route") + " " + req.Destination() + " " + req.Transport(); got != "sip:192.0.2.2;transport=tcp <sip:a@192.0.2.1> 192.0.2.2:5060 TCP" {
		t.Errorf("BYE is %s", got)
	}
}

func TestSourcesAreBounded(t *testing.T) {
	s := newSources(2)
	from := func(port int, transport string) bool {
		data, err := s.filter(sip.TransportReadProps{Transport: transport, RemoteAddr: &net.UDPAddr{Port: port}}, []byte("x"))
		return err == nil && len(data) == 1
	}
	if !from(1, "UDP") || !from(2, "UDP") || !from(1, "UDP") || from(3, "UDP") || !from(3, "TCP") {
		t.Error("not exactly the first two UDP sources pass")
	}
	s.close()
	if from(1, "UDP") || from(3, "TCP") {
		t.Error("a source passes after close")
	}
}
