package wire

import "testing"

func TestParseURI(t *testing.T) {
	tests := []struct {
		text   string
		scheme Scheme
		user   string
		host   string
		port   uint16
		ok     bool
	}{
		{"sip:alice@example.com", SchemeSIP, "alice", "example.com", 0, true},
		{"SIP:+86-10(1234)@192.0.2.1:5080;user=phone?Subject=x", SchemeSIP, "+86-10(1234)", "192.0.2.1", 5080, true},
		{"sip:example.com", SchemeSIP, "", "example.com", 0, true},
		{"sip:user:secret@example.com", SchemeSIP, "user", "example.com", 0, true},
		{"sip:+1;npdi;rn=+2@example.com;lr", SchemeSIP, "+1;npdi;rn=+2", "example.com", 0, true},
		{"sip:a@[2001:db8::1]:5061", SchemeSIP, "a", "2001:db8::1", 5061, true},
		{"sip:a@[2001:db8::1", SchemeSIP, "a", "", 0, false},
		{"sip:a@[2001:db8:::192.0.2.1]", SchemeSIP, "a", "2001:db8:::192.0.2.1", 0, true},
		{"sip:a@[192.0.2.1]", SchemeSIP, "a", "", 0, false},
		{"sip:a@[hello]", SchemeSIP, "a", "", 0, false},
		{"sips:a@b", SchemeSIPS, "a", "b", 0, true},
		{"tel:+86-10-1234;phone-context=+86", SchemeTel, "+86-10-1234", "", 0, true},
		{"tel:", SchemeTel, "", "", 0, false},
		{"urn:service:sos.fire", SchemeURN, "service:sos.fire", "", 0, true},
		{"http://example.com", SchemeOther, "", "", 0, true},
		{"sip:a@b:0", SchemeSIP, "a", "", 0, false},
		{"sip:a@b:70000", SchemeSIP, "a", "", 0, false},
		{"sip:a@b:", SchemeSIP, "a", "", 0, false},
		{"sip:@b", SchemeSIP, "", "", 0, false},
		{"sip:", SchemeSIP, "", "", 0, false},
		{"sip:a b@c", SchemeSIP, "", "", 0, false},
		{"<sip:a@b>", SchemeOther, "", "", 0, false},
		{"sip:a@b>", SchemeSIP, "", "", 0, false},
		{"no colon", SchemeOther, "", "", 0, false},
	}
	for _, test := range tests {
		u, ok := ParseURI([]byte(test.text))
		if ok != test.ok || u.Scheme != test.scheme {
			t.Errorf("%s: scheme %d, ok %v; want %d, %v", test.text, u.Scheme, ok, test.scheme, test.ok)
		}
		if ok && (string(u.User) != test.user || string(u.Host) != test.host || u.Port != test.port) {
			t.Errorf("%s: user %q, host %q, port %d", test.text, u.User, u.Host, u.Port)
		}
	}
}

func TestParam(t *testing.T) {
	params := []byte(`;lr;Transport = TCP ;x="a;lr2;\";y";empty=`)
	tests := []struct {
		name, value string
		ok          bool
	}{
		{"lr", "", true},
		{"transport", "TCP", true},
		{"x", `"a;lr2;\";y"`, true},
		{"empty", "", true},
		{"lr2", "", false},
		{"y", "", false},
	}
	for _, test := range tests {
		value, ok := Param(params, test.name)
		if ok != test.ok || string(value) != test.value {
			t.Errorf("%s: %q, %v; want %q, %v", test.name, value, ok, test.value, test.ok)
		}
	}
}

func TestAppendUnescaped(t *testing.T) {
	for text, want := range map[string]string{"%2B86%31%30": "+8610", "%": "%", "%4": "%4", "%zz1": "%zz1", "a%00b": "a\x00b"} {
		if got := string(AppendUnescaped(nil, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{"sip:a@b", "sip:+1;x=y@[::1]:5060;lr?h=v", "tel:+86-10", "urn:service:sos", "sips:%2B@a", "sip:a:b@c:1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, ok := ParseURI(b)
		if ok && u.Scheme == SchemeSIP && len(u.Host) == 0 {
			t.Errorf("%q was read without a host", b)
		}
		u.Addr()
		Param(u.Params, "lr")
	})
}
