package wire

// HeaderID names a header that the gateway looks at. All others are HeaderOther, and pass through.
type HeaderID uint8

// The headers looked at.
const (
	HeaderOther HeaderID = iota
	HeaderVia
	HeaderFrom
	HeaderTo
	HeaderCallID
	HeaderCSeq
	HeaderMaxForwards
	HeaderRoute
	HeaderRecordRoute
	HeaderContact
	HeaderContentLength
	HeaderContentType
	HeaderProxyRequire
	HeaderRequire
	HeaderAsserted // P-Asserted-Identity
	HeaderPrivacy
	HeaderDiversion
	HeaderHistoryInfo
	HeaderPriority
	HeaderIdentity
	HeaderUserAgent
	HeaderRingfence // X-Ringfence: ours, never believed from a trunk
	HeaderRetryAfter
	HeaderExpires
	HeaderMaxBreadth
	HeaderTimestamp

	numHeaderIDs
)

// headerNames holds the long names in lower case; compact forms (RFC 3261 §7.3.3) are in headerID.
var headerNames = [numHeaderIDs]string{
	HeaderVia: "via", HeaderFrom: "from", HeaderTo: "to", HeaderCallID: "call-id", HeaderCSeq: "cseq",
	HeaderMaxForwards: "max-forwards", HeaderRoute: "route", HeaderRecordRoute: "record-route",
	HeaderContact: "contact", HeaderContentLength: "content-length", HeaderContentType: "content-type",
	HeaderProxyRequire: "proxy-require", HeaderRequire: "require", HeaderAsserted: "p-asserted-identity",
	HeaderPrivacy: "privacy", HeaderDiversion: "diversion", HeaderHistoryInfo: "history-info",
	HeaderPriority: "priority", HeaderIdentity: "identity", HeaderUserAgent: "user-agent",
	HeaderRingfence: "x-ringfence", HeaderRetryAfter: "retry-after", HeaderExpires: "expires",
	HeaderMaxBreadth: "max-breadth", HeaderTimestamp: "timestamp",
}

// maxName is the longest name in headerNames.
const maxName = len("p-asserted-identity")

// byLength lists the IDs whose name has a given length, so that a name is compared with few others.
var byLength = func() (t [maxName + 1][]HeaderID) {
	for id := HeaderOther + 1; id < numHeaderIDs; id++ {
		l := len(headerNames[id])
		t[l] = append(t[l], id)
	}
	return t
}()

// headerID finds a header's ID by its name in any case or its compact form.
func headerID(name []byte) HeaderID {
	if len(name) == 1 {
		switch name[0] | 0x20 {
		case 'v':
			return HeaderVia
		case 'f':
			return HeaderFrom
		case 't':
			return HeaderTo
		case 'i':
			return HeaderCallID
		case 'm':
			return HeaderContact
		case 'l':
			return HeaderContentLength
		case 'c':
			return HeaderContentType
		case 'y': // RFC 8224 §4
			return HeaderIdentity
		}
		return HeaderOther
	}
	if len(name) > maxName {
		return HeaderOther
	}
	for _, id := range byLength[len(name)] {
		if EqualFold(name, headerNames[id]) {
			return id
		}
	}
	return HeaderOther
}

// EqualFold reports whether b is lower, in any case of its ASCII letters. lower must be in lower case.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
