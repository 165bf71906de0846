package sip_test

// What a trunk asks for outside of a call, beside INVITE and OPTIONS, is refused by policy with 405 (RFC 3261
// §8.2.1): it would pass unscreened. It is so refused only once it has been found well-formed: what is
// malformed gets 400 before. OPTIONS is answered here, whoever it names.
var (
	notAllowed = []string{"405 Method Not Allowed"}
	answered   = []string{"200 OK"}
	forwarded  = []string{"forwarded"}
)

const received = ";received=198.51.100.7"

// rfc4475 are the messages of RFC 4475.
var rfc4475 = []torture{
	{
		name: "wsinv", section: "3.1.1.1", says: "well-formed: folding, white space and compact forms everywhere; the unknown headers go on unchanged",
		does: "forwarded; its Route is that of the PBX", want: forwarded,
		edits: []string{"MaX-fOrWaRdS: 0068", "MaX-fOrWaRdS: 67", "branch=390skdjuw", "branch=390skdjuw" + received},
	},
	{
		name: "intmeth", section: "3.1.1.2", says: "well-formed: every character a token, a quoted string and a URI may hold",
		does: "405: an unknown method outside a call", want: notAllowed, tells: "Allow: INVITE,",
	},
	{
		name: "esc01", section: "3.1.1.3", says: "well-formed: escapes are not undone where they make no difference",
		does: "forwarded with every escape as it is", want: forwarded,
		edits: []string{"Max-Forwards: 87", "Max-Forwards: 86", "branch=z9hG4bKkdjuw", "branch=z9hG4bKkdjuw" + received},
	},
	{name: "escnull", section: "3.1.1.4", says: "well-formed: an escaped NUL in a URI", does: "405: REGISTER", want: notAllowed},
	{
		name: "esc02", section: "3.1.1.5", says: "well-formed: % in a method or header name is no escape",
		does: "405: the method is not REGISTER, and unknown", want: notAllowed, tells: "CSeq: 29344 RE%47IST%45R\r\n",
	},
	{name: "lwsdisp", section: "3.1.1.6", says: "well-formed: no blank between display name and <", does: "answered", want: answered},
	{
		name: "longreq", section: "3.1.1.7", says: "well-formed: long values, 34 Vias", does: "forwarded", want: forwarded,
		edits: []string{"sip33.example.com", "sip33.example.com" + received, "Max-Forwards: 70", "Max-Forwards: 69"},
	},
	{
		name: "dblreq", section: "3.1.1.8", says: "what follows the message in a datagram is discarded; on a stream it is the next message",
		does: "405 for the REGISTER; the INVITE behind it is forwarded only from a stream",
		want: notAllowed, stream: []string{"405 Method Not Allowed", "forwarded"},
		edits: []string{"Max-Forwards: 8", "Max-Forwards: 7", "branch=z9hG4bKkdjuw380234", "branch=z9hG4bKkdjuw380234" + received},
	},
	{name: "semiuri", section: "3.1.1.9", says: "well-formed: the semicolon belongs to the user part", does: "answered", want: answered},
	{
		name: "transports", section: "3.1.1.10", says: "well-formed: Vias of transports known and unknown",
		does: "answered, with every Via", want: answered, tells: "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\r\n",
	},
	{name: "mpart01", section: "3.1.1.11", says: "well-formed: a multipart body with binary parts", does: "405: MESSAGE", want: notAllowed},
	{
		name: "unreason", section: "3.1.1.12", says: "well-formed: a reason phrase of unusual characters",
		does: "dropped as a stray response; an answer to a call goes through unchanged", method: "INVITE", passes: true, taken: true,
	},
	{
		name: "noreason", section: "3.1.1.13", says: "well-formed: a reason phrase may be empty",
		does: "a 100 goes no further (RFC 3261 §16.7), but ends the retransmissions", method: "INVITE", taken: true,
	},
	{
		name: "badinv01", section: "3.1.2.1", says: "400: separators with nothing between them in Via and Contact",
		does: "400 for the Via; Contact is the PBX's to judge", want: []string{"400 Malformed Via"},
	},
	{
		name: "clerr", section: "3.1.2.2", says: "400 to a datagram shorter than its Content-Length; a stream waits for the rest",
		does: "400; on a stream the rest never comes, and the connection is closed after 32 s",
		want: []string{"400 Content-Length beyond the end of the message"}, stream: []string{},
	},
	{
		name: "ncl", section: "3.1.2.3", says: "400 for a negative Content-Length; a stream is closed, since its framing is lost",
		does: "400, and then the connection is closed", want: []string{"400 Malformed Content-Length"},
	},
	{
		name: "scalar02", section: "3.1.2.4", says: "400: numbers too large in CSeq, Max-Forwards, Expires and Contact",
		does: "400 for the first", want: []string{"400 Malformed CSeq"},
	},
	{
		name: "scalarlg", section: "3.1.2.5", says: "a response with numbers too large is discarded",
		does: "dropped: its CSeq is none", method: "OPTIONS",
	},
	{
		name: "quotbal", section: "3.1.2.6", says: "400: a quoted string without end", does: "400",
		want: []string{"400 Malformed To"}, port: 5050,
	},
	{
		name: "ltgtruri", section: "3.1.2.7", says: "400: a Request-URI in angle brackets; it is acceptable to guess what is meant",
		does: "400: nothing is guessed before screening", want: []string{"400 Malformed Request-URI"},
	},
	{name: "lwsruri", section: "3.1.2.8", says: "400: a blank in the Request-URI", does: "400", want: []string{"400 Malformed Request-URI"}},
	{
		name: "lwsstart", section: "3.1.2.9", says: "400: several blanks between the parts of the start line; they may be accepted",
		does: "400", want: []string{"400 Malformed Request-URI"},
	},
	{
		name: "trws", section: "3.1.2.10", says: "400: blanks at the end of the start line; they may be accepted",
		does: "400", want: []string{"400 Malformed Request-Line"},
	},
	{
		name: "escruri", section: "3.1.2.11", says: "headers in a Request-URI are invalid: 400, or they are left out; they must not be sent on",
		does: "400", want: []string{"400 Headers in Request-URI"},
	},
	{
		name: "baddate", section: "3.1.2.12", says: "400 from who reads Date, whose zone is not GMT; others may ignore it",
		does: "forwarded: Date is no business of a proxy", want: forwarded,
		edits: []string{"Max-Forwards: 7", "Max-Forwards: 6", "branch=z9hG4bKkdjuw2394", "branch=z9hG4bKkdjuw2394" + received},
	},
	{
		name: "regbadct", section: "3.1.2.13", says: "400 from a registrar: a Contact with headers needs angle brackets",
		does: "405: REGISTER; Contact is not read", want: notAllowed,
	},
	{
		name: "badaspec", section: "3.1.2.14", says: "400 is reasonable for blanks within the angle brackets of To; they may be ignored",
		does: "the blanks are ignored", want: answered,
	},
	{
		name: "baddn", section: "3.1.2.15", says: "400 is reasonable for a comma in a display name without quotes",
		does: "400: a From of two values could be screened by one and shown by the other", want: []string{"400 Malformed From"},
	},
	{name: "badvers", section: "3.1.2.16", says: "505: the version, of the Via too, is SIP/7.0", does: "505 along that Via", want: []string{"505 Version Not Supported"}},
	{name: "mismatch01", section: "3.1.2.17", says: "400: the method of CSeq is another", does: "400", want: []string{"400 CSeq Method Mismatch"}},
	{
		name: "mismatch02", section: "3.1.2.18", says: "400 or 501: the same with an unknown method",
		does: "400", want: []string{"400 CSeq Method Mismatch"},
	},
	{name: "bigcode", section: "3.1.2.19", says: "a response with a status that is none is discarded", does: "dropped", method: "INVITE"},
	{
		name: "badbranch", section: "3.2.1", says: "a branch that is the cookie alone is no identifier: the transaction is that of RFC 2543",
		does: "answered", want: answered,
	},
	{name: "insuf", section: "3.3.1", says: "400: no Call-ID, From and To", does: "400", want: []string{"400 Missing From"}},
	{
		name: "unkscm", section: "3.3.2", says: "416: an unknown scheme in the Request-URI",
		does: "416", want: []string{"416 Unsupported URI Scheme"},
	},
	{name: "novelsc", section: "3.3.3", says: "416: a registered scheme nobody uses with SIP", does: "416", want: []string{"416 Unsupported URI Scheme"}},
	{
		name: "unksm2", section: "3.3.4", says: "schemes in From, To and Contact are no matter to who does not use them; a registrar says 400",
		does: "405: REGISTER", want: notAllowed,
	},
	{
		name: "bext01", section: "3.3.5", says: "420 with Unsupported: a proxy names what Proxy-Require has, an endpoint what Require has",
		does: "420", want: []string{"420 Bad Extension"}, tells: "Unsupported: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\n",
	},
	{
		name: "invut", section: "3.3.6", says: "415 from an endpoint: an unknown body; a proxy forwards it", does: "forwarded", want: forwarded,
		edits: []string{"Max-Forwards: 70", "Max-Forwards: 69", "branch=z9hG4bKkdjuw", "branch=z9hG4bKkdjuw" + received},
	},
	{name: "regaut01", section: "3.3.7", says: "an unknown Authorization scheme is as good as none", does: "405: REGISTER", want: notAllowed},
	{
		name: "multi01", section: "3.3.8", says: "400: Call-ID, CSeq, From, To and Max-Forwards stand twice",
		does: "400", want: []string{"400 Duplicate From"},
	},
	{
		name: "mcl01", section: "3.3.9", says: "400: two Content-Lengths; a stream is closed, since its framing is lost",
		does: "400, and then the connection is closed", want: []string{"400 Duplicate Content-Length"},
		stream: []string{"400 Content-Length beyond the end of the message"}, // of which no more is read than the header
	},
	{
		name: "bcast", section: "3.3.10", says: "a 200 whose second Via is a broadcast address is not to be sent there",
		does:   "dropped as a stray response; an answer to a call goes where the call came from, whatever its Vias say",
		method: "INVITE", passes: true, taken: true, receiver: true,
	},
	{name: "zeromf", section: "3.3.11", says: "OPTIONS without hops left: 483, or an answer as if it were for us", does: "answered", want: answered},
	{name: "cparam01", section: "3.3.12", says: "a registrar takes the parameter for one of the header", does: "405: REGISTER", want: notAllowed},
	{name: "cparam02", section: "3.3.13", says: "a registrar takes the parameter for one of the URI", does: "405: REGISTER", want: notAllowed},
	{name: "regescrt", section: "3.3.14", says: "a registrar keeps the escaped Route of the Contact", does: "405: REGISTER", want: notAllowed},
	{
		name: "sdp01", section: "3.3.15", says: "406 from an endpoint that only has SDP to answer with; a proxy forwards it",
		does: "forwarded", want: forwarded,
		edits: []string{"Max-Forwards: 7", "Max-Forwards: 6", "branch=z9hG4bKkdjuwndak", "branch=z9hG4bKkdjuwndak" + received},
	},
	{
		name: "inv2543", section: "3.4.1", says: "well-formed by RFC 2543: no branch, tag, Max-Forwards or Content-Length",
		does: "forwarded, with Max-Forwards; on a stream 400, since the body there has no end (RFC 3261 §20.14)",
		want: forwarded, stream: []string{"400 Missing Content-Length"},
		edits: []string{"SIP/2.0/UDP iftgw.example.com", "SIP/2.0/UDP iftgw.example.com" + received},
	},
}
