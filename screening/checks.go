package screening

import (
	"strings"

	"ringfence/call"
)

// check is one station of a decision. ask looks at the question and either gives its opinion, by
// filling in the verdict and missing nothing, or tells what it missed. It answers no caller and
// does no I/O.
type check struct {
	name string
	ask  func(*question) miss
	rule *rule // of a check that is a rule of the pack
}

// The names of the checks that are not rules.
const (
	checkEmergency = "emergency"
	checkReport    = "report-code"
	checkOutbound  = "outbound"
	checkAllow     = "allow-list"
	checkBlock     = "block-list"
	checkAnonymous = "anonymous"
	checkWatch     = "watch-list"
	checkClean     = "clean"
)

// The order of the checks is the policy; the first that gives an opinion decides.
var (
	beforeRules = []check{
		// Nothing may ever block a call to or from an emergency service: not a list, not a rule, and
		// no failure of a later check.
		{name: checkEmergency, ask: askEmergency},
		// The one call of our own that the gateway answers itself. Before outbound, which passes all of
		// them; after emergency, so that no code can take the place of one.
		{name: checkReport, ask: askReport},
		// Our own calls out are not screened. After emergency, so that the record of an emergency call
		// from inside says that it was one.
		{name: checkOutbound, ask: askOutbound},
		// A person has vouched for this caller. Before block and rules, because it is the remedy for
		// both when they are wrong.
		{name: checkAllow, ask: askAllow},
		// Someone has objected to this caller: known facts come before guesses made from the number.
		{name: checkBlock, ask: askBlock},
		// A caller without a number is on no list, and the rules read numbers: what is left is policy.
		{name: checkAnonymous, ask: askAnonymous},
		// Here the rules of the pack are asked, in the order of its file.
	}
	afterRules = []check{
		// A watch entry only warns, so a rule that would refuse must have been asked before.
		{name: checkWatch, ask: askWatch},
	}
)

func askEmergency(q *question) miss {
	f := q.facts
	q.called.read(&f.Called)
	to := f.Emergency || properIn(q.rules.called, &q.called)
	// Over any other trunk 110 is a claim that nobody vouches for, and the favourite one of fraud.
	from := f.PSAPCallback || f.Class == call.ClassDomestic && properIn(q.rules.callers, &q.caller)
	if !to && !from {
		return miss{kind: missEmergency}
	}
	q.verdict.Treatment = call.Allow{}
	q.verdict.Rule = checkEmergency
	q.verdict.Reason = call.ReasonEmergency
	return miss{}
}

// properIn reports whether a party is a code of one of the tables, written as the network writes it.
func properIn(tables []*table, w *written) bool {
	for _, t := range tables {
		switch t.dialling.read(w, &t.codes, false) {
		case WritingBare, WritingArea, WritingCountry:
			return true
		}
	}
	return false
}

// askReport goes by the text: a code such as *96110 is no number.
func askReport(q *question) miss {
	f := q.facts
	if code := q.rules.reportCode; f.Class != call.ClassInternal || code == "" || f.Called.Text != code {
		return miss{kind: missReport}
	}
	q.verdict.Treatment = call.TakeReport{}
	q.verdict.Rule = checkReport
	q.verdict.Reason = call.ReasonReport
	return miss{}
}

func askOutbound(q *question) miss {
	if q.facts.Class != call.ClassInternal {
		return miss{kind: missOutbound}
	}
	q.verdict.Treatment = call.Allow{}
	q.verdict.Rule = checkOutbound
	q.verdict.Reason = call.ReasonOutbound
	return miss{}
}

// askAllow looks for the screened identity alone. An untrusted trunk's From is the screened
// identity too; but where a trusted trunk asserts one number and the caller claims another, the
// claim must not open the door.
//
// Allow is final: an allow entry for an official number would also let pass a call from abroad that
// only claims it. Lists know no trunks, and the remedy must be certain to work; who lists such a
// number answers for that.
func askAllow(q *question) miss {
	q.lookUp()
	return q.listed(call.ListAllow, checkAllow, call.ReasonAllowListed, q.screened.Allow, call.Allow{})
}

// askBlock looks for the screened identity, and for the number in From where it is another: a
// forwarding carrier asserts the number that forwarded, and the caller who was blocked stands in
// From. Who merely forwarded the call (Diversion) is not the caller, and does not count.
func askBlock(q *question) miss {
	q.lookUp()
	for _, listing := range [...]call.Listing{q.screened.Block, q.claimed.Block} {
		if listing.Pattern.Number.IsZero() {
			continue
		}
		return q.listed(call.ListBlock, checkBlock, call.ReasonBlockListed, listing, refusals[listing.Source])
	}
	return miss{kind: missListed}
}

// refusals are the refusals of listed callers by who listed them: the decision of staff, the wish of
// the people called, the finding of an analysis.
var refusals = [...]call.Treatment{
	call.SourceStaff:  call.Refuse{Class: call.RefusalDeclined},
	call.SourceReport: call.Refuse{Class: call.RefusalUnwanted},
	call.SourceFeed:   call.Refuse{Class: call.RefusalRejected},
}

// askWatch looks where askBlock does.
func askWatch(q *question) miss {
	q.lookUp()
	listing := q.screened.Watch
	if listing.Pattern.Number.IsZero() {
		listing = q.claimed.Watch
	}
	if listing.Category == call.CategoryNone {
		listing.Category = call.CategoryHighRisk
	}
	treatment := q.rules.watched(listing.Category)[q.facts.Class]
	if !listing.Pattern.Number.IsZero() && treatment == nil {
		return miss{kind: missTreatment}
	}
	return q.listed(call.ListWatch, checkWatch, call.ReasonWatchListed, listing, treatment)
}

// listed gives the opinion of a list entry, if there is one.
func (q *question) listed(list call.List, name string, reason call.Reason, l call.Listing, t call.Treatment) miss {
	if l.Pattern.Number.IsZero() {
		return miss{kind: missListed}
	}
	q.verdict.Treatment = t
	q.verdict.Rule = name
	q.verdict.Reason = reason
	q.verdict.Category = l.Category
	q.verdict.Score = int(l.Score)
	q.verdict.Match = call.Match{List: list, Pattern: l.Pattern, Source: l.Source}
	return miss{}
}

// anonymousNames are what networks write for a caller who withholds the number.
var anonymousNames = [...]string{"anonymous", "restricted", "private", "unavailable", "unknown", "withheld"}

// askAnonymous goes by what stands where the number should be, and not by Facts.Private alone: a
// caller who asks for privacy and sends a made-up name beside it is not anonymous but suspect.
func askAnonymous(q *question) miss {
	caller := &q.facts.Caller
	if !caller.Number.IsZero() || !withheld(caller) {
		return miss{kind: missAnonymous}
	}
	treatment := q.rules.anonymous[q.facts.Class]
	if treatment == nil {
		return miss{kind: missTreatment}
	}
	q.verdict.Treatment = treatment
	q.verdict.Rule = checkAnonymous
	q.verdict.Reason = call.ReasonAnonymous
	return miss{}
}

func withheld(p *call.Party) bool {
	if p.Form == call.FormNone || p.Text == "" {
		return true
	}
	for _, name := range anonymousNames {
		if strings.EqualFold(p.Text, name) {
			return true
		}
	}
	return false
}
