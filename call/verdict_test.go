package call_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func TestValidReason(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "cn-fixed-from-abroad": true, "400": true, strings.Repeat("a", call.MaxReason): true,
		"": false, "-a": false, "a-": false, "A": false, "a b": false, "a_b": false, "网": false,
		strings.Repeat("a", call.MaxReason+1): false,
	} {
		if got := call.ValidReason(text); got != want {
			t.Errorf("ValidReason(%q) = %t", text, got)
		}
	}
}

func TestRefusalStatus(t *testing.T) {
	for class, want := range map[call.Refusal]int{call.RefusalDeclined: 603, call.RefusalUnwanted: 607, call.RefusalRejected: 608} {
		if got := class.Status(); got != want {
			t.Errorf("%s is %d, want %d", class, got, want)
		}
	}
}

func TestVerdictJSON(t *testing.T) {
	number, _ := call.Global("861012")
	for _, c := range []struct {
		v    call.Verdict
		want string
	}{
		{
			call.Verdict{Treatment: call.Allow{}, Rule: "clean", Reason: call.ReasonClean},
			`{"treatment":"allow","rule":"clean","reason":"clean","rules":"","lists":""}`,
		},
		{
			call.Verdict{
				Treatment: call.Refuse{Class: call.RefusalUnwanted}, Rule: "block-list", Reason: call.ReasonBlockListed, Score: 9,
				Match: call.Match{List: call.ListBlock, Pattern: call.Pattern{Number: number, Range: true}, Source: call.SourceReport},
				Rules: "r", Lists: "l",
			},
			`{"treatment":"refuse","detail":{"class":"unwanted"},"rule":"block-list","reason":"block-listed","score":9,` +
				`"match":{"list":"block","pattern":"+861012*","source":"report"},"rules":"r","lists":"l"}`,
		},
	} {
		data, err := json.Marshal(c.v)
		if err != nil || string(data) != c.want {
			t.Errorf("%s, %v\nwant %s", data, err, c.want)
		}
	}
}

func TestVerdictRoundTrips(t *testing.T) {
	treatments := rapid.OneOf(
		rapid.Just[call.Treatment](call.Allow{}),
		rapid.Map(rapid.String(), func(s string) call.Treatment { return call.Label{Prefix: s} }),
		rapid.Map(rapid.SampledFrom([]call.Refusal{call.RefusalDeclined, call.RefusalUnwanted, call.RefusalRejected}),
			func(r call.Refusal) call.Treatment { return call.Refuse{Class: r} }),
		rapid.Map(rapid.String(), func(s string) call.Treatment { return call.Divert{Target: s} }),
		agentTreatments(),
	)
	matches := rapid.Custom(func(t *rapid.T) call.Match {
		if rapid.Bool().Draw(t, "none") {
			return call.Match{}
		}
		return call.Match{
			List:    rapid.SampledFrom([]call.List{call.ListAllow, call.ListBlock, call.ListWatch}).Draw(t, "list"),
			Pattern: call.Pattern{Number: numbers().Draw(t, "number"), Range: rapid.Bool().Draw(t, "range")},
			Source:  rapid.SampledFrom([]call.Source{call.SourceStaff, call.SourceReport, call.SourceFeed}).Draw(t, "source"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		v := call.Verdict{
			Treatment: treatments.Draw(t, "treatment"), Rule: rapid.String().Draw(t, "rule"),
			Reason: call.ReasonClean, Category: call.CategoryLoan, Score: rapid.IntRange(0, 100).Draw(t, "score"),
			Match: matches.Draw(t, "match"), Rules: "r", Lists: "l",
		}
		if rapid.Bool().Draw(t, "failed") {
			v.Failures = []call.Failure{{Check: "c", Error: rapid.String().Draw(t, "error")}}
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again call.Verdict
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, v) {
			t.Fatalf("%s\nreads back as %+v, %v", data, again, err)
		}
	})
}

func TestVerdictJSONErrors(t *testing.T) {
	if _, err := json.Marshal(call.Verdict{Rule: "x"}); err == nil {
		t.Error("a verdict without a treatment is written")
	}
	for _, text := range []string{
		`{}`, `{"treatment":"whisper"}`, `{"treatment":"refuse","detail":{"class":"angry"}}`, `{"treatment":"label","detail":[]}`, `[]`,
		`{"treatment":"allow","match":{"list":"grey"}}`, `{"treatment":"allow","match":{"pattern":"x"}}`,
	} {
		var v call.Verdict
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s reads as %+v", text, v)
		}
	}
}
