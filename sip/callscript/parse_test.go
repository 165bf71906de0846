package callscript

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a script is said with its line.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		script, want string
	}{
		{"", "x.call:1: nothing happens"},
		{"# only a comment\n", "x.call:1: nothing happens"},
		{"\xff", "UTF-8"},
		{"carrier> INVITE\n\n  nonsense\n", "x.call:3: \"nonsense\" is none of"},
		{"  indented\n", "x.call:1: this line is indented"},
		{"frobnicate\n", `x.call:1: "frobnicate" begins no statement`},
		{"carrier>\n", "x.call:1: a method or a status is missing"},
		{"Carrier> INVITE\n", `"Carrier" is not the name of a participant`},
		{"carrier> 99\n", `"99" is no method`},
		{"carrier> 700\n", `"700" is no method`},
		{"carrier> Invite\n", `"Invite" is no method`},
		{"carrier< raw\n", `"raw" is no method`},
		{"carrier> INVITE body=much\n", "body is none, sdp, video"},
		{"carrier> INVITE bytes=0\n", "not a number from 1"},
		{"carrier> INVITE sip:a sip:b\n", `"sip:b" is out of place`},
		{"carrier> INVITE from=\"open\n", "does not end"},
		{"carrier> INVITE a\"b\"\n", "a quote within the word"},
		{"carrier< INVITE after\n", "after what time?"},
		{"carrier< INVITE after soon\n", `"soon" is not a time`},
		{"carrier< INVITE after 25h\n", "is not a time from 0s"},
		{"carrier< INVITE over=sctp\n", "over is udp or tcp"},
		{"carrier> INVITE\n    -From\n      folded\n", "x.call:3: only a header can be folded"},
		{"carrier> INVITE\n    From: a\n  To: b\n", "x.call:3: this line is indented less"},
		{"carrier> INVITE\n    \"open\n", "x.call:2: this quoted string"},
		{"carrier> raw\n    From: a\n", "x.call:2: a raw message is made of"},
		{"carrier< INVITE\n    +From: a\n", "x.call:2:"},
		{"wait\n", "wait has one argument"},
		{"wait long\n", `"long" is not a time`},
		{"lose carrier\n", "lose wants"},
		{"lose many carrier<\n", `"many" is not a number`},
		{"record colour=blue\n", `"colour=blue" is not NAME=VALUE`},
		{"count\n", "count what?"},
		{"count sheep=1\n", `"sheep=1" is not NAME=VALUE`},
		{"restart now\n", "restart has no argument but"},
		{"stopped now\n", "stopped has no argument but"},
		{"verdict maybe\n", "verdict is one of"},
		{"verdict refuse politely\n", "not a class of refusal"},
		{"verdict divert\n", "divert to what target?"},
		{"verdict allow all\n", "allow has no argument"},
		{"verdict label score=high\n", "score=high is no number"},
		{"list grey +86\n", "not a list"},
		{"list block 86a\n", "not a telephone number"},
		{"list block\n", "wants a list and a number"},
		{"pbx answers\n", "answers what method?"},
		{"pbx answers OPTIONS 100\n", "not a final status"},
		{"pbx ignores OPTIONS 200\n", "out of place"},
		{"pbx goes away\n", "is none of: closes"},
		{"pbx is ill\n", "is none of: closes"},
		{"reload\n", "reload stands alone"},
		{"reload\n    frobnicate\n", `x.call:2: "frobnicate" begins no statement`},
		{"trunk\n", "trunk of what name?"},
		{"trunk carrier class=foreign\n", "not a trunk class"},
		{"trunk gw\n", `"gw" cannot be the name`},
		{"target pbx trusted\n", `"trusted" cannot be said of it`},
		{"trunk a addr=nowhere\n", "nowhere"},
		{"set\n", "set what?"},
		{"set colour=blue\n", `"colour" cannot be set`},
		{"set health=often\n", "is not a time"},
		{"remove\n", "remove whom?"},
		{"host a\n", "host wants a name"},
		{"host a pbx at=once\n", `"at=once" cannot be said of a host`},
		{"srv a 1 2 3\n", "srv wants"},
		{"srv a 1 2 70000 b\n", "not a number from 0"},
		{"naptr a\n", "naptr wants"},
		{"naptr a x SIP+D2U b\n", "not a number from 0"},
		{"listen gw sctp 192.0.2.1:5060\n", "listen by udp or tcp"},
		{"listen gw udp 192.0.2.1\n", "192.0.2.1"},
		{"listen gw\n", "listen wants a name"},
		{"carrier> INVITE\nset health=1s\n", "x.call:2: set comes before the first message"},
		{"wait 1s\n    more\n", "nothing may be indented"},
		{"set health=1s\n    more\n", "nothing may be indented"},
	} {
		_, err := Parse("x.call", []byte(c.script))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %s", c.script, err, c.want)
		}
	}
}

func TestParseMessage(t *testing.T) {
	s, err := Parse("x.call", []byte("carrier> INVITE sip:a@b from=1 name=\"A B\" hold\n"+
		"    Subject: one,\n      two\n    +Via: x\n    -To\n    \"raw\\r\\n\"\n    | body\n    |\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := s.steps[0].action.(send)
	if m.party != "carrier" || m.verb != "INVITE" || m.what != "sip:a@b" || m.from != "1" || m.display != "A B" || !m.hold {
		t.Errorf("%+v", m.line)
	}
	want := []part{
		{2, partSet, "Subject", "one,\r\n two"},
		{4, partAdd, "Via", "x"},
		{5, partRemove, "To", ""},
		{6, partLiteral, "", "raw\r\n"},
		{7, partBody, "", "body\r\n"},
		{8, partBody, "", "\r\n"},
	}
	for i := range want {
		if i >= len(m.parts) || m.parts[i] != want[i] {
			t.Fatalf("parts are %+v, want %+v", m.parts, want)
		}
	}
}

// No script, however wrong, makes the parser fail in another way than with an error of its line.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../testdata/calls/*.call")
	if err != nil || len(files) == 0 {
		f.Fatalf("no scripts to begin with: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source))
	}
	f.Fuzz(func(t *testing.T, source string) {
		s, err := Parse("x.call", []byte(source))
		var e *Error
		switch {
		case err == nil && (s == nil || len(s.steps) == 0):
			t.Fatal("neither a script nor an error")
		case err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Line > strings.Count(source, "\n")+1):
			t.Fatalf("an error without its place: %v", err)
		}
	})
}
