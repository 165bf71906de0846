package redress_test

import (
	"testing"

	"ringfence/call"
	"ringfence/sip/redress"
)

func TestHeaders(t *testing.T) {
	whole := redress.Contact{Phone: "021-5500-0000", URL: "https://redress.example/appeal?lang=zh", JCard: "https://redress.example/card"}
	const page = "https://redress.example/appeal?lang=zh&ref=425768542598"
	for _, c := range []struct {
		name    string
		contact redress.Contact
		class   call.Refusal
		want    string
		phrase  string
	}{
		{"only a reference", redress.Contact{}, call.RefusalDeclined, "Reason: SIP;cause=603;text=\"Call not accepted. Reference 425768542598\"\r\n", ""},
		{
			"by staff", whole, call.RefusalDeclined,
			"Reason: SIP;cause=603;text=\"Call not accepted. Reference 425768542598. To dispute call 021-5500-0000\"\r\nError-Info: <" + page + ">\r\n", "",
		},
		{
			"by a rule, with the jCard of RFC 8688", whole, call.RefusalRejected,
			"Reason: SIP;cause=608;text=\"Call not accepted. Reference 425768542598. To dispute call 021-5500-0000\"\r\nError-Info: <" + page +
				">\r\nCall-Info: <https://redress.example/card>;purpose=jwscard\r\n", "",
		},
		{
			"of an anonymous caller, RFC 5079",
			redress.Contact{},
			call.RefusalAnonymous,
			"Reason: SIP;cause=433;text=\"Call not accepted. Reference 425768542598\"\r\n", "",
		},
		{
			"in North America, ATIS-1000099", whole, call.RefusalBlocked,
			"Reason: SIP;cause=603;text=\"v=analytics1;url=" + page + ";tel=021-5500-0000;id=425768542598\";location=RLN\r\nError-Info: <" + page + ">\r\n",
			"Network Blocked",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.contact.AppendHeaders(nil, c.class, "425768542598")); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if got := redress.Phrase(c.class); got != c.phrase {
				t.Errorf("phrase %q, want %q", got, c.phrase)
			}
		})
	}
}
