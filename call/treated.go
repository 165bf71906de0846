package call

import "time"

// Warn calls the person called and tells her what is suspected before the caller can speak. The caller
// hears ringing meanwhile, and is connected only if she takes the call.
type Warn struct {
	Prefix    string `json:"prefix,omitempty"`     // also put before the display name, as Label does; empty: not
	HideName  bool   `json:"hide_name,omitempty"`  // the display name is left out, as Label does
	AudioOnly bool   `json:"audio_only,omitempty"` // an offer with video is taken as audio
}

// Announce tells the caller something before the call is answered, and then lets it go on, or refuses it.
type Announce struct {
	Refuse *Refuse `json:"refuse,omitempty"` // nil: the call goes on
}

// Challenge asks the caller to press random digits. Who passes is connected.
type Challenge struct {
	Digits int     `json:"digits"`           // how many, 1 or 2
	Refuse Refuse  `json:"refuse,omitzero"`  // what becomes of a caller who fails,
	Divert *Divert `json:"divert,omitempty"` // unless this says something else
}

// TakeReport answers a member of the site who dialled the reporting code, and takes her report of the
// last call she had.
type TakeReport struct{}

// Name is "warn".
func (Warn) Name() string { return "warn" }

// Name is "announce".
func (Announce) Name() string { return "announce" }

// Name is "challenge".
func (Challenge) Name() string { return "challenge" }

// Name is "take-report".
func (TakeReport) Name() string { return "take-report" }

// Choice is what came of a treatment: what the person called chose, or how the caller fared.
type Choice string

// The choices.
const (
	ChoiceNone          Choice = ""               // nobody came to choose
	ChoiceTaken         Choice = "taken"          // she takes the call (1)
	ChoiceVoicemail     Choice = "voicemail"      // she sends it to the voicemail (2)
	ChoiceReported      Choice = "reported"       // she refuses and reports it (9)
	ChoiceReportingLine Choice = "reporting-line" // she talks to the reporting line instead (3)
	ChoiceListenedIn    Choice = "listened-in"    // she takes the call, and the reporting line listens in (4)
	ChoicePassed        Choice = "passed"         // the caller passed the challenge
	ChoiceRemembered    Choice = "remembered"     // the caller passed one lately, and was not asked again
	ChoiceFailed        Choice = "failed"         // the caller did not pass it
)

// Treated is what happened to a call on the agent path, which anchors its media.
type Treated struct {
	Announcement string        `json:"announcement,omitempty"` // the prompt played, as in "officials"
	Language     string        `json:"language,omitempty"`     // "zh" or "en"
	Heard        time.Duration `json:"heard,omitempty"`        // how much of it was played before it ended or was cut off
	CalledKeys   string        `json:"called_keys,omitempty"`  // keys the person called pressed, at most MaxKeys
	CallerKeys   string        `json:"caller_keys,omitempty"`  // keys the caller pressed, at most MaxKeys
	Choice       Choice        `json:"choice,omitempty"`
	Connected    time.Duration `json:"connected,omitempty"` // how long the two could hear each other
	HungUp       string        `json:"hung_up,omitempty"`   // who ended the connected call: "caller", "called", "gateway"
	Reported     string        `json:"reported,omitempty"`  // of TakeReport: the reference of the call that was reported; empty when there was none
}

// MaxKeys bounds the keys kept in a Treated, in characters.
const MaxKeys = 32

// ReasonNotTreated is the cause of an outcome: the agent was not there, had no room or could not read the
// INVITE. The call went on without its treatment (fail open).
const ReasonNotTreated Reason = "not-treated"
