package call

import (
	"net/netip"
	"time"
)

// Class says how far a trunk vouches for the caller it names.
type Class uint8

// The classes of trunks.
const (
	ClassVoIP          Class = iota // an ITSP, or origin not known: vouches for nothing
	ClassInternational              // calls from other countries' networks
	ClassDomestic                   // a carrier of this country that authenticates its callers
	ClassInternal                   // our own PBX calling out
)

var classNames = [...]string{"voip", "international", "domestic", "internal"}

// String is the word used in configuration, records and metrics.
func (c Class) String() string { return nameOf(classNames[:], c) }

// MarshalText writes the word for c.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (c *Class) UnmarshalText(text []byte) error {
	return parseName(classNames[:], "trunk class", text, c)
}

// Party is one end of a call as a SIP header names it.
type Party struct {
	Text    string `json:"text,omitempty"`    // user part as received, without its parameters
	Display string `json:"display,omitempty"` // display name as received, quotes and escapes removed
	Number  Number `json:"number,omitempty"`  // zero when Text is no number
	Form    Form   `json:"form"`              // how Text was written
}

// Media says what the offer in the INVITE asks for.
type Media struct {
	Offered bool `json:"offered"` // there was an SDP offer
	Audio   bool `json:"audio,omitempty"`
	Video   bool `json:"video,omitempty"` // an m=video line whose port is not 0
}

// Identity says which header the screened caller was read from.
type Identity uint8

// The sources of a caller's identity.
const (
	IdentityFrom     Identity = iota // From: claimed by the caller
	IdentityAsserted                 // P-Asserted-Identity of a trusted trunk (RFC 3325)
)

var identityNames = [...]string{"from", "p-asserted-identity"}

// String is the word used in records.
func (i Identity) String() string { return nameOf(identityNames[:], i) }

// MarshalText writes the word for i.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads a word that MarshalText wrote.
func (i *Identity) UnmarshalText(text []byte) error {
	return parseName(identityNames[:], "source of identity", text, i)
}

// Facts is all that is known of a call attempt when it is screened. A decision is a function of
// the facts, the rules and the lists, so that stored facts replay to the same verdict.
type Facts struct {
	Time      time.Time      `json:"time"` // when the INVITE arrived, UTC
	CallID    string         `json:"call_id"`
	Trunk     string         `json:"trunk"` // configured name
	Class     Class          `json:"class"`
	Format    Format         `json:"format"`    // the number format the trunk declares
	Peer      netip.AddrPort `json:"peer"`      // where the INVITE came from
	Transport string         `json:"transport"` // "udp", "tcp" or "tls"

	Caller   Party    `json:"caller"`   // the identity that is screened
	Identity Identity `json:"identity"` // where Caller was read from
	From     Party    `json:"from"`
	Asserted Party    `json:"asserted"` // P-Asserted-Identity, believed or not
	Called   Party    `json:"called"`   // of the Request-URI
	Diverted Party    `json:"diverted"` // who forwarded the call last (Diversion, else History-Info)

	Emergency    bool  `json:"emergency,omitempty"`     // the Request-URI is an emergency service (urn:service:sos)
	PSAPCallback bool  `json:"psap_callback,omitempty"` // Priority: psap-callback (RFC 7090) from a trusted trunk
	Private      bool  `json:"private,omitempty"`       // the caller asked for, or used, anonymity (RFC 3323)
	Media        Media `json:"media"`

	RawFrom     string `json:"raw_from"` // header values as received, each cut at MaxRaw bytes
	RawAsserted string `json:"raw_asserted,omitempty"`
	RawIdentity string `json:"raw_identity,omitempty"`
	UserAgent   string `json:"user_agent,omitempty"`
}

// MaxRaw bounds each raw header value kept in Facts, in bytes. A PASSporT (RFC 8225) fits.
const MaxRaw = 2048
