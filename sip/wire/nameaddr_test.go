package wire

import "testing"

func TestParseNameAddr(t *testing.T) {
	tests := []struct {
		text, display, uri, tag string
		ok                      bool
	}{
		{`"Wang \"Li\"" <sip:a@b>;tag=1`, `Wang "Li"`, "sip:a@b", "1", true},
		{`Wang Li <sip:a@b>;x=y;TAG=2`, "Wang Li", "sip:a@b", "2", true},
		{`<sip:a@b;transport=tcp>`, "", "sip:a@b;transport=tcp", "", true},
		{`sip:a@b;tag=3`, "", "sip:a@b", "3", true},
		{`"a<b" <sip:a@b>`, "a<b", "sip:a@b", "", true},
		{`王力 <sip:a@b>`, "王力", "sip:a@b", "", true},
		{`"unterminated <sip:a@b>`, "", "", "", false},
		{`"quoted" sip:a@b`, "", "", "", false},
		{`"quoted" more <sip:a@b>`, "", "", "", false},
		{`Bell, Alexander <sip:a@b>`, "", "", "", false},
		{`<sip:a@b`, "", "", "", false},
		{`<>`, "", "", "", false},
		{`<sip:a@b> junk`, "", "", "", false},
		{`sip:a@b?x=y`, "", "", "", false},
		{``, "", "", "", false},
	}
	for _, test := range tests {
		n, ok := ParseNameAddr([]byte(test.text))
		if ok != test.ok {
			t.Errorf("%s: ok %v, want %v", test.text, ok, test.ok)
			continue
		}
		if ok && (string(n.AppendDisplay(nil)) != test.display || string(n.URI) != test.uri || string(n.Tag()) != test.tag) {
			t.Errorf("%s: display %q, URI %q, tag %q", test.text, n.AppendDisplay(nil), n.URI, n.Tag())
		}
	}
}

func FuzzParseNameAddr(f *testing.F) {
	for _, seed := range []string{`"a\"b" <sip:a@b>;tag=1`, `a <sip:a@b>`, `sip:a@b;tag=2`, `"`, `"\`, `<`, `<a>;`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, ok := ParseNameAddr(b)
		if ok && len(n.URI) == 0 {
			t.Errorf("%q was read without a URI", b)
		}
		n.AppendDisplay(nil)
		n.Tag()
	})
}
