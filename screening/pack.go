package screening

import "ringfence/call"

// Bounds on a pack, so that a decision stays cheap whatever somebody writes.
const (
	MaxRules      = 256     // of all packs together
	MaxEntries    = 1 << 20 // of all tables together
	maxConditions = 64      // of one rule, for and against
	maxDoc        = 8192    // bytes of one explanation
)

// Pack is what a rule file says. Its fields are named as the keys of the file are.
type Pack struct {
	Name string `yaml:"name"` // lower-case words joined by hyphens
	Doc  string `yaml:"doc"`

	// How numbers are written in the country of the pack. The digits are those of service codes
	// written with everything that may stand before them: 96110, 021 96110, +86 21 96110.
	Country       string   `yaml:"country"`              // calling code: 86
	International string   `yaml:"international_prefix"` // dialled before a country code: 00
	National      string   `yaml:"national_prefix"`      // dialled before an area code: 0
	Areas         []string `yaml:"areas"`                // patterns of area codes, without the national prefix

	Emergency Emergency                `yaml:"emergency"`
	Anonymous Treatments               `yaml:"anonymous"` // of callers that give no number; allow where not set
	Watch     Treatments               `yaml:"watch"`     // of callers on the watch list; warn where not set
	Labels    map[call.Category]string `yaml:"labels"`    // put before the display name, instead of the built-in ones
	Tables    map[string][]string      `yaml:"tables"`    // named sets of number patterns
	Official  []string                 `yaml:"official"`  // tables whose numbers are those of authorities and firms: reports never list them
	Rules     []Rule                   `yaml:"rules"`     // asked in this order
}

// Emergency lists the service codes of emergency services. No check may ever block them.
type Emergency struct {
	Called []string `yaml:"called"` // calls to them pass, whatever the trunk
	Caller []string `yaml:"caller"` // calls from them pass over a domestic trunk
}

// Rule is one rule of a pack. It fires when one of its When conditions holds and none of Except.
type Rule struct {
	Name      string        `yaml:"name"`
	Reason    call.Reason   `yaml:"reason"` // the rule's name where not set
	Doc       string        `yaml:"doc"`    // what it catches, and whom it could hit wrongly
	Category  call.Category `yaml:"category"`
	Score     int           `yaml:"score"` // 0 (nothing known) to 100 (certain fraud)
	When      []Condition   `yaml:"when"`
	Except    []Condition   `yaml:"except"`
	Treatment Treatments    `yaml:"treatment"` // a class without one is not asked about this rule
}

// Condition holds when each of its parts that is set holds. Of a list, one item is enough.
type Condition struct {
	Class   []call.Class  `yaml:"class"`          // of the trunk
	Trunk   []string      `yaml:"trunk"`          // its configured name
	Format  []call.Format `yaml:"format"`         // the number format it declares
	Form    []call.Form   `yaml:"form"`           // how the caller's number was written
	Caller  []string      `yaml:"caller"`         // patterns on the whole normalised number
	Table   string        `yaml:"table"`          // the caller is in this table
	Written []Writing     `yaml:"written"`        // with table: how a service code was written
	Display []string      `yaml:"display"`        // the display name has one of these words in it, however it is written
	Other   *bool         `yaml:"display_number"` // the display name has a number of five digits or more that is not the caller's, or has none
	Video   *bool         `yaml:"video"`          // video is offered, or is not
	Alien   *bool         `yaml:"alien"`          // the user part has characters that no number has
}
