package sip_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/sip/transport"
)

// torture is a message of RFC 4475 or RFC 5118, which lies in testdata/torture, and what becomes of it. The
// messages are written after the RFCs: the oddity that each is about is as it stands there.
type torture struct {
	name    string
	section string
	says    string // what the RFC says of it
	does    string // what is done with it here, and why where that needs a word

	want   []string // what comes out: "forwarded", or the status of an answer; nothing: it is dropped
	stream []string // the same over a stream, where it differs
	tells  string   // what the answer holds
	edits  []string // of one that is forwarded, next to what every forwarded request gets: see sameButForProxying
	port   uint16   // of the trunk, where the Via names another than 5060

	// Of a response, which is dropped as long as it answers nothing:
	method   string // of the request it is made to answer
	passes   bool   // it then comes through byte for byte
	taken    bool   // it ends the retransmission of the request
	receiver bool   // its first Via is that of the receiver
}

// site is where the gateway is for the message.
func (m *torture) site() [3]netip.AddrPort {
	if strings.HasPrefix(m.section, "4.") { // of RFC 5118
		return ipv6
	}
	return ipv4
}

// target is the PBX as the configuration names it: as the Route of wsinv does, since a trunk may not steer
// calls anywhere else.
func (m *torture) target() string {
	if m.site() == ipv6 {
		return ipv6[2].Addr().String()
	}
	return "services.example.com"
}

// ways a message is sent: as one datagram, in one piece on a stream, byte by byte on a stream.
var ways = []struct {
	name     string
	protocol transport.Protocol
	piece    int
}{{"udp", transport.UDP, 0}, {"tcp", transport.TCP, 1 << 16}, {"tcp by bytes", transport.TCP, 1}}

// Every message of RFC 4475 and RFC 5118 is answered, forwarded or dropped as the tables say, whichever way it
// comes, and a call goes through after it.
func TestTorture(t *testing.T) {
	for _, set := range []struct {
		name     string
		messages []torture
	}{{"RFC4475", rfc4475}, {"RFC5118", rfc5118}} {
		for _, m := range set.messages {
			raw, err := os.ReadFile(filepath.Join("testdata", "torture", m.name+".sip"))
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range ways {
				t.Run(set.name+"/"+m.name+"/"+way.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						e := startEdge(t, m.site(), m.target())
						m.play(e, string(raw), way.protocol, way.piece)
						if err := e.call(e.trunkSide); err != nil {
							t.Error("afterwards:", err)
						}
						if err := e.call(e.stream()); err != nil {
							t.Error("afterwards:", err)
						}
						e.idle()
					})
				})
			}
		}
	}
}

// play sends the message and compares what comes of it.
func (m *torture) play(e *edge, raw string, protocol transport.Protocol, piece int) {
	e.t.Helper()
	if strings.HasPrefix(raw, "SIP/") {
		m.playResponse(e, raw)
	}
	p := e.trunkSide
	switch {
	case protocol == transport.TCP:
		p = e.stream()
	case m.port != 0: // a Via that names a port has the answer sent there
		p = e.datagrams(netip.AddrPortFrom(e.trunk.Addr(), m.port), nil)
	}
	e.send(p, raw, piece)
	answers := p.received()
	if protocol == transport.UDP {
		answers = append(answers, e.trunkSide.received()...)
	}
	forwarded := e.pbxSide.received()
	var got []string
	for _, answer := range answers {
		if status, _, _ := strings.Cut(strings.TrimPrefix(answer, "SIP/2.0 "), "\r\n"); answer != "closed" && status != "100 Trying" {
			got = append(got, status)
			if !strings.Contains(answer, m.tells) {
				e.t.Errorf("the answer does not say %q:\n%s", m.tells, answer)
			}
		}
	}
	for _, message := range forwarded {
		got = append(got, "forwarded")
		if err := sameButForProxying(e, raw, message, m.edits); err != nil {
			e.t.Error(err)
		}
	}
	want := m.want
	if protocol == transport.TCP && m.stream != nil {
		want = m.stream
	}
	if !slices.Equal(got, want) {
		e.t.Errorf("got %q, want %q", got, want)
	}
}

var hopsLine = regexp.MustCompile(`(?im)^max-forwards[ \t]*:`)

// sameButForProxying checks that a forwarded request is the one in raw, apart from the lines that the
// gateway puts behind the start line and the edits: pairs of what stands once in raw and what takes its
// place.
func sameButForProxying(e *edge, raw, got string, edits []string) error {
	start, rest, _ := strings.Cut(got, "\r\n")
	at := strings.Index(raw, start+"\r\n")
	if at < 0 {
		return fmt.Errorf("the start line is changed: %q", start)
	}
	want := raw[at+len(start)+2:]
	for i := 0; i < len(edits); i += 2 {
		if strings.Count(want, edits[i]) != 1 {
			return fmt.Errorf("%q stands not once in the message", edits[i])
		}
		want = strings.Replace(want, edits[i], edits[i+1], 1)
	}
	via, route := 0, 0
	for {
		line, behind, _ := strings.Cut(rest, "\r\n")
		switch {
		case strings.HasPrefix(line, "Via: SIP/2.0/") && strings.Contains(line, " "+e.own.String()+";branch=z9hG4bK"):
			via++
		case strings.HasPrefix(line, "Record-Route: <sip:"+e.own.String()+";"):
			route++
		case line == "Max-Forwards: 70" && !hopsLine.MatchString(raw):
		default:
			if via != 1 || route == 0 && strings.HasPrefix(start, "INVITE ") {
				return fmt.Errorf("%d Vias and %d Record-Routes of ours before\n%s", via, route, rest)
			}
			if rest != want {
				return fmt.Errorf("forwarded as\n%q\nwant\n%q", rest, want)
			}
			return nil
		}
		rest = behind
	}
}

// playResponse has the PBX answer a request with the message: with the gateway's Via before those it has,
// or, where its first Via stands for the receiver's own, in the place of that.
func (m *torture) playResponse(e *edge, raw string) {
	e.t.Helper()
	request := e.request(e.trunkSide, m.method, "answered-in-"+m.name, "")
	if m.method != "INVITE" { // outside a call it would not be forwarded
		request = strings.Replace(request, ">\r\nCall-ID", ">;tag=callee\r\nCall-ID", 1)
	}
	e.send(e.trunkSide, request, 0)
	forwarded := e.pbxSide.received()
	if len(forwarded) != 1 {
		e.t.Fatalf("the PBX received %q", forwarded)
	}
	e.trunkSide.received()
	start, rest, _ := strings.Cut(raw, "\r\n")
	if m.receiver {
		_, rest, _ = strings.Cut(rest, "\r\n")
	}
	ours := regexp.MustCompile(`Via: SIP/2\.0/UDP ` + regexp.QuoteMeta(e.own.String()) + `.*\r\n`).FindString(forwarded[0])
	e.send(e.pbxSide, start+"\r\n"+ours+rest, 0)
	got := e.trunkSide.received()
	if m.passes != (len(got) == 1 && got[0] == start+"\r\n"+rest) || !m.passes && len(got) != 0 {
		e.t.Errorf("as an answer it came through as %q", got)
	}
	time.Sleep(10 * time.Second)
	again := len(e.pbxSide.received())
	if m.taken != (again == 0) {
		e.t.Errorf("as an answer it is taken: the request was sent %d times more", again)
	}
	time.Sleep(5 * time.Minute)
	e.trunkSide.received()
	e.pbxSide.received()
}

// Each message has a row in a table, and each row its message.
func TestTortureIsComplete(t *testing.T) {
	files, err := filepath.Glob("testdata/torture/*.sip")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, m := range slices.Concat(rfc4475, rfc5118) {
		rows = append(rows, filepath.Join("testdata", "torture", m.name+".sip"))
	}
	slices.Sort(rows)
	slices.Sort(files)
	if !slices.Equal(rows, files) || len(rfc4475) != 49 || len(rfc5118) != 12 {
		t.Errorf("%d and %d rows for %d files", len(rfc4475), len(rfc5118), len(files))
	}
}
