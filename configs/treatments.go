package configs

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"ringfence/call"
)

// Treatments says how calls are warned of, announced to, and challenged. Running calls go on as they
// began when it changes.
type Treatments struct {
	// Language is that of the announcements: zh or en. Default: zh.
	Language Language `yaml:"language"`
	// Languages says where people speak another one; the first entry that covers the called number counts.
	Languages []Spoken `yaml:"languages"`
	// Prompts is a folder with WAV files of the site's own, LANGUAGE/PROMPT.wav, which replace those that
	// come with Ringfence. A file that changes is heard within seconds. Default: none.
	Prompts string `yaml:"prompts"`
	// Warn is how the person called is warned.
	Warn Warn `yaml:"warn"`
	// Announce is how something is announced to the caller.
	Announce Announce `yaml:"announce"`
	// Challenge is how the caller is asked for digits.
	Challenge Challenge `yaml:"challenge"`
	// Transfer says what becomes of a transfer (REFER) by one of the two in a treated call: refuse, or
	// pass it to the other side. An attended transfer (Replaces) is refused in any case: the other side has no such
	// call. Default: refuse.
	Transfer Transfer `yaml:"transfer"`
}

// Spoken says which language the people at some of the site's numbers speak.
type Spoken struct {
	// Called is a number, +862155500001, or a range of them, +8621555001*.
	Called call.Pattern `yaml:"called"`
	// Language is zh or en.
	Language Language `yaml:"language"`
}

// Warn is how the person called is warned. The places are names of divert.
type Warn struct {
	// Menu lets her choose by a key after the warning: 1 takes the call, 2 sends it to the voicemail, 9
	// refuses and reports it. Without it she is connected when the warning ends. Default: true.
	Menu bool `yaml:"menu"`
	// Repeat is how often warning and menu are played. 1 to 5. Default: 2.
	Repeat int `yaml:"repeat"`
	// AnswerWithin is how long her telephone rings, and that of any place below. 5s to 3m. Default: 60s.
	AnswerWithin Duration `yaml:"answer_within"`
	// ChooseWithin is how long she may think after the last repetition. Then the call goes to the
	// voicemail, or is refused where there is none. 1s to 2m. Default: 15s.
	ChooseWithin Duration `yaml:"choose_within"`
	// Voicemail is where key 2 sends the call. Default: none; there is no such key.
	Voicemail string `yaml:"voicemail"`
	// ReportingLine is whom key 3 connects her to, and the caller never. Default: none, and no such key.
	ReportingLine string `yaml:"reporting_line"`
	// ListenIn is who listens when she takes the call with key 4. The caller hears nothing of them until
	// they speak. Default: none, and no such key.
	ListenIn string `yaml:"listen_in"`
	// Video says what becomes of video in a call that is taken as audio only: never, or by-key, when she
	// presses # while they talk. Default: never.
	Video Video `yaml:"video"`
	// CallerHears is what the caller hears until she has chosen: ringing, or an announcement. Default:
	// ringing.
	CallerHears CallerHears `yaml:"caller_hears"`
}

// Announce is how something is announced to the caller.
type Announce struct {
	// Answer answers the call before it, so that the caller pays for hearing it. Without it the
	// announcement is early media, which not every network carries. Default: false.
	Answer bool `yaml:"answer"`
}

// Challenge is how the caller is asked for digits.
type Challenge struct {
	// Answer answers the call before the digits are asked for. Without it they are asked for in early
	// media, in which not every network carries keys. Default: false.
	Answer bool `yaml:"answer"`
	// Tries is how often she may try. 1 to 5. Default: 2.
	Tries int `yaml:"tries"`
	// Within is how long each try may take. 2s to 60s. Default: 8s.
	Within Duration `yaml:"within"`
	// Remember is how long a caller who passed is not asked again, while she calls with the same number over the
	// same trunk. At most 30d. Default: 24h.
	Remember Duration `yaml:"remember"`
}

// Language is one that announcements are spoken in.
type Language string

// The languages.
const (
	LanguageChinese Language = "zh"
	LanguageEnglish Language = "en"
)

// UnmarshalText reads zh or en.
func (l *Language) UnmarshalText(text []byte) error {
	return oneOf(l, text, "language of the announcements", LanguageChinese, LanguageEnglish)
}

// Video says what becomes of the video of a call that is taken as audio only.
type Video string

// The ways to treat video.
const (
	VideoNever Video = "never"
	VideoByKey Video = "by-key" // the person called may accept it
)

// UnmarshalText reads never or by-key.
func (v *Video) UnmarshalText(text []byte) error {
	return oneOf(v, text, "way to treat video", VideoNever, VideoByKey)
}

// CallerHears is what the caller hears while the person called is warned.
type CallerHears string

// What a caller may hear.
const (
	HearsRinging      CallerHears = "ringing"
	HearsAnnouncement CallerHears = "announcement"
)

// UnmarshalText reads ringing or announcement.
func (h *CallerHears) UnmarshalText(text []byte) error {
	return oneOf(h, text, "thing for a caller to hear", HearsRinging, HearsAnnouncement)
}

// Transfer says what becomes of a transfer.
type Transfer string

// The ways to treat transfers.
const (
	TransferRefuse Transfer = "refuse"
	TransferPass   Transfer = "pass"
)

// UnmarshalText reads refuse or pass.
func (t *Transfer) UnmarshalText(text []byte) error {
	return oneOf(t, text, "way to treat transfers", TransferRefuse, TransferPass)
}

func (c *Config) validateTreatments(d *document) {
	t := &c.Treatments
	for i, spoken := range t.Languages {
		path := fmt.Sprintf("treatments.languages[%d]", i)
		switch {
		case !d.has(path + ".called"):
			d.missing(path+".called", "at which numbers is it spoken?")
		case spoken.Called.Number.IsLocal():
			d.reject(path+".called", "%s has no country code: write +%s…", spoken.Called, c.Numbering.Country)
		}
		if !d.has(path + ".language") {
			d.missing(path+".language", "zh or en?")
		}
	}
	if t.Prompts != "" {
		if info, err := os.Stat(t.Prompts); err != nil || !info.IsDir() { //nolint:gosec // a folder named by the operator is meant to be read
			d.reject("treatments.prompts", "%s is not a folder that can be read", t.Prompts)
		}
	}
	w := &t.Warn
	within(d, "treatments.warn.repeat", w.Repeat, 1, 5)
	within(d, "treatments.warn.answer_within", w.AnswerWithin, Duration(5*time.Second), Duration(3*time.Minute))
	within(d, "treatments.warn.choose_within", w.ChooseWithin, Duration(time.Second), Duration(2*time.Minute))
	for _, place := range []struct{ key, name string }{
		{"voicemail", w.Voicemail},
		{"reporting_line", w.ReportingLine},
		{"listen_in", w.ListenIn},
	} {
		c.validateDivertName(d, "treatments.warn."+place.key, place.name)
	}
	within(d, "treatments.challenge.tries", t.Challenge.Tries, 1, 5)
	within(d, "treatments.challenge.within", t.Challenge.Within, Duration(2*time.Second), Duration(time.Minute))
	within(d, "treatments.challenge.remember", t.Challenge.Remember, 0, Duration(30*day))
}

// validateDivertName rejects a name that divert does not have; no name is right.
func (c *Config) validateDivertName(d *document, path, name string) {
	if _, ok := c.Divert[name]; name != "" && !ok {
		d.reject(path, "divert names no target %q (it names %s)", name, strings.Join(slices.Sorted(maps.Keys(c.Divert)), ", "))
	}
}
