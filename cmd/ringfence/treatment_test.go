package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/audit"
	"ringfence/call"
)

func TestTreatmentText(t *testing.T) {
	declined := call.Refuse{Class: call.RefusalDeclined}
	for want, treatment := range map[string]call.Treatment{
		"allow":                       call.Allow{},
		"label [!]":                   call.Label{Prefix: "[!] "},
		"warn":                        call.Warn{},
		"warn, audio only, label [!]": call.Warn{AudioOnly: true, Prefix: "[!] "},
		"announce":                    call.Announce{},
		"announce, then refuse declined (SIP 603)":                 call.Announce{Refuse: &declined},
		"challenge with digits: 2, else refuse declined (SIP 603)": call.Challenge{Digits: 2, Refuse: declined},
		"challenge with digits: 1, else divert voicemail":          call.Challenge{Digits: 1, Divert: &call.Divert{Target: "voicemail"}},
		"take-report": call.TakeReport{},
	} {
		if got := treatmentText(treatment); got != want {
			t.Errorf("%+v is %q, want %q", treatment, got, want)
		}
	}
}

func TestChoicesHaveWords(t *testing.T) {
	for _, choice := range []call.Choice{
		call.ChoiceTaken, call.ChoiceVoicemail, call.ChoiceReported, call.ChoiceReportingLine, call.ChoiceListenedIn,
		call.ChoicePassed, call.ChoiceRemembered, call.ChoiceFailed,
	} {
		if text := choiceText(choice); !strings.Contains(text, " ") {
			t.Errorf("%s is told as %q", choice, text)
		}
	}
	if choiceText(call.ChoiceNone) != "" || choiceText("of-tomorrow") != "of-tomorrow" {
		t.Error("no choice has no words, and one that is not known stands as it is")
	}
}

// warnedLog is a call log with a warned call that was taken.
func warnedLog(t *testing.T) (path string, reference string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.db")
	l, err := audit.Open(audit.Options{Path: path, Retention: audit.KeepForever, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	caller := callsNumber(t, "+8613800138000")
	l.Append(&call.Record{
		Reference: call.Reference(7),
		Facts: call.Facts{
			Time: callsStart, CallID: "warned", Trunk: "itsp", Class: call.ClassVoIP,
			Caller: call.Party{Text: "+8613800138000", Number: caller, Form: call.FormPlus},
			Called: call.Party{Text: "8001", Form: call.FormShort},
		},
		Verdict: call.Verdict{Treatment: call.Warn{Prefix: "[!] "}, Rule: "watch-list", Reason: call.ReasonWatchListed},
		Outcome: call.Outcome{Status: 200, By: call.EndedByCalled, Elapsed: 9 * time.Second},
		Treated: &call.Treated{
			Announcement: "officials", Language: "zh", Heard: 4520 * time.Millisecond, CalledKeys: "51", Choice: call.ChoiceTaken,
			Connected: 83 * time.Second, HungUp: "caller",
		},
	})
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return path, call.Reference(7)
}

func TestCallsTellWhatCameOfATreatment(t *testing.T) {
	path, reference := warnedLog(t)
	out, _, err := runCalls(path, "list")
	if err != nil || !strings.Contains(out, "\twarn\twatch-list\twatch-listed\t200\t"+reference+"\ttaken\n") {
		t.Errorf("list: %v\n%s", err, out)
	}
	told := []string{
		"decision     warn, label [!]\n", "announcement officials (zh)\n", "heard        4.5s of it\n", "called keys  51\n",
		"choice       the person called took the call\n", "connected    for 83s; caller hung up\n",
	}
	out, _, err = runCalls(path, "show", reference)
	for _, want := range told {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("show: %v: %q is not in\n%s", err, want, out)
		}
	}
	out, _, err = runCalls(path, "show", "--mask", reference)
	if err != nil || !strings.Contains(out, "called keys  (masked)\n") {
		t.Errorf("show --mask: %v\n%s", err, out)
	}
	if _, _, err := runCalls(path, "erase", "+8613800138000", "--author", "wang", "--reason", "asked", "--yes"); err != nil {
		t.Fatal(err)
	}
	out, _, err = runCalls(path, "show", reference)
	for want, present := range map[string]bool{
		"announcement officials (zh)\n": true, told[4]: true, "connected    for 83s\n": true, "heard": false, "keys": false,
	} {
		if err != nil || strings.Contains(out, want) != present {
			t.Errorf("show of an erased call: %v: %q stands there: %t\n%s", err, want, !present, out)
		}
	}
}
