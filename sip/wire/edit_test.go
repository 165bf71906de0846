package wire

import (
	"bytes"
	"strings"
	"testing"
)

func parse(t testing.TB, text string) *Message {
	t.Helper()
	var m Message
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return &m
}

func TestEditsLeaveTheRestAlone(t *testing.T) {
	m := parse(t, invite)
	var e Edits
	hops, _ := m.First(HeaderMaxForwards)
	e.Replace(hops.Value, []byte("69"))
	e.Insert(m.StartLine.End, []byte("Via: ours\r\n"))
	e.Insert(m.StartLine.End, []byte("Record-Route: <sip:us;lr>\r\n"))
	e.Replace(m.URI, []byte("sip:new@pbx"))
	want := strings.NewReplacer(
		"sip:+862155500001@192.0.2.10;user=phone SIP/2.0\r\n", "sip:new@pbx SIP/2.0\r\nVia: ours\r\nRecord-Route: <sip:us;lr>\r\n",
		"Max-Forwards: 70", "Max-Forwards: 69",
	).Replace(invite)
	if got := string(e.Apply(nil, m)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKeepValues(t *testing.T) {
	const message = "BYE sip:a@b SIP/2.0\r\nRoute: <sip:one>, <sip:two;x=\"a,b\">\r\nSubject: s\r\nRoute: \"c,d\" <sip:three>\r\n\r\n"
	tests := []struct {
		first, end int
		want       string
	}{
		{0, 3, message},
		{1, 3, "BYE sip:a@b SIP/2.0\r\nRoute:  <sip:two;x=\"a,b\">\r\nSubject: s\r\nRoute: \"c,d\" <sip:three>\r\n\r\n"},
		{2, 3, "BYE sip:a@b SIP/2.0\r\nSubject: s\r\nRoute: \"c,d\" <sip:three>\r\n\r\n"},
		{0, 1, "BYE sip:a@b SIP/2.0\r\nRoute: <sip:one>\r\nSubject: s\r\n\r\n"},
		{1, 2, "BYE sip:a@b SIP/2.0\r\nRoute:  <sip:two;x=\"a,b\">\r\nSubject: s\r\n\r\n"},
		{3, 3, "BYE sip:a@b SIP/2.0\r\nSubject: s\r\n\r\n"},
	}
	for _, test := range tests {
		m := parse(t, message)
		var e Edits
		e.KeepValues(m, HeaderRoute, test.first, test.end)
		if got := string(e.Apply(nil, m)); got != test.want {
			t.Errorf("keep %d to %d: %q", test.first, test.end, got)
		}
	}
}

// An edit inside what another takes out is void, in whichever order they were made.
func TestRemovalWins(t *testing.T) {
	var m Message
	if err := m.Parse([]byte(invite)); err != nil {
		t.Fatal(err)
	}
	asserted, _ := m.First(HeaderAsserted)
	want := strings.Replace(invite, string(m.Bytes(asserted.Line)), "", 1)
	inside := func(e *Edits) bool { return e.Replace(asserted.Value, []byte("<sip:other>")) }
	outside := func(e *Edits) bool { return e.Remove(asserted.Line) }
	for _, order := range [][2]func(*Edits) bool{{inside, outside}, {outside, inside}} {
		var e Edits
		if !order[0](&e) || !order[1](&e) {
			t.Fatal("refused")
		}
		if got := string(e.Apply(nil, &m)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// No sender can use up the room for edits: every line of the fullest message can be taken out, and more
// put in.
func TestEveryLineCanBeEdited(t *testing.T) {
	var m Message
	if err := m.Parse([]byte("INVITE sip:a@b SIP/2.0\r\n" + strings.Repeat("v: x, y, z\r\n", MaxHeaders) + "\r\n")); err != nil || m.Defect != "" {
		t.Fatal(err, m.Defect)
	}
	var e Edits
	for range 16 {
		if !e.Insert(m.StartLine.End, []byte("X: y\r\n")) {
			t.Fatal("refused")
		}
	}
	for _, h := range m.Headers() {
		if !e.Remove(Span{h.Value.Start, h.Value.Start + 3}) || !e.Remove(Span{h.Value.End - 3, h.Value.End}) {
			t.Fatal("refused")
		}
	}
	want := "INVITE sip:a@b SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 16) + strings.Repeat("v: y\r\n", MaxHeaders) + "\r\n"
	if got := string(e.Apply(nil, &m)); got != want {
		t.Errorf("%.200s", got)
	}
}

func TestTooManyEdits(t *testing.T) {
	var e Edits
	for range maxEdits {
		if !e.Insert(0, []byte("x")) {
			t.Fatal("refused too early")
		}
	}
	if e.Insert(0, []byte("x")) {
		t.Error("one more was taken")
	}
}

func TestEditsDoNotAllocate(t *testing.T) {
	m := parse(t, invite)
	var e Edits
	out := make([]byte, 0, 4096)
	line := []byte("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx\r\n")
	if n := testing.AllocsPerRun(100, func() {
		e.Reset()
		e.Insert(m.StartLine.End, line)
		e.KeepValues(m, HeaderVia, 1, 9)
		out = e.Apply(out[:0], m)
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

// FuzzMessage reads any bytes as a message. What it promises: no edit, no change; and a response to a
// request can be read again.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(invite))
	f.Add([]byte("SIP/2.0 200 OK\r\nv: SIP/2.0/UDP a;branch=b,SIP/2.0/UDP c\r\ni: x\r\nl: 3\r\n\r\nabcd"))
	f.Add([]byte("BYE sip:a@b SIP/2.0\r\nRoute: <sip:one>, <sip:two>\r\nX: \r\n folded\r\n\r\n"))
	f.Add([]byte("INVITE  sip:a b SIP/2.0 \r\nVia\r\n: x\r\n\r"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Message
		if m.Parse(raw) != nil {
			return
		}
		var e Edits
		if got := e.Apply(nil, &m); !bytes.Equal(got, raw[:m.Body.End]) {
			t.Fatalf("unedited, %q came out as %q", raw, got)
		}
		for id := HeaderVia; id < numHeaderIDs; id++ {
			values := m.Values(id)
			n := 0
			for value, ok := values.Next(); ok; value, ok = values.Next() {
				ParseNameAddr(m.Bytes(value.Span))
				n++
			}
			if n < m.Count(id) {
				t.Fatalf("%d values on %d lines of header %d", n, m.Count(id), id)
			}
			e.Reset()
			if e.KeepValues(&m, id, 0, n) && !bytes.Equal(e.Apply(nil, &m), raw[:m.Body.End]) {
				t.Fatalf("keeping all values changed %q", raw)
			}
		}
		if m.Request && m.Defect == "" {
			var answer Message
			text := AppendEnd(m.AppendResponse(nil, 400, "Bad Request", []byte("tag"), peerOfFuzz))
			if len(text) <= MaxMessage && (answer.Parse(text) != nil || answer.Status != 400) {
				t.Fatalf("the answer to %q cannot be read: %q", raw, text)
			}
		}
		OfferedMedia(m.Bytes(m.Body))
	})
}
