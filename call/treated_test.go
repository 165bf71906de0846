package call_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// agentTreatments are those that the agent path carries out.
func agentTreatments() *rapid.Generator[call.Treatment] {
	return rapid.Custom(func(t *rapid.T) call.Treatment {
		refuse := call.Refuse{Class: rapid.SampledFrom([]call.Refusal{call.RefusalDeclined, call.RefusalUnwanted, call.RefusalRejected}).Draw(t, "class")}
		switch rapid.IntRange(0, 5).Draw(t, "treatment") {
		case 0:
			return call.Warn{Prefix: rapid.String().Draw(t, "prefix"), AudioOnly: rapid.Bool().Draw(t, "audio only")}
		case 1:
			return call.Announce{}
		case 2:
			return call.Announce{Refuse: &refuse}
		case 3:
			return call.Challenge{Digits: rapid.IntRange(1, 2).Draw(t, "digits"), Refuse: refuse}
		case 4:
			return call.Challenge{Digits: 1, Divert: &call.Divert{Target: rapid.String().Draw(t, "target")}}
		default:
			return call.TakeReport{}
		}
	})
}

func TestTreatmentJSON(t *testing.T) {
	declined := call.Refuse{Class: call.RefusalDeclined}
	for want, treatment := range map[string]call.Treatment{
		`"treatment":"warn","rule"`:                                                     call.Warn{},
		`"treatment":"warn","detail":{"prefix":"[!] ","audio_only":true}`:               call.Warn{Prefix: "[!] ", AudioOnly: true},
		`"treatment":"announce","rule"`:                                                 call.Announce{},
		`"treatment":"announce","detail":{"refuse":{"class":"declined"}}`:               call.Announce{Refuse: &declined},
		`"treatment":"challenge","detail":{"digits":2,"refuse":{"class":"rejected"}}`:   call.Challenge{Digits: 2, Refuse: call.Refuse{Class: call.RefusalRejected}},
		`"treatment":"challenge","detail":{"digits":1,"divert":{"target":"voicemail"}}`: call.Challenge{Digits: 1, Divert: &call.Divert{Target: "voicemail"}},
		`"treatment":"take-report","rule"`:                                              call.TakeReport{},
	} {
		v := call.Verdict{Treatment: treatment, Rule: "r", Reason: "r"}
		data, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%+v is written %s, %v; want %s in it", treatment, data, err, want)
		}
		var again call.Verdict
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%s reads back as %+v, %v", data, again, err)
		}
	}
	for _, text := range []string{
		`{"treatment":"warn","detail":{"audio_only":"yes"}}`, `{"treatment":"announce","detail":{"refuse":{"class":"angry"}}}`,
		`{"treatment":"challenge","detail":{"digits":"two"}}`, `{"treatment":"challenge","detail":[]}`,
	} {
		var v call.Verdict
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s reads as %+v", text, v)
		}
	}
}

func TestTreatedRoundTrips(t *testing.T) {
	durations := rapid.Map(rapid.Int64Range(0, int64(time.Hour)), func(n int64) time.Duration { return time.Duration(n) })
	choices := rapid.SampledFrom([]call.Choice{
		call.ChoiceNone, call.ChoiceTaken, call.ChoiceVoicemail, call.ChoiceReported, call.ChoiceReportingLine,
		call.ChoiceListenedIn, call.ChoicePassed, call.ChoiceRemembered, call.ChoiceFailed,
	})
	keys := rapid.StringMatching(`[0-9*#A-D]{0,32}`)
	rapid.Check(t, func(rt *rapid.T) {
		r := call.Record{Reference: "1", Verdict: call.Verdict{Treatment: agentTreatments().Draw(rt, "treatment"), Rule: "r", Reason: "r"}}
		if rapid.Bool().Draw(rt, "treated") {
			r.Treated = &call.Treated{
				Announcement: rapid.String().Draw(rt, "announcement"), Language: rapid.SampledFrom([]string{"", "zh", "en"}).Draw(rt, "language"),
				Heard: durations.Draw(rt, "heard"), Connected: durations.Draw(rt, "connected"), Choice: choices.Draw(rt, "choice"),
				CalledKeys: keys.Draw(rt, "called keys"), CallerKeys: keys.Draw(rt, "caller keys"),
				HungUp: rapid.SampledFrom([]string{"", "caller", "called", "gateway"}).Draw(rt, "hung up"),
			}
		}
		data, err := json.Marshal(r)
		if err != nil {
			rt.Fatal(err)
		}
		if r.Treated == nil && strings.Contains(string(data), "treated") {
			rt.Fatalf("a call of the proxy path is written with a treatment: %s", data)
		}
		var again call.Record
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, r) {
			rt.Fatalf("%s reads back as %+v, %v", data, again, err)
		}
	})
}
