package screening

import (
	"fmt"
	"strings"

	"ringfence/call"
)

// Action is a treatment as a rule file names it: "allow", "label", "refuse" with the class of the
// refusal ("rejected" where none is written), "divert" with the name of a target, or "off", which
// takes a rule out. The zero Action is one that was not written.
type Action struct {
	word    string
	refusal call.Refusal
	target  string
}

// The words of actions.
const (
	wordAllow  = "allow"
	wordLabel  = "label"
	wordRefuse = "refuse"
	wordDivert = "divert"
	wordOff    = "off"
)

// IsZero reports whether no action was written.
func (a Action) IsZero() bool { return a.word == "" }

// String writes a as UnmarshalText reads it.
func (a Action) String() string {
	switch a.word {
	case wordRefuse:
		return wordRefuse + " " + a.refusal.String()
	case wordDivert:
		return wordDivert + " " + a.target
	default:
		return a.word
	}
}

// MarshalText writes a as String does.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the forms that Action describes, and lists them in its error.
func (a *Action) UnmarshalText(text []byte) error {
	word, argument, _ := strings.Cut(string(text), " ")
	read := Action{word: word}
	switch {
	case word == wordRefuse && argument == "":
		read.refusal = call.RefusalRejected
	case word == wordRefuse:
		if err := read.refusal.UnmarshalText([]byte(argument)); err != nil {
			return err
		}
	case word == wordDivert && call.ValidReason(argument):
		read.target = argument
	case argument == "" && (word == wordAllow || word == wordLabel || word == wordOff):
	default:
		return fmt.Errorf(`%q is not a treatment (one of allow, label, refuse, refuse declined, refuse unwanted, refuse rejected, divert TARGET, off)`, text)
	}
	*a = read
	return nil
}

// treatment is what a does to a call; nil for "off" and for no action. label is used by "label".
func (a Action) treatment(label call.Treatment) call.Treatment {
	switch a.word {
	case wordAllow:
		return call.Allow{}
	case wordLabel:
		return label
	case wordRefuse:
		return call.Refuse{Class: a.refusal}
	case wordDivert:
		return call.Divert{Target: a.target}
	default:
		return nil
	}
}

// Treatments is what is done with a call, by the class of its trunk. Calls on internal trunks are
// not screened, and have none.
type Treatments struct {
	All           Action `yaml:"all,omitempty" json:"all,omitzero"` // where the class has none of its own
	International Action `yaml:"international,omitempty" json:"international,omitzero"`
	VoIP          Action `yaml:"voip,omitempty" json:"voip,omitzero"`
	Domestic      Action `yaml:"domestic,omitempty" json:"domestic,omitzero"`
}

// screenedClasses are the classes of trunks whose calls are screened.
var screenedClasses = [...]call.Class{call.ClassVoIP, call.ClassInternational, call.ClassDomestic}

// For returns the action for calls over trunks of a class, the zero Action when there is none.
func (t Treatments) For(class call.Class) Action {
	own := Action{}
	switch class {
	case call.ClassInternational:
		own = t.International
	case call.ClassVoIP:
		own = t.VoIP
	case call.ClassDomestic:
		own = t.Domestic
	default:
		return own
	}
	if own.IsZero() {
		return t.All
	}
	return own
}

// IsZero reports whether no action is written for any class.
func (t Treatments) IsZero() bool { return t == Treatments{} }

// String lists the actions by class, as in "international=refuse rejected, domestic=label".
func (t Treatments) String() string {
	var parts []string
	for _, class := range screenedClasses {
		if a := t.For(class); !a.IsZero() {
			parts = append(parts, class.String()+"="+a.String())
		}
	}
	return strings.Join(parts, ", ")
}

// override returns t with a site's decision over it. The site's "all" speaks of the classes that t
// has an action for: to label what a rule refuses from abroad must not begin to label at home.
func (t Treatments) override(site Treatments) Treatments {
	replace := func(class call.Class, own Action) Action {
		packaged := t.For(class)
		switch {
		case !own.IsZero():
			return own
		case !site.All.IsZero() && !packaged.IsZero():
			return site.All
		default:
			return packaged
		}
	}
	return Treatments{
		International: replace(call.ClassInternational, site.International),
		VoIP:          replace(call.ClassVoIP, site.VoIP),
		Domestic:      replace(call.ClassDomestic, site.Domestic),
	}
}
