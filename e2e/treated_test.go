//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/standin"
)

// suspect is a mobile number of the country over a foreign trunk: the person called is warned.
const suspect = "+8613700137000"

// The tones that the two telephones speak.
const (
	callerTone = 697.0
	calledTone = 1336.0
)

// Telephones that talk have done so for long enough to be checked after this.
const talk = 3 * time.Second

// treated is a call of the suspect from telephone to telephone, which the gateway treats.
type treated struct {
	gateway        *gateway
	caller, called telephone
}

// startTreated starts the gateway and both telephones; the suspect has dialled when it returns.
func startTreated(t *testing.T, change func(*gateway)) treated {
	t.Helper()
	c := treated{called: startTelephone(t, pbxIP, called, sine(calledTone, time.Minute))}
	c.gateway = prepare(t, "", c.called.addr)
	change(c.gateway)
	c.gateway.configure(t)
	c.gateway.serve(t)
	c.caller = startTelephone(t, intlIP, suspect, sine(callerTone, time.Minute), fmt.Sprintf("/dial sip:%s@%s", called, c.gateway.Addr))
	return c
}

// record ends both telephones and is what the call log says.
func (c treated) record(t *testing.T) call.Record {
	t.Helper()
	c.caller.stop(t)
	c.called.stop(t)
	r := c.gateway.records(t, 1)[0]
	if r.Treated == nil {
		t.Fatalf("recorded as not treated: %+v", r.Verdict)
	}
	return r
}

// duration is how long a sound takes.
func duration(sound []int16) time.Duration { return time.Duration(len(sound)) * time.Second / rate }

// checkHeard checks that a telephone heard a sound, and returns where it ended in the recording. The
// pause at its end may still be in the telephone's jitter buffer when it hangs up.
func checkHeard(t *testing.T, p telephone, what string, sound []int16) (end int) {
	t.Helper()
	sound = sound[:len(sound)-rate/5]
	score, at := correlation(p.heard(t), sound)
	t.Logf("%s heard %s after %s: correlation %.3f", p.name, what, time.Duration(at)*time.Second/rate, score)
	if score <= 0.9 {
		t.Errorf("%s did not hear %s: correlation %.3f, want more than 0.9", p.name, what, score)
	}
	return at + len(sound)
}

// checkEnd checks that the last second that a telephone heard is a tone.
func checkEnd(t *testing.T, p telephone, hertz float64) {
	t.Helper()
	heard := p.heard(t)
	last := heard[max(0, len(heard)-rate):]
	if share := toneShare(last, hertz); share < 0.8 {
		t.Errorf("at the end %s heard %.2f of %v Hz", p.name, share, hertz)
	}
}

// The person called hears the warning and the menu before the caller can speak, and takes the call.
func TestWarnAndTake(t *testing.T) {
	c := startTreated(t, func(*gateway) {})
	warning, menu := prompt(t, "zh", "unverified-international"), slices.Concat(prompt(t, "zh", "menu-take"), prompt(t, "zh", "menu-report"))
	c.called.says(t, 10*time.Second, "Call established")
	time.Sleep(duration(warning) + duration(menu) + 500*time.Millisecond)
	if strings.Contains(c.caller.text(), "Call established") {
		t.Error("the caller was answered, and billed, before the person called took the call")
	}
	c.called.press(t, "1")
	c.caller.says(t, 5*time.Second, "Call established")
	time.Sleep(talk)
	r := c.record(t)
	if menuEnd := checkHeard(t, c.called, "the menu", menu); menuEnd < checkHeard(t, c.called, "the warning", warning) {
		t.Error("the menu came before the warning")
	}
	checkEnd(t, c.called, callerTone)
	checkEnd(t, c.caller, calledTone)
	if tr := r.Treated; r.Outcome.Status != 200 || tr.Choice != call.ChoiceTaken || tr.CalledKeys != "1" ||
		tr.Announcement != "unverified-international" || tr.Language != "zh" || tr.Connected < talk/2 || tr.HungUp != "caller" {
		t.Errorf("recorded as %+v, %+v", r.Outcome, tr)
	}
}

// She refuses and reports the caller, who is on the shared list at once; she is thanked, in the language of her
// number.
func TestWarnAndReport(t *testing.T) {
	c := startTreated(t, func(g *gateway) { g.Treatments = "{languages: [{called: +8621555000*, language: en}]}" })
	warning, thanks := prompt(t, "en", "unverified-international"), prompt(t, "en", "reported-thanks")
	c.called.says(t, 10*time.Second, "Call established")
	time.Sleep(duration(warning) + 500*time.Millisecond)
	c.called.press(t, "9")
	c.caller.says(t, 5*time.Second, "session closed: 607")
	if strings.Contains(c.called.text(), "terminated") {
		t.Error("her call ended before she was thanked")
	}
	c.called.says(t, duration(thanks)+5*time.Second, "terminated")
	r := c.record(t)
	if end := checkHeard(t, c.called, "the thanks", thanks); end < checkHeard(t, c.called, "the warning", warning) {
		t.Error("the thanks came before the warning")
	}
	if r.Outcome.Status != 607 || r.Treated.Choice != call.ChoiceReported || r.Treated.CalledKeys != "9" {
		t.Errorf("recorded as %+v, %+v", r.Outcome, r.Treated)
	}
	if listed := ringfence(t, "list", "show", suspect, "--config", c.gateway.config); !strings.Contains(listed, "report") {
		t.Errorf("the lists say of the caller: %q", listed)
	}
}

// A telephone behind the PBX dials the code that reports its last caller, and hears that it was done.
func TestReportByCode(t *testing.T) {
	phone := startTelephone(t, pbxIP, called, sine(calledTone, time.Minute))
	g := prepare(t, "", phone.addr).serve(t)
	const from = "13800138000"
	if result := place(t, startTrunk(t, g, carrierIP, "udp"), standin.Call{From: from, To: called, Hold: time.Second}); result.Status != 200 {
		t.Fatalf("the call to be reported: %+v", result)
	}
	g.records(t, 1)
	phone.command(t, "dial", fmt.Sprintf("sip:*96110@%s", g.Addr))
	thanks := prompt(t, "zh", "reported-thanks")
	eventually(t, duration(thanks)+10*time.Second, "both calls are over", func() bool { return strings.Count(phone.text(), "terminated") == 2 })
	phone.stop(t)
	checkHeard(t, phone, "the thanks", thanks)
	for _, r := range g.records(t, 2) {
		if r.Treated != nil && (r.Treated.Choice != call.ChoiceReported || r.Treated.Reported == "") {
			t.Errorf("recorded as %+v, %+v", r.Outcome, r.Treated)
		}
	}
	if listed := ringfence(t, "list", "show", "+86"+from, "--config", g.config); !strings.Contains(listed, "report") {
		t.Errorf("the lists say of the caller: %q", listed)
	}
}

// She sends the caller to the voicemail, which the caller hears.
func TestWarnAndVoicemail(t *testing.T) {
	greeting := prompt(t, "en", "reported-thanks") // as good a greeting as any
	mail := startTelephone(t, mailIP, "voicemail", slices.Concat(greeting, make([]int16, 60*rate)))
	c := startTreated(t, func(g *gateway) { g.Divert, g.Treatments = mail.addr, "{warn: {voicemail: voicemail}}" })
	c.called.says(t, 10*time.Second, "Call established")
	time.Sleep(2 * time.Second)
	c.called.press(t, "2")
	c.called.says(t, 5*time.Second, "terminated")
	mail.says(t, 10*time.Second, "Call established")
	c.caller.says(t, 5*time.Second, "Call established")
	time.Sleep(duration(greeting) + time.Second)
	r := c.record(t)
	mail.stop(t)
	checkHeard(t, c.caller, "the greeting", greeting)
	checkEnd(t, mail, callerTone)
	if r.Outcome.Status != 200 || r.Treated.Choice != call.ChoiceVoicemail {
		t.Errorf("recorded as %+v, %+v", r.Outcome, r.Treated)
	}
}

// The caller hears, before any answer, why she is refused and the reference to object with.
func TestAnnounceAndRefuse(t *testing.T) {
	c := startTreated(t, func(g *gateway) { g.Override = "cn-mobile-from-abroad: {international: announce refuse}" })
	c.caller.says(t, 40*time.Second, "session closed: 608")
	if text := c.caller.text(); strings.Contains(text, "Call established") || !strings.Contains(text, "183") {
		t.Error("the announcement was no early media")
	}
	r := c.record(t)
	sound := prompt(t, "zh", "refused-caller")
	for _, digit := range r.Reference {
		sound = append(sound, prompt(t, "zh", "digit-"+string(digit))...)
	}
	checkHeard(t, c.caller, "why she is refused and the reference "+r.Reference, sound)
	if r.Outcome.Status != 608 || r.Treated.Announcement != "refused-caller" || r.Treated.Heard < duration(sound) {
		t.Errorf("recorded as %+v, %+v", r.Outcome, r.Treated)
	}
	if strings.Contains(c.called.text(), "INVITE") || strings.Contains(c.called.text(), "incoming") {
		t.Error("her telephone rang")
	}
}

// The caller is asked for a digit, presses it, and is connected.
func TestChallenge(t *testing.T) {
	c := startTreated(t, func(g *gateway) { g.Override = "cn-mobile-from-abroad: {international: challenge}" })
	question := prompt(t, "zh", "caller-challenge")
	c.caller.says(t, 10*time.Second, "incoming rtp")
	time.Sleep(duration(question) + 2*time.Second)
	end := checkHeard(t, c.caller, "the question", question)
	c.caller.press(t, digitAt(t, c.caller.heard(t)[end:]))
	c.called.says(t, 5*time.Second, "Call established")
	c.caller.says(t, 5*time.Second, "Call established")
	time.Sleep(talk)
	r := c.record(t)
	checkEnd(t, c.called, callerTone)
	checkEnd(t, c.caller, calledTone)
	if r.Outcome.Status != 200 || r.Treated.Choice != call.ChoicePassed || len(r.Treated.CallerKeys) != 1 {
		t.Errorf("recorded as %+v, %+v", r.Outcome, r.Treated)
	}
}

// digitAt is the digit that is read out at the beginning of a recording.
func digitAt(t *testing.T, recording []int16) string {
	t.Helper()
	digit, best := "", 0.0
	for d := '0'; d <= '9'; d++ {
		sound := prompt(t, "zh", "digit-"+string(d))
		score, _ := correlation(recording[:min(len(recording), len(sound)+rate/2)], sound)
		if score > best {
			digit, best = string(d), score
		}
	}
	if best <= 0.9 {
		t.Fatalf("no digit is read out: the nearest is %s, with a correlation of %.3f", digit, best)
	}
	return digit
}
