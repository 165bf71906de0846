package sip_test

// rfc5118 are the messages of RFC 5118, between IPv6 peers.
var rfc5118 = []torture{
	{name: "ipv6-good", section: "4.1", says: "well-formed: IPv6 references", does: "405: REGISTER", want: notAllowed},
	{name: "ipv6-bad", section: "4.2", says: "400: an IPv6 address without brackets in the Request-URI", does: "400", want: []string{"400 Malformed Request-URI"}},
	{
		name: "port-ambiguous", section: "4.3", says: "well-formed: what looks like a port within the brackets belongs to the address",
		does: "405: REGISTER", want: notAllowed,
	},
	{name: "port-unambiguous", section: "4.4", says: "well-formed: the port stands behind the brackets", does: "405: REGISTER", want: notAllowed},
	{
		name: "via-received-param-with-delim", section: "4.5", says: "received in brackets, against the grammar, must be understood",
		does: "forwarded; a received that the sender wrote is not kept", want: forwarded,
		edits: []string{"received=[2001:db8::9:255];", "", "Max-Forwards: 70", "Max-Forwards: 69"},
	},
	{name: "via-received-param-no-delim", section: "4.5", says: "well-formed: received without brackets", does: "answered", want: answered},
	{
		name: "ipv6-in-sdp", section: "4.6", says: "well-formed: IPv6 in the session description", does: "forwarded", want: forwarded,
		edits: []string{"branch=z9hG4bKas3-111", "branch=z9hG4bKas3-111;received=2001:db8::9:1", "Max-Forwards: 70", "Max-Forwards: 69"},
	},
	{
		name: "mult-ip-in-header", section: "4.7", says: "well-formed: IPv6 and IPv4 in the Vias",
		does: "403: a BYE without the token of its call goes to a PBX only, and its host is none",
		want: []string{"403 Forbidden"}, tells: "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\r\n", port: 6050,
	},
	{
		name: "mult-ip-in-sdp", section: "4.8", says: "well-formed: IPv6 and IPv4 in the session description", does: "forwarded", want: forwarded,
		edits: []string{"Max-Forwards: 70", "Max-Forwards: 69"},
	},
	{
		name: "ipv4-mapped-ipv6", section: "4.9", says: "well-formed: IPv4-mapped addresses", does: "forwarded", want: forwarded, port: 19823,
		edits: []string{"branch=z9hG4bKbh19", "branch=z9hG4bKbh19;received=2001:db8::9:1", "Max-Forwards: 70", "Max-Forwards: 69"},
	},
	{
		name: "ipv6-bug-abnf-3-colons", section: "4.10", says: "a third colon, which the grammar of RFC 3261 allowed by mistake, must be tolerated",
		does: "answered", want: answered,
	},
	{name: "ipv6-correct-abnf-2-colons", section: "4.10", says: "well-formed", does: "answered", want: answered},
}
