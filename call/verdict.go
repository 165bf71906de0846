package call

import "time"

// Reason is the stable code of why a verdict was reached: the same word stands in the audit
// record, the metric label, the X-Ringfence header and the documentation. It is lower-case words
// joined by hyphens, at most MaxReason bytes. A rule of a pack brings its own; these are built in.
type Reason string

// The reasons that are not rules of a pack.
const (
	ReasonEmergency   Reason = "emergency"    // to or from an emergency service
	ReasonReport      Reason = "report"       // a member of the site dialled the reporting code
	ReasonOutbound    Reason = "outbound"     // our own PBX calling out: not screened
	ReasonAllowListed Reason = "allow-listed" // an allow entry matched
	ReasonBlockListed Reason = "block-listed" // a block entry matched
	ReasonWatchListed Reason = "watch-listed" // a watch entry matched
	ReasonAnonymous   Reason = "anonymous"    // no number was given: the policy for anonymous callers
	ReasonClean       Reason = "clean"        // no check objected
	ReasonCheckFailed Reason = "check-failed" // a check failed and the trunk is configured to fail closed
	ReasonNotScreened Reason = "not-screened" // screening itself failed; the call went on (fail open)

	// Causes of an outcome: the gateway could not pass a call that it had let through.
	ReasonNoTarget Reason = "no-target" // no PBX target alive, or no way to the target: 503
	ReasonDraining Reason = "draining"  // the gateway is shutting down: 503
	ReasonOverload Reason = "overload"  // more calls being set up than the gateway may hold: 503
	ReasonStopped  Reason = "stopped"   // the gateway stopped before the call had a final response
	ReasonInternal Reason = "internal"  // a fault of the gateway: 500
)

// MaxReason bounds a Reason and the name of a rule, in bytes.
const MaxReason = 48

// ValidReason reports whether r may be used as a reason code or rule name.
func ValidReason(r string) bool {
	if r == "" || len(r) > MaxReason || r[0] == '-' || r[len(r)-1] == '-' {
		return false
	}
	for i := 0; i < len(r); i++ {
		if c := r[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Category is the kind of fraud suspected. It chooses the announcement and goes into the label.
type Category string

// The categories, named as their announcements are.
const (
	CategoryNone          Category = ""
	CategoryOfficials     Category = "officials"                // police, court, cyberspace administration
	CategoryService       Category = "customer-service"         // couriers, platforms, banks
	CategoryLoan          Category = "loan"                     // loans and investment
	CategoryHighRisk      Category = "high-risk"                // listed, kind not known
	CategoryInternational Category = "unverified-international" // from abroad or unverified
)

// Categories lists every category but CategoryNone.
var Categories = []Category{CategoryOfficials, CategoryService, CategoryLoan, CategoryHighRisk, CategoryInternational}

// Treatment is what is done with a call: one of Allow, Label, Refuse, Divert, Warn, Announce, Challenge,
// TakeReport.
type Treatment interface {
	// Name is the word for the treatment in records, metrics and headers.
	Name() string
}

// Allow lets the call pass as if the gateway were not there.
type Allow struct{}

// Label lets the call pass, with a warning where the person called can see it.
type Label struct {
	Prefix   string `json:"prefix"`              // put before the display name toward the PBX
	HideName bool   `json:"hide_name,omitempty"` // the name is left out: the number stands in its place
}

// Refusal is the class of a refusal, which fixes the SIP status.
type Refusal uint8

// The classes of refusals.
const (
	RefusalDeclined  Refusal = iota // 603: decision of the site's staff
	RefusalUnwanted                 // 607 (RFC 8197): the person called does not want this caller
	RefusalRejected                 // 608 (RFC 8688): an analytics engine or rule objects
	RefusalAnonymous                // 433 (RFC 5079): the caller withholds the number
	RefusalBlocked                  // 603 "Network Blocked" (ATIS-1000099): as RefusalRejected, in North America
)

var refusalNames = [...]string{"declined", "unwanted", "rejected", "anonymous", "blocked"}

// String is the word used in rule files and records.
func (r Refusal) String() string { return nameOf(refusalNames[:], r) }

// MarshalText writes the word for r.
func (r Refusal) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (r *Refusal) UnmarshalText(text []byte) error {
	return parseName(refusalNames[:], "class of refusal", text, r)
}

// Status is the SIP status code of the class.
func (r Refusal) Status() int {
	switch r {
	case RefusalUnwanted:
		return 607
	case RefusalRejected:
		return 608
	case RefusalAnonymous:
		return 433
	default:
		return 603
	}
}

// Refuse ends the attempt with a final response that carries a redress reference.
type Refuse struct {
	Class Refusal `json:"class"`
}

// Divert sends the call to another SIP target, such as voicemail or a reporting line.
type Divert struct {
	Target string `json:"target"` // name of a configured divert target
}

// Name is "allow".
func (Allow) Name() string { return "allow" }

// Name is "label".
func (Label) Name() string { return "label" }

// Name is "refuse".
func (Refuse) Name() string { return "refuse" }

// Name is "divert".
func (Divert) Name() string { return "divert" }

// Failure names a check that could not give its opinion, and why.
type Failure struct {
	Check string `json:"check"`
	Error string `json:"error"`
}

// Match names the list entry that decided a call. The zero Match says that none did.
type Match struct {
	List    List    `json:"list"`
	Pattern Pattern `json:"pattern"` // the entry as it stands in the list: +8613800138000, or +86101234*
	Source  Source  `json:"source"`  // who listed it
}

// IsZero reports whether no list entry decided.
func (m Match) IsZero() bool { return m.Pattern.Number.IsZero() }

// Verdict is the decision on a call attempt and everything needed to explain it.
type Verdict struct {
	Treatment Treatment // never nil once Decide has returned
	Rule      string    // the check or rule that decided
	Reason    Reason
	Category  Category
	Score     int       // 0 (nothing known) to 100 (certain fraud)
	Match     Match     // the list entry, when one decided
	Failures  []Failure // checks that failed and were passed over
	Rules     string    // version of the rules the decision was made with
	Lists     string    // version of the lists the decision was made with
}

// Ender says who gave the final answer to a call attempt.
type Ender uint8

// Who may end an attempt.
const (
	EndedByGateway Ender = iota // refused, or failed, here
	EndedByCalled               // the PBX or divert target gave the final response
	EndedByCaller               // cancelled
	EndedByTimeout              // nobody answered in time
)

var enderNames = [...]string{"gateway", "called", "caller", "timeout"}

// String is the word used in records.
func (e Ender) String() string { return nameOf(enderNames[:], e) }

// MarshalText writes the word for e.
func (e Ender) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads a word that MarshalText wrote.
func (e *Ender) UnmarshalText(text []byte) error { return parseName(enderNames[:], "ender", text, e) }

// Outcome is how a call attempt ended.
type Outcome struct {
	Status   int           `json:"status"` // final SIP status sent toward the caller
	By       Ender         `json:"by"`
	Target   string        `json:"target,omitempty"` // PBX or divert target that the call last went to
	Attempts int           `json:"attempts"`         // targets tried
	Cause    Reason        `json:"cause,omitempty"`  // why the gateway could not pass a call it had let through
	Elapsed  time.Duration `json:"elapsed"`          // from the INVITE to the final response, nanoseconds
}

// Record is what the audit log keeps of one call attempt.
type Record struct {
	Reference string  `json:"reference"` // redress reference: 11 random digits and a Luhn digit
	Facts     Facts   `json:"facts"`
	Verdict   Verdict `json:"verdict"`
	Outcome   Outcome `json:"outcome"`
	// Treated is nil for a call that took the proxy path.
	Treated *Treated `json:"treated,omitempty"`
}
