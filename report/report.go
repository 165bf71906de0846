package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/call"
)

// Via says how a report was made.
type Via string

// The ways to report.
const (
	ViaMenu        Via = "menu"         // key 9 while the call was offered
	ViaFeatureCode Via = "feature-code" // the code dialled afterwards
)

// Version is the version of Report as JSON. Fields may be added to a version; one that changes its
// meaning or goes makes a new one.
const Version = 1

// Report is one report, as the webhook sends it.
type Report struct {
	Version  int       `json:"version"`
	ID       string    `json:"id"` // the same whenever the same person reports the same call
	Node     string    `json:"node,omitempty"`
	Time     time.Time `json:"time"` // when it was reported, UTC
	Via      Via       `json:"via"`
	Reporter Party     `json:"reporter"` // the person called
	Call     Call      `json:"call"`
	Remarks  string    `json:"remarks"` // free text of the centre's form; empty
}

// Party is one end of a call.
type Party struct {
	Number  call.Number `json:"number"`          // "" when what was written is no number
	Written string      `json:"written"`         // as the network wrote it
	Form    call.Form   `json:"form"`            // how that was written
	Name    string      `json:"name,omitempty"`  // display name
	Other   string      `json:"other,omitempty"` // of the caller: what From claimed, where it is not Written
}

// Call is what the report is about. While the call log cannot be read, a report by the feature code
// knows only reference, time and the two numbers.
type Call struct {
	Reference  string        `json:"reference"`
	CallID     string        `json:"call_id"`
	Time       time.Time     `json:"time"` // when the INVITE arrived, UTC
	Trunk      string        `json:"trunk"`
	Class      string        `json:"class"`
	Transport  string        `json:"transport,omitempty"`
	Peer       string        `json:"peer,omitempty"` // address the INVITE came from
	UserAgent  string        `json:"user_agent,omitempty"`
	Video      bool          `json:"video"` // video was offered
	Reported   Party         `json:"reported"`
	Called     Party         `json:"called"`
	Treatment  string        `json:"treatment"`
	Rule       string        `json:"rule"`
	Reason     call.Reason   `json:"reason"`
	Category   call.Category `json:"category"`
	Score      int           `json:"score"`                  // that the call was screened with, 0 to 100
	Warning    string        `json:"warning,omitempty"`      // the announcement that was played
	Heard      int64         `json:"heard_ms,omitempty"`     // how much of it, in milliseconds
	Keys       string        `json:"keys,omitempty"`         // that the person called pressed
	CallerKeys string        `json:"caller_keys,omitempty"`  // that the caller pressed
	Connected  int64         `json:"connected_ms,omitempty"` // how long the two could hear each other, in milliseconds
}

// maxText bounds each text of a report, in bytes: what a caller wrote is as long as he likes.
const maxText = 512

// newReport is the report of a call, made by the person called.
func newReport(node string, via Via, at time.Time, reported *call.Record) *Report {
	r := &Report{
		Version: Version, Node: node, Time: at.UTC(), Via: via,
		Reporter: partyOf(&reported.Facts.Called), Call: callOf(reported),
	}
	r.ID = identify(r.Call.Reference, r.Call.CallID, reporterKey(&reported.Facts.Called))
	return r
}

// identify gives the report of a call by a person its id, so that the receiver can tell one that is
// sent or made twice.
func identify(reference, callID, reporter string) string {
	sum := sha256.Sum256([]byte(reference + "\n" + callID + "\n" + reporter))
	return hex.EncodeToString(sum[:16])
}

// callOf copies what a report says of a call.
func callOf(r *call.Record) Call {
	f, v := &r.Facts, &r.Verdict
	c := Call{
		Reference: r.Reference, CallID: cut(f.CallID), Time: f.Time.UTC(), Trunk: f.Trunk,
		Transport: f.Transport, UserAgent: cut(f.UserAgent), Video: f.Media.Video,
		Reported: partyOf(&f.Caller), Called: partyOf(&f.Called),
		Rule: v.Rule, Reason: v.Reason, Category: v.Category, Score: v.Score,
	}
	if f.Trunk != "" { // else nothing is known of it
		c.Class = f.Class.String()
	}
	if f.Peer.IsValid() {
		c.Peer = f.Peer.String()
	}
	if f.From.Text != f.Caller.Text {
		c.Reported.Other = cut(f.From.Text)
	}
	if v.Treatment != nil {
		c.Treatment = v.Treatment.Name()
	}
	if t := r.Treated; t != nil {
		c.Warning, c.Heard, c.Connected = t.Announcement, t.Heard.Milliseconds(), t.Connected.Milliseconds()
		c.Keys, c.CallerKeys = cut(t.CalledKeys), cut(t.CallerKeys)
	}
	return c
}

func partyOf(p *call.Party) Party {
	return Party{Number: p.Number, Written: cut(p.Text), Form: p.Form, Name: cut(p.Display)}
}

// cut bounds a text without splitting a character, in memory of its own: a text of a SIP message would
// keep the whole message.
func cut(text string) string {
	if len(text) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.Clone(text)
}

// reporterKey is what tells the person called apart from others; empty when nothing does.
func reporterKey(p *call.Party) string {
	if p.Number.IsZero() {
		return p.Text
	}
	return p.Number.String()
}
