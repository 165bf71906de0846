package wire

import (
	"bytes"
	"strings"
	"testing"
)

// invite is a plain INVITE of the field, with what a proxy looks at in it.
const invite = "INVITE sip:+862155500001@192.0.2.10;user=phone SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Wang Li\" <sip:+8613800138000@198.51.100.7>;tag=1928301774\r\n" +
	"To: <sip:+862155500001@192.0.2.10>\r\n" +
	"Call-ID: a84b4c76e66710@198.51.100.7\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:198.51.100.7:5060>\r\n" +
	"P-Asserted-Identity: <sip:+8613800138000@carrier.example>, <tel:+8613800138000>\r\n" +
	"X-Unknown:  kept  as it is \r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 108\r\n" +
	"\r\n" +
	"v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 8 0\r\na=sendrecv\r\n"

func TestParseReadsRequest(t *testing.T) {
	var m Message
	if err := m.Parse([]byte(invite)); err != nil {
		t.Fatal(err)
	}
	if !m.Request || m.Method != MethodInvite || m.Defect != "" || m.BadVersion {
		t.Fatalf("request %v, method %v, defect %q, bad version %v", m.Request, m.Method, m.Defect, m.BadVersion)
	}
	for id, want := range map[HeaderID]string{
		HeaderFrom:   `"Wang Li" <sip:+8613800138000@198.51.100.7>;tag=1928301774`,
		HeaderCallID: "a84b4c76e66710@198.51.100.7",
		HeaderCSeq:   "314159 INVITE",
	} {
		if got := string(m.Value(id)); got != want {
			t.Errorf("header %v: %q, want %q", id, got, want)
		}
	}
	if got := string(m.Bytes(m.URI)); got != "sip:+862155500001@192.0.2.10;user=phone" {
		t.Errorf("Request-URI %q", got)
	}
	if len(m.Headers()) != 11 {
		t.Errorf("%d headers, want 11", len(m.Headers()))
	}
	if !bytes.HasPrefix(m.Bytes(m.Body), []byte("v=0\r\n")) || m.Body.End-m.Body.Start != 108 {
		t.Errorf("body %q", m.Bytes(m.Body))
	}
}

func TestParseReadsResponse(t *testing.T) {
	var m Message
	if err := m.Parse([]byte("SIP/2.0 180 Ringing now\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nl: 0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if m.Request || m.Status != 180 || string(m.Bytes(m.Phrase)) != "Ringing now" || m.Defect != "" {
		t.Errorf("status %d, phrase %q, defect %q", m.Status, m.Bytes(m.Phrase), m.Defect)
	}
	if m.Count(HeaderVia) != 1 || m.Count(HeaderContentLength) != 1 {
		t.Error("compact forms are not recognised")
	}
}

func TestParseDefects(t *testing.T) {
	const head = "INVITE sip:a@b SIP/2.0\r\n"
	tests := []struct{ name, message, defect string }{
		{"header without colon", head + "Via SIP/2.0\r\n\r\n", "Header without colon"},
		{"blank in a name", head + "Via x: SIP/2.0\r\n\r\n", "Malformed header name"},
		{"bare LF", head + "Via: a\nFrom: b\r\n\r\n", "Bare LF"},
		{"bare CR in a value", head + "Subject: a\rFrom: b\r\n\r\n", "Bare CR or LF"},
		{"NUL", head + "Subject: a\x00b\r\n\r\n", "NUL in header"},
		{"NUL in a quoted-pair", head + "To: \"a\\\x00b\" <sip:a@b>\r\n\r\n", ""},
		{"NUL behind one in a quoted-pair", head + "Subject: a\\\x00\x00b\r\n\r\n", "NUL in header"},
		{"no empty line", head + "Subject: a\r\n", "No empty line after the headers"},
		{"cut off", head + "Subject: a", "Header without end of line"},
		{"length beyond the end", head + "Content-Length: 9\r\n\r\nabc", "Content-Length beyond the end of the message"},
		{"length no number", head + "Content-Length: x\r\n\r\nabc", "Malformed Content-Length"},
		{"negative length", head + "l: -1\r\n\r\nabc", "Malformed Content-Length"},
		{"length too large for a word", head + "l: 99999999999999999999\r\n\r\nabc", "Malformed Content-Length"},
		{"blank in the Request-URI", "INVITE sip:a @b SIP/2.0\r\n\r\n", "Malformed Request-URI"},
		{"two blanks in the request line", "INVITE  sip:a@b SIP/2.0\r\n\r\n", "Malformed Request-URI"},
		{"blank at the end of the request line", "INVITE sip:a@b SIP/2.0 \r\n\r\n", "Malformed Request-Line"},
		{"too many headers", head + strings.Repeat("X: y\r\n", MaxHeaders+1) + "\r\n", "Too many headers"},
		{"folded and spaced", head + "Subject : a\r\n b\r\n\tc\r\n\r\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var m Message
			if err := m.Parse([]byte(test.message)); err != nil {
				t.Fatal(err)
			}
			if m.Defect != test.defect {
				t.Errorf("defect %q, want %q", m.Defect, test.defect)
			}
		})
	}
}

func TestParseGivesUp(t *testing.T) {
	for _, text := range []string{
		"", "\r\n\r\n", "hello", "hello world\r\n\r\n", "INVITE sip:a@b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"SIP/2.0 99 Low\r\n\r\n", "SIP/2.0 700 High\r\n\r\n", "SIP/2.0 2x0 OK\r\n\r\n", "SIP/3.0 200 OK\r\n\r\n",
		"SIP/2.0 200\r\n\r\n", "IN(VITE sip:a@b SIP/2.0\r\n\r\n", strings.Repeat("x", MaxMessage+1),
	} {
		var m Message
		if err := m.Parse([]byte(text)); err == nil {
			t.Errorf("%.40q was taken for a SIP message", text)
		}
	}
}

func TestParseVersion(t *testing.T) {
	var m Message
	if err := m.Parse([]byte("INVITE sip:a@b SIP/7.0\r\n\r\n")); err != nil || !m.BadVersion {
		t.Errorf("SIP/7.0: error %v, bad version %v", err, m.BadVersion)
	}
	if err := m.Parse([]byte("INVITE sip:a@b sip/2.0\r\n\r\n")); err != nil || m.BadVersion {
		t.Errorf("sip/2.0 in lower case: error %v, bad version %v", err, m.BadVersion)
	}
}

func TestBodyEndsWhereContentLengthSays(t *testing.T) {
	var m Message
	if err := m.Parse([]byte("INFO sip:a@b SIP/2.0\r\nContent-Length: 3\r\n\r\nabcdef")); err != nil {
		t.Fatal(err)
	}
	if got := string(m.Bytes(m.Body)); got != "abc" {
		t.Errorf("body %q: what follows it must be discarded (RFC 3261 §18.3)", got)
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	var m Message
	raw := []byte(invite)
	if n := testing.AllocsPerRun(100, func() {
		if m.Parse(raw) != nil {
			t.Fatal("not parsed")
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func BenchmarkParse(b *testing.B) {
	var m Message
	raw := []byte(invite)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if m.Parse(raw) != nil {
			b.Fatal("not parsed")
		}
	}
}
