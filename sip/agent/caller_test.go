package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// A call is answered, the 200 is sent again until the ACK comes, and the caller hangs up.
func TestCallerIsAnswered(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		if string(p.offer) != offerSDP {
			t.Errorf("offer %q", p.offer)
		}
		p.do(func() { p.caller.Progress(180, nil) })
		ringing := r.response(180, sip.INVITE)
		p.do(func() { p.caller.Accept([]byte(answerSDP)) })
		ok := r.response(200, sip.INVITE)
		if string(ok.Body()) != answerSDP || toTag(ok) != toTag(ringing) || ok.Contact().Address.Host != "agent.invalid" ||
			len(ok.GetHeaders("record-route")) != 1 {
			t.Errorf("200:\n%s", ok)
		}
		time.Sleep(1500 * time.Millisecond)
		r.expect("200 INVITE", "200 INVITE")
		f.acks(ok, nil)
		time.Sleep(time.Minute)
		r.expect()
		f.asks(sip.BYE, nil, "Reason: Q.850;cause=16")
		r.response(200, sip.BYE)
		p.heard(treatment.Ended{Leg: treatment.CallerLeg, How: treatment.HungUp, Reason: "Q.850;cause=16"})
		p.finish()
	})
}

// Without an ACK the call is over after 64*T1, with a BYE (RFC 3261 §13.3.1.4).
func TestACKNeverComes(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.do(func() { p.caller.Accept([]byte(answerSDP)) })
		r.response(200, sip.INVITE)
		time.Sleep(31 * time.Second)
		if n := len(r.take()); n != 9 { // at 0.5, 1.5, 3.5, 7.5, 11.5, … 27.5 s
			t.Errorf("200 was sent again %d times", n)
		}
		time.Sleep(1100 * time.Millisecond)
		bye := r.take()
		if len(bye) == 0 || word(bye[len(bye)-1]) != "BYE" {
			t.Fatalf("no BYE but %v", bye)
		}
		p.heard(treatment.Ended{Leg: treatment.CallerLeg, How: treatment.Lost})
		r.replies(bye[len(bye)-1].(*sip.Request), 200, nil)
		p.finish()
	})
}

// The treatment ends a call before the ACK came: the BYE waits for it (RFC 3261 §15).
func TestBYEWaitsForACK(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Accept([]byte(answerSDP)) })
		ok := r.response(200, sip.INVITE)
		p.do(func() { p.caller.End("SIP;cause=200") })
		r.expect()
		f.acks(ok, nil)
		bye := r.request(sip.BYE)
		if values(bye, "reason") != "SIP;cause=200" || bye.Recipient.Host != "192.0.2.1" || bye.Recipient.Port != 5070 || len(bye.GetHeaders("route")) != 1 {
			t.Errorf("BYE:\n%s", bye)
		}
		r.replies(bye, 200, nil)
		p.finish()
		p.heard()
	})
}

func TestCallerCancels(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Progress(180, nil) })
		ringing := r.response(180, sip.INVITE)
		f.cancel()
		sent := r.expect("200 CANCEL", "487 INVITE")
		for _, msg := range sent {
			if toTag(msg) != toTag(ringing) {
				t.Errorf("another To tag:\n%s", msg)
			}
		}
		p.heard(treatment.Ended{Leg: treatment.CallerLeg, How: treatment.Cancelled, Reason: "SIP;cause=487"})
		// A response that crosses the CANCEL is not sent, nor takes it the place of the 487 that is sent again.
		p.do(func() { p.caller.Accept([]byte(answerSDP)); p.caller.Progress(180, nil) })
		time.Sleep(600 * time.Millisecond)
		f.acksRefusal(r.response(487, sip.INVITE))
		f.cancel() // sent again
		r.response(200, sip.CANCEL)
		p.finish()
		time.Sleep(time.Minute)
		f.cancel()
		r.response(481, sip.CANCEL)
	})
}

func TestCancelAfterAnswerHasNoEffect(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Accept([]byte(answerSDP)) })
		ok := r.response(200, sip.INVITE)
		f.cancel()
		r.response(200, sip.CANCEL)
		p.heard()
		f.acks(ok, nil)
		p.do(func() { p.end(200) })
		r.replies(r.request(sip.BYE), 200, nil)
	})
}

func TestRefusals(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Refuse(608, []treatment.Header{{Name: "Reason", Value: `SIP;cause=608;text="x"`}}) })
		res := r.response(608, sip.INVITE)
		if values(res, "reason") != `SIP;cause=608;text="x"` {
			t.Errorf("608:\n%s", res)
		}
		time.Sleep(600 * time.Millisecond)
		r.response(608, sip.INVITE)
		f.acksRefusal(res)
		time.Sleep(time.Minute)
		r.expect()
		p.finish()

		f, p = r.called()
		p.do(func() { p.caller.Refuse(302, nil) })
		f.acksRefusal(r.response(480, sip.INVITE)) // a redirection would lead past the gateway
		p.finish()
	})
}

func TestINVITEsThatAreNotTaken(t *testing.T) {
	tests := []struct {
		name, line string
		status     int
		header     string
		value      string
	}{
		{"extension", "Require: timer, foo", 420, "unsupported", "foo"},
		{"body", "Content-Type: multipart/mixed;boundary=x", 415, "accept", "application/sdp"},
		{"session interval", "Supported: timer\r\nSession-Expires: 30", 422, "min-se", "90"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, func(r *rig) {
				f := r.newCaller(tt.line)
				p := f.calls()
				sent := r.take()
				res := sent[len(sent)-1].(*sip.Response)
				if res.StatusCode != tt.status || values(res, tt.header) != tt.value {
					t.Errorf("answered\n%s", res)
				}
				f.acksRefusal(res)
				p.heard(treatment.Stopped{Status: tt.status})
			})
		})
	}
}

func TestContactIsNeeded(t *testing.T) {
	inRig(t, func(r *rig) {
		f := r.newCaller()
		f.invite.RemoveHeader("Contact")
		f.calls()
		r.expect("100 INVITE", "400 INVITE")
	})
}

// A second INVITE with the Call-ID and tag of a call that there is, is a merged request (RFC 3261 §8.2.2.2).
func TestMergedRequest(t *testing.T) {
	inRig(t, func(r *rig) {
		f, first := r.called()
		again := r.newCaller()
		again.invite.ReplaceHeader(f.invite.CallID())
		again.invite.ReplaceHeader(f.invite.From())
		again.calls()
		r.expect("100 INVITE", "482 INVITE")
		first.do(func() { first.caller.Progress(180, nil) })
		r.response(180, sip.INVITE)
		first.finish()
	})
}

func TestINVITENotExpected(t *testing.T) {
	inRig(t, func(r *rig) {
		f := r.newCaller()
		r.write(f.invite)
		r.response(481, sip.INVITE)
	})
}

// A provisional response is repeated each minute, so that no proxy on the way gives up (RFC 3261 §13.3.1.1).
func TestProvisionalIsRepeated(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) })
		r.response(183, sip.INVITE)
		time.Sleep(150 * time.Second)
		sent := r.expect("183 INVITE", "183 INVITE")
		if len(sent[0].Body()) != 0 {
			t.Error("a description is sent again")
		}
		p.finish()
		r.response(503, sip.INVITE)
	})
}

func TestOfferlessINVITE(t *testing.T) {
	for _, answer := range []string{answerSDP, ""} {
		inRig(t, func(r *rig) {
			f := r.newCaller().offerless()
			p := f.calls()
			r.response(100, sip.INVITE)
			if p.offer != nil {
				t.Errorf("offer %q", p.offer)
			}
			p.heard(treatment.Begun{})
			p.do(func() { p.caller.Progress(183, []byte(offerSDP)) })
			if early := r.response(183, sip.INVITE); len(early.Body()) != 0 {
				t.Error("an offer goes out unreliably")
			}
			p.do(func() { p.caller.Accept([]byte(offerSDP)) })
			ok := r.response(200, sip.INVITE)
			if string(ok.Body()) != offerSDP {
				t.Errorf("200:\n%s", ok)
			}
			var body []byte
			if answer != "" {
				body = []byte(answer)
			}
			f.acks(ok, body)
			p.heard(treatment.Agreed{Leg: treatment.CallerLeg, Description: body})
			p.do(func() { p.end(200) })
			r.replies(r.request(sip.BYE), 200, nil)
		})
	}
}

// A BYE before the answer ends the INVITE, too (RFC 3261 §15.1.2).
func TestBYEInEarlyDialog(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Progress(180, nil) })
		f.hears(r.response(180, sip.INVITE))
		f.asks(sip.BYE, nil)
		f.acksRefusal(r.expect("200 BYE", "487 INVITE")[1].(*sip.Response))
		p.heard(treatment.Ended{Leg: treatment.CallerLeg, How: treatment.HungUp})
		p.finish()
		synctest.Wait()
	})
}
