package agent

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// Reliable provisional responses (RFC 3262).

func TestReliableWhereRequired(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called("Require: 100rel")
		p.do(func() { p.caller.Progress(180, nil) })
		ringing := r.response(180, sip.INVITE)
		if values(ringing, "require") != "100rel" || values(ringing, "rseq") != "1" {
			t.Errorf("180:\n%s", ringing)
		}
		time.Sleep(1600 * time.Millisecond) // at 0.5 and 1.5 s
		r.expect("180 INVITE", "180 INVITE")
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) }) // waits for the PRACK
		r.expect()
		f.hears(ringing)
		f.asks(sip.PRACK, nil, "RAck: 2 10 INVITE")
		r.response(481, sip.PRACK)
		f.asks(sip.PRACK, nil, "RAck: 1 10 INVITE")
		sent := r.expect("183 INVITE", "200 PRACK")
		if rseq := values(sent[0], "rseq"); rseq != "2" {
			t.Errorf("RSeq %s", rseq)
		}
		p.do(func() { p.caller.Accept([]byte(answerSDP)) }) // waits, for the answer must not be lost
		r.expect()
		f.asks(sip.PRACK, nil, "RAck: 2 10 INVITE")
		ok := r.expect("200 INVITE", "200 PRACK")[0].(*sip.Response)
		if len(ok.Body()) != 0 {
			t.Error("the answer is given twice")
		}
		f.acks(ok, nil)
		p.do(func() { p.end(200) })
		r.replies(r.request(sip.BYE), 200, nil)
	})
}

func TestReliableWhereSupported(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called("k: 100rel, timer")
		p.do(func() { p.caller.Progress(180, nil) })
		if res := r.response(180, sip.INVITE); values(res, "rseq") != "" {
			t.Errorf("a 180 without a description is sent reliably:\n%s", res)
		}
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) })
		early := r.response(183, sip.INVITE)
		if values(early, "rseq") != "1" || string(early.Body()) != answerSDP {
			t.Errorf("183:\n%s", early)
		}
		f.hears(early)
		f.asks(sip.PRACK, nil, "RAck: 1 10 INVITE")
		r.response(200, sip.PRACK)
		// Offer and answer are settled: the caller may change them before the call is answered (RFC 3311).
		f.asks(sip.UPDATE, []byte(offerSDP))
		p.heard(treatment.Reoffered{Leg: treatment.CallerLeg, ID: 1, Description: []byte(offerSDP)})
		p.do(func() { p.caller.Reply(1, 200, []byte(answerSDP)) })
		if res := r.response(200, sip.UPDATE); string(res.Body()) != answerSDP {
			t.Errorf("200:\n%s", res)
		}
		p.finish()
		f.acksRefusal(r.response(503, sip.INVITE))
	})
}

func TestPRACKNeverComes(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called("Require: 100rel")
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) })
		r.response(183, sip.INVITE)
		time.Sleep(31 * time.Second)
		r.expect("183 INVITE", "183 INVITE", "183 INVITE", "183 INVITE", "183 INVITE")
		time.Sleep(time.Second + time.Millisecond)
		sent := r.take()
		last := sent[len(sent)-1].(*sip.Response)
		if last.StatusCode != sip.StatusGatewayTimeout {
			t.Fatalf("no 504 but %s", word(last))
		}
		f.acksRefusal(last)
		p.heard(treatment.Ended{Leg: treatment.CallerLeg, How: treatment.Lost})
		p.finish()
	})
}

// A refusal need not wait for a PRACK.
func TestRefusalBeforePRACK(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called("Require: 100rel")
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) })
		f.hears(r.response(183, sip.INVITE))
		p.do(func() { p.caller.Refuse(603, nil) })
		f.acksRefusal(r.response(603, sip.INVITE))
		f.asks(sip.PRACK, nil, "RAck: 1 10 INVITE")
		r.response(481, sip.PRACK)
		p.finish()
	})
}

// Our offer goes in a reliable response to an INVITE without one; its answer comes in the PRACK.
func TestOfferInReliableResponse(t *testing.T) {
	inRig(t, func(r *rig) {
		f := r.newCaller("Supported: 100rel").offerless()
		p := f.calls()
		r.response(100, sip.INVITE)
		p.heard(treatment.Begun{})
		p.do(func() { p.caller.Progress(183, []byte(offerSDP)) })
		early := r.response(183, sip.INVITE)
		if string(early.Body()) != offerSDP {
			t.Errorf("183:\n%s", early)
		}
		f.hears(early)
		f.asks(sip.PRACK, []byte(answerSDP), "RAck: 1 10 INVITE")
		r.response(200, sip.PRACK)
		p.heard(treatment.Agreed{Leg: treatment.CallerLeg, Description: []byte(answerSDP)})
		p.do(func() { p.caller.Accept([]byte(offerSDP)) })
		ok := r.response(200, sip.INVITE)
		if len(ok.Body()) != 0 {
			t.Error("the offer is made twice")
		}
		f.acks(ok, nil)
		p.heard()
		p.do(func() { p.end(200) })
		r.replies(r.request(sip.BYE), 200, nil)
	})
}

// A PRACK may have an offer of its own (RFC 3262 §5).
func TestOfferInPRACK(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called("Supported: 100rel")
		p.do(func() { p.caller.Progress(183, []byte(answerSDP)) })
		f.hears(r.response(183, sip.INVITE))
		f.asks(sip.PRACK, []byte(offerSDP), "RAck: 1 10 INVITE")
		r.expect()
		p.heard(treatment.Reoffered{Leg: treatment.CallerLeg, ID: 1, Description: []byte(offerSDP)})
		p.do(func() { p.caller.Reply(1, 200, []byte(answerSDP)) })
		if res := r.response(200, sip.PRACK); string(res.Body()) != answerSDP {
			t.Errorf("200:\n%s", res)
		}
		p.finish()
		f.acksRefusal(r.response(503, sip.INVITE))
	})
}
