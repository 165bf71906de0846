package screening

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestAction(t *testing.T) {
	declined := call.Refuse{Class: call.RefusalDeclined}
	rejected := call.Refuse{Class: call.RefusalRejected}
	for text, want := range map[string]call.Treatment{
		"allow":                             call.Allow{},
		"label":                             call.Label{Prefix: "p"},
		"warn":                              call.Warn{Prefix: "p"},
		"warn audio-only":                   call.Warn{Prefix: "p", AudioOnly: true},
		"warn unlabelled":                   call.Warn{},
		"label nameless":                    call.Label{Prefix: "p", HideName: true},
		"warn audio-only nameless":          call.Warn{Prefix: "p", HideName: true, AudioOnly: true},
		"warn audio-only unlabelled":        call.Warn{AudioOnly: true},
		"announce":                          call.Announce{},
		"announce refuse":                   call.Announce{Refuse: &rejected},
		"announce refuse declined":          call.Announce{Refuse: &declined},
		"challenge":                         call.Challenge{Digits: 1, Refuse: rejected},
		"challenge 1":                       call.Challenge{Digits: 1, Refuse: rejected},
		"challenge 2":                       call.Challenge{Digits: 2, Refuse: rejected},
		"challenge else refuse":             call.Challenge{Digits: 1, Refuse: rejected},
		"challenge 2 else refuse declined":  call.Challenge{Digits: 2, Refuse: declined},
		"challenge 1 else divert voicemail": call.Challenge{Digits: 1, Divert: &call.Divert{Target: "voicemail"}},
		"refuse":                            rejected,
		"refuse declined":                   declined,
		"refuse unwanted":                   call.Refuse{Class: call.RefusalUnwanted},
		"divert voicemail":                  call.Divert{Target: "voicemail"},
		"off":                               nil,
	} {
		var a, again Action
		if err := a.UnmarshalText([]byte(text)); err != nil || !reflect.DeepEqual(a.treatment("p"), want) {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
			t.Errorf("%q is written %q and reads back as %+v, %v", text, a, again, err)
		}
	}
}

func TestActionErrors(t *testing.T) {
	for _, text := range []string{
		"", " ", "Allow", "allow all", "off label", "refuse 603", "refuse  declined", "divert", "divert Voice Mail",
		"warn loudly", "warn unlabelled audio-only", "warn ", "announce divert voicemail", "announce refuse 603",
		"challenge 0", "challenge 3", "challenge 1 2", "challenge else", "challenge else allow", "challenge divert voicemail",
		"challenge else divert", "challenge 2 else divert Voice", "take-report",
	} {
		var a Action
		if err := a.UnmarshalText([]byte(text)); err == nil || !a.IsZero() {
			t.Errorf("%q reads as %+v", text, a)
		} else if !strings.Contains(err.Error(), "challenge else divert TARGET") {
			t.Errorf("%q: %v does not say what can be written", text, err)
		}
	}
}

// Whatever an action is written as, it reads back as the same action, and does the same to a call.
func TestActionRoundTrips(t *testing.T) {
	vocabulary := []string{
		wordAllow, wordLabel, wordWarn, wordAnnounce, wordChallenge, wordRefuse, wordDivert, wordOff, wordAudioOnly, wordUnlabelled,
		wordElse, "1", "2", "declined", "voicemail", "",
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, 5).Draw(rt, "words"), " ")
		var a, again Action
		if a.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a || !reflect.DeepEqual(again.treatment("p"), a.treatment("p")) {
			rt.Fatalf("%q is written %q and reads back as %+v, %v", text, a, again, err)
		}
	})
}

// A treatment of a site's file must survive the record it is kept in.
func TestActionsCanBeRecorded(t *testing.T) {
	for _, text := range []string{"warn audio-only", "announce", "announce refuse declined", "challenge 2", "challenge else divert voicemail"} {
		var a Action
		if err := a.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		v := call.Verdict{Treatment: a.treatment("[!] "), Rule: "r", Reason: "r"}
		data, err := v.MarshalJSON()
		var again call.Verdict
		if err == nil {
			err = again.UnmarshalJSON(data)
		}
		if err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%s: %s reads back as %+v, %v", text, data, again, err)
		}
	}
}
