package screening

import (
	"fmt"
	"strings"

	"ringfence/call"
)

// Action is a treatment as a rule file names it:
//
//	allow, off
//	label [nameless]
//	warn [audio-only] [unlabelled] [nameless]
//	announce [refuse [CLASS]]
//	challenge [1|2] [else refuse [CLASS] | else divert TARGET]
//	refuse [CLASS]
//	divert TARGET
//
// CLASS is declined, unwanted or, where none is written, rejected. "off" takes a rule out. The zero
// Action is one that was not written.
type Action struct {
	word                  string
	audioOnly, unlabelled bool         // of warn
	nameless              bool         // of label and warn
	digits                int          // of challenge
	after                 string       // what comes after announce, or of a failed challenge: "", refuse or divert
	refusal               call.Refusal // of refuse
	target                string       // of divert
}

// The words of actions.
const (
	wordAllow      = "allow"
	wordLabel      = "label"
	wordWarn       = "warn"
	wordAnnounce   = "announce"
	wordChallenge  = "challenge"
	wordRefuse     = "refuse"
	wordDivert     = "divert"
	wordOff        = "off"
	wordAudioOnly  = "audio-only"
	wordUnlabelled = "unlabelled"
	wordNameless   = "nameless"
	wordElse       = "else"
)

// IsZero reports whether no action was written.
func (a Action) IsZero() bool { return a.word == "" }

// String writes a as UnmarshalText reads it, with what could be left out.
func (a Action) String() string {
	switch a.word {
	case wordLabel, wordWarn:
		text := a.word
		if a.audioOnly {
			text += " " + wordAudioOnly
		}
		if a.unlabelled {
			text += " " + wordUnlabelled
		}
		if a.nameless {
			text += " " + wordNameless
		}
		return text
	case wordAnnounce:
		return strings.TrimSuffix(wordAnnounce+" "+a.ending(a.after), " ")
	case wordChallenge:
		return fmt.Sprintf("%s %d %s %s", wordChallenge, a.digits, wordElse, a.ending(a.after))
	default:
		return a.ending(a.word)
	}
}

// ending writes a word that may stand alone or end a longer action.
func (a Action) ending(word string) string {
	switch word {
	case wordRefuse:
		return wordRefuse + " " + a.refusal.String()
	case wordDivert:
		return wordDivert + " " + a.target
	default:
		return word
	}
}

// MarshalText writes a as String does.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the forms that Action describes, and lists them in its error.
func (a *Action) UnmarshalText(text []byte) error {
	t := tokens(strings.Split(string(text), " "))
	read := Action{word: t[0]}
	t = t[1:]
	if !read.arguments(&t) || len(t) > 0 {
		return fmt.Errorf(`%q is not a treatment (one of allow, label, label nameless, warn, warn audio-only, warn unlabelled, warn nameless, announce, announce refuse, challenge, challenge 2, challenge else divert TARGET, refuse, refuse declined, refuse unwanted, refuse rejected, refuse anonymous, refuse blocked, divert TARGET, off)`, text)
	}
	*a = read
	return nil
}

// arguments reads what follows the word of an action, as far as it is known.
func (a *Action) arguments(t *tokens) (ok bool) {
	switch a.word {
	case wordAllow, wordOff:
	case wordLabel:
		a.nameless = t.take(wordNameless)
	case wordWarn:
		a.audioOnly = t.take(wordAudioOnly)
		a.unlabelled = t.take(wordUnlabelled)
		a.nameless = t.take(wordNameless)
	case wordAnnounce:
		if t.take(wordRefuse) {
			a.after = wordRefuse
			a.refusal = t.class()
		}
	case wordChallenge:
		a.digits, a.after, a.refusal = 1, wordRefuse, call.RefusalRejected
		if !t.take("1") && t.take("2") {
			a.digits = 2
		}
		switch {
		case !t.take(wordElse):
		case t.take(wordRefuse):
			a.refusal = t.class()
		case t.take(wordDivert):
			a.after, a.refusal = wordDivert, 0
			a.target, ok = t.name()
			return ok
		default:
			return false
		}
	case wordRefuse:
		a.refusal = t.class()
	case wordDivert:
		a.target, ok = t.name()
		return ok
	default:
		return false
	}
	return true
}

// tokens are the words of an action that are still to be read.
type tokens []string

// take takes the next word, if it is this one.
func (t *tokens) take(word string) bool {
	if len(*t) == 0 || (*t)[0] != word {
		return false
	}
	*t = (*t)[1:]
	return true
}

// class takes the class of a refusal, which may be left out.
func (t *tokens) class() call.Refusal {
	for _, class := range [...]call.Refusal{call.RefusalDeclined, call.RefusalUnwanted, call.RefusalRejected, call.RefusalAnonymous, call.RefusalBlocked} {
		if t.take(class.String()) {
			return class
		}
	}
	return call.RefusalRejected
}

// name takes the name of a divert target.
func (t *tokens) name() (name string, ok bool) {
	if len(*t) == 0 || !call.ValidReason((*t)[0]) {
		return "", false
	}
	name = (*t)[0]
	*t = (*t)[1:]
	return name, true
}

// describes reports whether the action says to somebody what is suspected, and so needs a category.
func (a Action) describes() bool { return a.word == wordLabel || a.word == wordWarn }

// treatment is what a does to a call; nil for "off" and for no action. prefix is the label of what is
// suspected.
func (a Action) treatment(prefix string) call.Treatment {
	refuse := call.Refuse{Class: a.refusal}
	switch a.word {
	case wordAllow:
		return call.Allow{}
	case wordLabel:
		return call.Label{Prefix: prefix, HideName: a.nameless}
	case wordWarn:
		if a.unlabelled {
			prefix = ""
		}
		return call.Warn{Prefix: prefix, HideName: a.nameless, AudioOnly: a.audioOnly}
	case wordAnnounce:
		if a.after == "" {
			return call.Announce{}
		}
		return call.Announce{Refuse: &refuse}
	case wordChallenge:
		if a.after == wordDivert {
			return call.Challenge{Digits: a.digits, Divert: &call.Divert{Target: a.target}}
		}
		return call.Challenge{Digits: a.digits, Refuse: refuse}
	case wordRefuse:
		return refuse
	case wordDivert:
		return call.Divert{Target: a.target}
	default:
		return nil
	}
}
