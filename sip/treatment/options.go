package treatment

import (
	"time"

	"ringfence/call"
	"ringfence/sip/redress"
)

// Options are the site's settings of all treatments.
type Options struct {
	Language  string   // of announcements, "zh" or "en"
	Languages []Spoken // where another language is spoken; the first that covers the called number counts
	Warn      WarnOptions
	Announce  AnnounceOptions
	Challenge ChallengeOptions
	Redress   redress.Contact
	// Fallbacks names, for a divert target, the one that is called when it refuses or does not answer.
	Fallbacks map[string]string
	// PassTransfers passes a REFER to the other side. Otherwise it is refused.
	PassTransfers bool
}

// Spoken says which language the people at some of the site's numbers speak.
type Spoken struct {
	Called   call.Pattern
	Language string
}

// WarnOptions are the settings of the treatment warn.
type WarnOptions struct {
	Menu          bool          // she chooses after the warning; otherwise she is connected
	Repeat        int           // how often warning and menu are played, at least once
	AnswerWithin  time.Duration // for the person called, and any divert target, to answer
	ChooseWithin  time.Duration // after the menu was played for the last time
	Voicemail     string        // divert target of key 2 and of no choice in time; empty: no such key, and refused
	ReportingLine string        // divert target of key 3; empty: no such key
	ListenIn      string        // divert target of key 4; empty: no such key
	VideoByKey    bool          // the person called may accept offered video with a key; otherwise never
	Announcement  bool          // the caller hears an announcement meanwhile; otherwise ringing
}

// AnnounceOptions are the settings of the treatment announce.
type AnnounceOptions struct {
	Answer bool // the caller is answered before the announcement, and so billed
}

// ChallengeOptions are the settings of the treatment challenge.
type ChallengeOptions struct {
	Answer   bool          // the caller is answered before she is asked, and so billed
	Tries    int           // at least one
	Within   time.Duration // for the digits, after they were asked for
	Remember time.Duration // how long who passed is not asked again
}
