package screening

import (
	"strings"

	"ringfence/call"
)

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

// compile makes the treatments ready; prefix is the label of what is suspected.
func (t Treatments) compile(prefix string) (made byClass) {
	for _, class := range screenedClasses {
		made[class] = t.For(class).treatment(prefix)
	}
	return made
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
