package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// invites begins a called leg. It returns the INVITE and the phone that got it.
func (p *puppet) invites(to treatment.Destination) (*sip.Request, *far) {
	p.rig.t.Helper()
	p.do(func() {
		p.called = p.env.NewLeg(1)
		p.called.Invite(to, []byte(offerSDP))
	})
	invite := p.rig.request(sip.INVITE)
	return invite, p.rig.phone(invite)
}

func TestINVITEToPBX(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called(
			`P-Asserted-Identity: "M" <sip:+861012345678@192.0.2.1>, <tel:+861012345678>`, "X-Unknown: a, b", "y: eyJ.x",
			"User-Agent: SBC 1", "Privacy: id", "Supported: 100rel, replaces", "Min-SE: 100", "Diversion: <sip:1@a>", "Diversion: <sip:2@a>",
		)
		invite, _ := p.invites(treatment.Destination{Label: treatment.Label{Prefix: `[! "x"] `}})
		for name, want := range map[string]string{
			"route": "<sip:pbx.invalid;lr>", "max-forwards": "67", "x-unknown": "a, b", "identity": "eyJ.x", "user-agent": "SBC 1", "privacy": "id",
			"supported": supported, "diversion": "<sip:1@a>, <sip:2@a>", "record-route": "", "min-se": "", "session-expires": "1800",
			"to":                  "<sip:+862112345678@192.0.2.9>",
			"from":                `"[! \"x\"] Mallory" <sip:+861012345678@192.0.2.1>;tag=` + p.called.(*leg).tag,
			"p-asserted-identity": `"[! \"x\"] M" <sip:+861012345678@192.0.2.1>, <tel:+861012345678>`,
			"contact":             "<sip:" + p.called.(*leg).tag + "@agent.invalid>", "content-type": sdpType,
			"x-ringfence": "verdict=warn;ref=" + p.record.Reference,
		} {
			if got := values(invite, name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if uri := invite.Recipient.String(); uri != "sip:+862112345678@192.0.2.9;user=phone" || string(invite.Body()) != offerSDP {
			t.Errorf("INVITE %s:\n%s", uri, invite)
		}
		p.finish()
		r.response(503, sip.INVITE)
	})
}

// A name that lies is hidden: the label stands before the number.
func TestNameIsHidden(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called(`P-Asserted-Identity: "Police" <sip:+861012345678@192.0.2.1>`)
		invite, _ := p.invites(treatment.Destination{Label: treatment.Label{Prefix: "[!] ", HideName: true}})
		for name, want := range map[string]string{
			"from":                `"[!] +861012345678" <sip:+861012345678@192.0.2.1>;tag=` + p.called.(*leg).tag,
			"p-asserted-identity": `"[!] +861012345678" <sip:+861012345678@192.0.2.1>`,
		} {
			if got := values(invite, name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		p.finish()
		r.response(503, sip.INVITE)
	})
}

// Who calls is said to the person called as it was said to us.
func TestIdentityIsKept(t *testing.T) {
	for from, want := range map[string]string{
		"<sip:+861012345678@a>":                    "",
		"<tel:+861012345678;npdi;rn=+8610>":        "",
		"<sip:%2B8610;cpc=ordinary@a;user=phone>":  "",
		`"公安 \"局\"" <sips:a:b@[2001:db8::1]:5061>`: "",
		"sip:a@b":                             "<sip:a@b>",
		"Anonymous <sip:anonymous@x.invalid>": `"Anonymous" <sip:anonymous@x.invalid>`,
		`"" <sip:a@b>`:                        "<sip:a@b>",
	} {
		inRig(t, func(r *rig) {
			f := r.newCaller()
			text := strings.Replace(f.invite.String(), values(f.invite, "from"), from+";tag="+f.tag, 1)
			msg, err := newParser().ParseSIP([]byte(text))
			if err != nil {
				t.Fatalf("%s: %v", from, err)
			}
			f.invite = msg.(*sip.Request)
			p := f.calls()
			r.take()
			invite, _ := p.invites(treatment.Destination{})
			if want == "" {
				want = from
			}
			if got, _, _ := strings.Cut(values(invite, "from"), ";tag="); got != want {
				t.Errorf("From: %s, want %s", got, want)
			}
			p.finish()
		})
	}
}

func TestINVITEToDivertTarget(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		invite, phone := p.invites(treatment.Destination{Divert: "voicemail"})
		if route := values(invite, "route"); route != "<sip:voicemail@divert.invalid;lr>" || values(invite, "from")[:9] != `"Mallory"` {
			t.Errorf("INVITE:\n%s", invite)
		}
		phone.answers("a", 404, nil, "X-Ringfence: target=voicemail;attempts=1")
		r.request(sip.ACK)
		p.heard(treatment.Refused{Leg: 1, Status: 404, Target: "voicemail"})
		p.finish()
		r.response(503, sip.INVITE)
		if p.record.Outcome.Attempts != 1 {
			t.Errorf("outcome %+v", p.record.Outcome)
		}
	})
}

func TestPhoneAnswers(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		r.replies(phone.invite, 100, nil)
		for range 20 { // sipgo's own dialogs give up at the eleventh
			phone.answers("a", 180, nil, "X-Ringfence: target=main;attempts=1")
			p.heard(treatment.Progressed{Leg: 1, Status: 180, Target: "main"})
		}
		phone.answers("a", 183, []byte(answerSDP))
		p.heard(treatment.Progressed{Leg: 1, Status: 183, Description: []byte(answerSDP)})
		phone.answers("a", 200, []byte(answerSDP))
		ack := r.request(sip.ACK)
		if ack.Recipient.String() != "sip:a@192.0.2.2" || ack.CSeq().SeqNo != 1 {
			t.Errorf("ACK:\n%s", ack)
		}
		p.heard(treatment.Answered{Leg: 1, Description: []byte(answerSDP)})
		phone.answers("a", 200, []byte(answerSDP)) // again, because the ACK was lost
		if again := r.request(sip.ACK); again.Via().Value() != ack.Via().Value() {
			t.Error("another ACK")
		}
		phone.answers("b", 200, []byte(answerSDP)) // another telephone answers, too
		sent := r.expect("ACK", "BYE")
		if bye := sent[1].(*sip.Request); bye.Recipient.User != "b" || toTag(bye) != "b" {
			t.Errorf("BYE:\n%s", bye)
		}
		r.replies(sent[1].(*sip.Request), 200, nil)
		phone.answers("b", 200, []byte(answerSDP))
		r.request(sip.ACK)
		p.heard()
		a := phone.joined("a")
		a.asks(sip.BYE, nil)
		r.response(200, sip.BYE)
		p.heard(treatment.Ended{Leg: 1, How: treatment.HungUp})
		p.finish()
		r.response(503, sip.INVITE)
	})
}

func TestReliableProvisionalFromPhone(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		phone.answers("a", 183, []byte(answerSDP), "Require: 100rel", "RSeq: 77")
		prack := r.request(sip.PRACK)
		if values(prack, "rack") != "77 1 INVITE" || prack.CSeq().SeqNo != 2 || toTag(prack) != "a" {
			t.Errorf("PRACK:\n%s", prack)
		}
		r.replies(prack, 200, nil)
		p.heard(treatment.Progressed{Leg: 1, Status: 183, Description: []byte(answerSDP)})
		phone.answers("a", 183, []byte(answerSDP), "Require: 100rel", "RSeq: 77") // sent again
		phone.answers("a", 180, nil, "Require: 100rel", "RSeq: 79")               // overtook 78
		r.expect()
		p.heard()
		phone.answers("b", 183, nil, "Require: 100rel", "RSeq: 1") // another branch counts for itself
		r.replies(r.request(sip.PRACK), 200, nil)
		phone.answers("a", 200, nil) // the answer came already
		r.request(sip.ACK)
		p.heard(treatment.Progressed{Leg: 1, Status: 183}, treatment.Answered{Leg: 1, Description: []byte(answerSDP)})
		p.finish()
		r.replies(r.expect("503 INVITE", "BYE")[1].(*sip.Request), 200, nil)
	})
}

// No more early dialogs than there is room for are followed.
func TestEarlyDialogsAreBounded(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		for i := range 2 * maxEarly {
			phone.answers(fmt.Sprint("branch", i), 180, nil)
		}
		if n := len(p.called.(*leg).outgoing.early); n != maxEarly {
			t.Errorf("%d early dialogs", n)
		}
		p.finish()
		r.expect("503 INVITE", "CANCEL")
		phone.answers("x", 487, nil)
		r.request(sip.ACK)
	})
}

func TestPhoneRefuses(t *testing.T) {
	tests := []struct {
		status  int
		lines   []string
		headers []treatment.Header
	}{
		{486, []string{"Reason: Q.850;cause=17", "Server: PBX"}, []treatment.Header{{Name: "Reason", Value: "Q.850;cause=17"}}},
		{407, []string{`Proxy-Authenticate: Digest realm="x"`}, []treatment.Header{{Name: "Proxy-Authenticate", Value: `Digest realm="x"`}}},
		{302, nil, nil}, // its Contact is not passed on
		{422, nil, nil}, // without a Min-SE
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			inRig(t, func(r *rig) {
				_, p := r.called()
				_, phone := p.invites(treatment.Destination{})
				phone.answers("a", tt.status, nil, tt.lines...)
				ack := r.request(sip.ACK)
				if ack.Via().Value() != phone.invite.Via().Value() || toTag(ack) != "a" || values(ack, "route") == "" {
					t.Errorf("ACK:\n%s", ack)
				}
				phone.answers("a", tt.status, nil, tt.lines...) // again, because the ACK was lost
				r.request(sip.ACK)
				p.heard(treatment.Refused{Leg: 1, Status: tt.status, Headers: tt.headers})
				p.finish()
				r.response(503, sip.INVITE)
			})
		})
	}
}

func TestLongerSessionInterval(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		first, phone := p.invites(treatment.Destination{})
		phone.answers("a", 422, nil, "Min-SE: 3600")
		sent := r.expect("ACK", "INVITE")
		again := sent[1].(*sip.Request)
		if again.CSeq().SeqNo != 2 || again.CallID().Value() != first.CallID().Value() || values(again, "session-expires") != "3600" || values(again, "min-se") != "3600" {
			t.Errorf("INVITE:\n%s", again)
		}
		p.heard()
		r.phone(again).answers("a", 422, nil, "Min-SE: 3600") // it does not know what it wants
		r.request(sip.ACK)
		p.heard(treatment.Refused{Leg: 1, Status: 422})
		p.finish()
		r.response(503, sip.INVITE)
	})
}

func TestNobodyAnswersINVITE(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.invites(treatment.Destination{})
		time.Sleep(33 * time.Second)
		for _, msg := range r.take() { // at 0.5, 1.5, … 31.5 s
			if word(msg) != "INVITE" {
				t.Errorf("sent %s", word(msg))
			}
		}
		p.heard(treatment.Refused{Leg: 1, Status: 408})
		p.finish()
		r.response(503, sip.INVITE)
	})
}

// A CANCEL waits for a provisional response (RFC 3261 §9.1).
func TestCancelWaits(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		p.do(func() { p.called.End("SIP;cause=487") })
		r.expect()
		r.replies(phone.invite, 100, nil)
		cancel := r.request(sip.CANCEL)
		if cancel.Via().Value() != phone.invite.Via().Value() || cancel.CSeq().SeqNo != 1 || values(cancel, "reason") != "SIP;cause=487" || values(cancel, "route") != values(phone.invite, "route") {
			t.Errorf("CANCEL:\n%s", cancel)
		}
		r.replies(cancel, 200, nil)
		phone.answers("a", 487, nil)
		r.request(sip.ACK)
		p.heard()
		p.finish()
		r.response(503, sip.INVITE)
	})
}

// An answer that crosses the CANCEL is acknowledged, and hung up on.
func TestCancelCrossesAnswer(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		phone.answers("a", 180, nil)
		p.heard(treatment.Progressed{Leg: 1, Status: 180})
		p.do(func() { p.called.End("") })
		r.replies(r.request(sip.CANCEL), 200, nil)
		phone.answers("a", 200, []byte(answerSDP))
		bye := r.expect("ACK", "BYE")[1].(*sip.Request)
		phone.answers("a", 200, []byte(answerSDP))
		r.request(sip.ACK)
		r.replies(bye, 200, nil)
		p.heard()
		p.finish()
		r.response(503, sip.INVITE)
	})
}

// A UAS that does not answer the INVITE after a CANCEL is not waited for longer than 64*T1.
func TestNothingAfterCancel(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		_, phone := p.invites(treatment.Destination{})
		phone.answers("a", 180, nil)
		p.finish()
		r.replies(r.expect("503 INVITE", "CANCEL")[1].(*sip.Request), 200, nil)
		time.Sleep(31 * time.Second)
		if s := r.agent.Stats(); s.Calls != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := r.agent.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}
