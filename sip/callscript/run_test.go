package callscript

import (
	"strings"
	"testing"
	"testing/synctest"

	"ringfence/call"
)

// allow lets every call pass.
func allow(*call.Facts, call.Lists) call.Verdict {
	return call.Verdict{Treatment: call.Allow{}, Reason: call.ReasonClean, Rule: "clean"}
}

// A script that does not hold fails at its line, with what was expected and the ladder.
func TestFailures(t *testing.T) {
	const setup = "carrier> INVITE\ncarrier< 100\npbx< INVITE\npbx> 486\npbx< ACK\ncarrier< 486\ncarrier> ACK\nrecord status=486\n"
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"another status", "carrier> INVITE\ncarrier< 180\n", []string{"x.call:2: carrier< 180", "100 Trying", "|--INVITE-", "|<-100 INVITE"}},
		{"nothing comes", "carrier> OPTIONS sip:$gw\ncarrier< 200\ncarrier< 200\n", []string{"x.call:3:", "received nothing within 0s"}},
		{"something comes", "carrier> OPTIONS sip:$gw\nquiet 1s\n", []string{"x.call:2:", "nothing expected", "SIP/2.0 200 OK"}},
		{"at the end", "carrier> OPTIONS sip:$gw\n", []string{"the end of the script", "nothing expected"}},
		{"too early", "carrier> OPTIONS sip:$gw\ncarrier< 200 after 1s\n", []string{"it came after 0s already"}},
		{"a header is another", "carrier> OPTIONS sip:$gw\ncarrier< 200\n    Accept: text/plain\n", []string{"x.call:3:", "Accept: application/sdp"}},
		{"a header is there", "carrier> OPTIONS sip:$gw\ncarrier< 200\n    !Accept\n", []string{"x.call:3:", "there is a Accept"}},
		{"a header is missing", "carrier> OPTIONS sip:$gw\ncarrier< 200\n    Warning\n", []string{"x.call:3:", "there is no Warning"}},
		{"a line more than expected", "carrier> INVITE\ncarrier< 100\npbx< INVITE\n    Via ~ .*\n", []string{"2 lines of via, not 1"}},
		{"a wrong pattern", "carrier> OPTIONS sip:$gw\ncarrier< 200\n    Accept ~ (\n", []string{"x.call:3:", "missing closing"}},
		{"no variable", "carrier> OPTIONS sip:$nobody\n", []string{"there is no variable $nobody"}},
		{"no participant", "nobody> OPTIONS\n", []string{`there is no participant "nobody"`, "carrier"}},
		{"a record too many", strings.Replace(setup, "record status=486\n", "", 1), []string{"nothing expected this record: status=486"}},
		{"another record", strings.Replace(setup, "record status=486", "record status=200", 1), []string{`status is "486"`}},
		{"no record", "record status=200\n", []string{"there is no record"}},
		{"a call is left", "carrier> INVITE\ncarrier< 100\npbx< INVITE\npbx> 200\ncarrier< 200\nrecord\ncarrier> INVITE call=b\ncarrier< 100\npbx< INVITE\npbx> 180\n", []string{"nothing expected"}},
		{"no request to answer", "pbx> 200\n", []string{"pbx has received no request to answer"}},
		{"no INVITE to cancel", "carrier> OPTIONS sip:$gw\ncarrier< 200\ncarrier> CANCEL\n", []string{"has sent no INVITE"}},
		{"nothing to send again", "carrier> again\n", []string{"carrier has sent no message"}},
		{"not the same", "carrier> OPTIONS sip:$gw\ncarrier< 200\ncarrier> OPTIONS sip:$gw\ncarrier< again\n", []string{"not the same again"}},
		{"a counter", "count requests=1\n", []string{"requests is 0"}},
		{"a target", "pbx is down\n", []string{"up is true"}},
		{"not a target", "carrier is up\n", []string{"no such PBX target"}},
		{"not stopping", "stopped\n", []string{"drain comes first"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			script, err := Parse("x.call", []byte(c.script))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				err := script.Run(Options{Screen: allow, Settle: synctest.Wait})
				if err == nil {
					t.Fatal("it does not fail")
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v\ndoes not say %q", err, want)
					}
				}
			})
		})
	}
}

// What a gateway may not do to a message is noticed, though no script says so.
func TestUnlawfulForwarding(t *testing.T) {
	const sent = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:c@c>;tag=1\r\n" +
		"X-One: 1\r\ns: two,\r\n  folded\r\nRecord-Route: <sip:r;lr>\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody"
	const got = "INVITE sip:a@d SIP/2.0\r\nRecord-Route: <sip:gw;lr>\r\nVia: SIP/2.0/UDP gw;branch=2\r\n" +
		"Via: SIP/2.0/UDP c;branch=1;rport=5060;received=192.0.2.1\r\nMax-Forwards: 69\r\nFrom: <sip:c@c>;tag=1\r\n" +
		"X-One: 1\r\ns: two,\r\n  folded\r\nRecord-Route: <sip:r;lr>\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody"
	if err := forwarded(readText([]byte(sent)), readText([]byte(got))); err != nil {
		t.Fatalf("what is lawful is refused: %v", err)
	}
	for _, change := range [][2]string{
		{"X-One: 1", "X-One: 2"},
		{"X-One: 1", "x-one: 1"},
		{"X-One: 1\r\n", ""},
		{"X-One: 1\r\n", "X-One: 1\r\nX-Two: 2\r\n"},
		{"X-One: 1\r\ns: two,\r\n  folded\r\n", "s: two,\r\n  folded\r\nX-One: 1\r\n"},
		{"two,\r\n  folded", "two, folded"},
		{"s: two", "Subject: two"},
		{"Max-Forwards: 69", "Max-Forwards: 70"},
		{"<sip:c@c>;tag=1", "<sip:d@c>;tag=1"},
		{"<sip:c@c>;tag=1", "\"Name\" <sip:c@c>;tag=1"},
		{"SIP/2.0/UDP c;", "SIP/2.0/UDP e;"},
		{"Via: SIP/2.0/UDP c;branch=1;rport=5060;received=192.0.2.1\r\n", ""},
		{"Record-Route: <sip:r;lr>\r\n", ""},
		{"\r\n\r\nbody", "\r\n\r\nbodx"},
	} {
		changed := strings.Replace(got, change[0], change[1], 1)
		if changed == got {
			t.Fatalf("%q changes nothing", change[0])
		}
		if err := forwarded(readText([]byte(sent)), readText([]byte(changed))); err == nil {
			t.Errorf("%q may become %q", change[0], change[1])
		}
	}
}

func TestLadder(t *testing.T) {
	var l ladder
	for range maxRungs + 5 {
		l.note("a", "a", "gw", "OPTIONS")
	}
	l.note("b", "gw", "b", "a label that is much too long for its column")
	want := "... 6 messages before"
	if got := l.draw([]string{"a", "nobody", "gw", "b"}); !strings.Contains(got, want) || strings.Contains(got, "nobody") {
		t.Errorf("%s\nwant %s and no column of nobody", got, want)
	}
}
