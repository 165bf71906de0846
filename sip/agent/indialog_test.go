package agent

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/media"
	"ringfence/sip/treatment"
)

// talking is a caller whose call is answered.
func (r *rig) talking(lines ...string) (*far, *puppet) {
	r.t.Helper()
	f, p := r.called(lines...)
	p.do(func() { p.caller.Accept([]byte(answerSDP)) })
	f.acks(r.response(200, sip.INVITE), nil)
	return f, p
}

// connected is a called leg that was answered.
func (r *rig) connected(lines ...string) (*far, *puppet) {
	r.t.Helper()
	_, p := r.talking()
	_, phone := p.invites(treatment.Destination{})
	phone.answers("a", 200, []byte(answerSDP), lines...)
	r.request(sip.ACK)
	p.heard(treatment.Answered{Leg: 1, Description: []byte(answerSDP)})
	return phone.joined("a"), p
}

// partsFrom ends the call, whose legs are answered.
func (r *rig) partsFrom(p *puppet) {
	r.t.Helper()
	p.finish()
	for _, msg := range r.take() {
		if word(msg) == "BYE" {
			r.replies(msg.(*sip.Request), 200, nil)
		}
	}
}

func TestReoffers(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		f.asks(sip.INVITE, []byte(offerSDP))
		p.heard(treatment.Reoffered{Leg: 0, ID: 1, Description: []byte(offerSDP)})
		f.asks(sip.INVITE, []byte(offerSDP))
		if res := r.response(500, sip.INVITE); values(res, "retry-after") == "" { // the first is not answered
			t.Errorf("500:\n%s", res)
		}
		p.do(func() { p.caller.Reply(1, 200, []byte(answerSDP)) })
		ok := r.response(200, sip.INVITE)
		if string(ok.Body()) != answerSDP {
			t.Errorf("200:\n%s", ok)
		}
		f.asks(sip.INVITE, []byte(offerSDP))
		r.response(491, sip.INVITE) // the ACK of the first has not come
		time.Sleep(600 * time.Millisecond)
		sent := r.take()
		if len(sent) != 3 { // the two refusals are sent again as well: nobody has acknowledged them
			t.Errorf("sent %d messages", len(sent))
		}
		f.acks(ok, nil)
		p.heard()

		f.asks(sip.INVITE, []byte(offerSDP))
		p.heard(treatment.Reoffered{Leg: 0, ID: 2, Description: []byte(offerSDP)})
		p.do(func() { p.caller.Reply(2, 488, nil) })
		r.take()
		f.asks(sip.UPDATE, []byte(offerSDP))
		p.heard(treatment.Reoffered{Leg: 0, ID: 3, Description: []byte(offerSDP)})
		p.do(func() { p.caller.Reply(3, 200, []byte(answerSDP)) })
		r.response(200, sip.UPDATE)
		r.partsFrom(p)
	})
}

// An offerless re-INVITE gets our offer, and its ACK has the answer.
func TestOfferlessReINVITE(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.connected()
		f.asks(sip.INVITE, nil)
		p.heard(treatment.Reoffered{Leg: 1, ID: 1})
		p.do(func() { p.called.Reply(1, 200, []byte(offerSDP)) })
		f.acks(r.response(200, sip.INVITE), []byte(answerSDP))
		p.heard(treatment.Agreed{Leg: 1, Description: []byte(answerSDP)})
		r.partsFrom(p)
	})
}

func TestOffers(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.talking()
		p.do(func() { p.caller.Offer([]byte(offerSDP)) })
		invite := r.request(sip.INVITE)
		if invite.Recipient.User != "mallory" || string(invite.Body()) != offerSDP || values(invite, "contact") == "" {
			t.Errorf("re-INVITE:\n%s", invite)
		}
		r.replies(invite, 200, []byte(answerSDP))
		ack := r.request(sip.ACK)
		if ack.CSeq().SeqNo != invite.CSeq().SeqNo || ack.Recipient.User != "far" { // the 2xx moved the target
			t.Errorf("ACK:\n%s", ack)
		}
		p.heard(treatment.Agreed{Leg: 0, Description: []byte(answerSDP)})
		r.replies(invite, 200, []byte(answerSDP))
		r.request(sip.ACK)

		p.do(func() { p.caller.Offer([]byte(offerSDP)) })
		r.replies(r.request(sip.INVITE), 488, nil)
		r.request(sip.ACK)
		p.heard(treatment.OfferRefused{Leg: 0, Status: 488})
		r.partsFrom(p)
	})
}

// Offers that cross are refused with 491 by both, and made again: at once by who did not choose the
// Call-ID, later by who did (RFC 3261 §14.1).
func TestGlare(t *testing.T) {
	tests := []struct {
		name         string
		leg          treatment.LegID
		least, final time.Duration
	}{{"caller", 0, 0, 2010 * time.Millisecond}, {"called", 1, 2090 * time.Millisecond, 4010 * time.Millisecond}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, func(r *rig) {
				var f *far
				var p *puppet
				var l treatment.Leg
				if tt.leg == 0 {
					f, p = r.talking()
					l = p.caller
				} else {
					f, p = r.connected()
					l = p.called
				}
				p.do(func() { l.Offer([]byte(offerSDP)) })
				invite := r.request(sip.INVITE)
				crossing := f.asks(sip.INVITE, []byte(offerSDP))
				refusal := r.response(491, sip.INVITE)
				r.replies(invite, 491, nil)
				r.write(newACK(crossing, refusal))
				r.request(sip.ACK)
				time.Sleep(tt.least)
				again := r.await(sip.INVITE, tt.final-tt.least)
				if string(again.Body()) != offerSDP {
					t.Errorf("made again:\n%s", again)
				}
				r.replies(again, 200, []byte(answerSDP))
				p.heard(treatment.Agreed{Leg: tt.leg, Description: []byte(answerSDP)})
				r.partsFrom(p)
			})
		})
	}
}

// Glare does not go on for ever.
func TestGlareIsBounded(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.connected()
		p.do(func() { p.called.Offer([]byte(offerSDP)) })
		for range maxGlare + 1 {
			r.replies(r.await(sip.INVITE, 4100*time.Millisecond), 491, nil)
			r.request(sip.ACK)
		}
		time.Sleep(4100 * time.Millisecond)
		r.expect()
		p.heard(treatment.OfferRefused{Leg: 1, Status: 491})
		r.partsFrom(p)
	})
}

// To wait with our offer for theirs to be answered could be to wait for each other.
func TestOfferWhileTheirsIsUnanswered(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		f.asks(sip.INVITE, []byte(offerSDP))
		p.do(func() { p.caller.Offer([]byte(offerSDP)) })
		p.heard(treatment.Reoffered{Leg: 0, ID: 1, Description: []byte(offerSDP)}, treatment.OfferRefused{Leg: 0, Status: 491})
		r.expect()
		r.partsFrom(p)
	})
}

// An offer made before the ACK of the 200 has come waits for it.
func TestOfferWaitsForACK(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() { p.caller.Accept([]byte(answerSDP)) })
		ok := r.response(200, sip.INVITE)
		p.do(func() { p.caller.Offer([]byte(offerSDP)) })
		r.expect()
		f.acks(ok, nil)
		r.replies(r.request(sip.INVITE), 200, []byte(answerSDP))
		r.request(sip.ACK)
		p.heard(treatment.Agreed{Leg: 0, Description: []byte(answerSDP)})
		r.partsFrom(p)
	})
}

// A response within a dialog that says it is no more ends the call (RFC 3261 §12.2.1.2).
func TestOfferIntoTheVoid(t *testing.T) {
	for _, status := range []int{481, 408, 0} {
		inRig(t, func(r *rig) {
			_, p := r.talking()
			p.do(func() { p.caller.Offer([]byte(offerSDP)) })
			invite := r.request(sip.INVITE)
			if status != 0 {
				r.replies(invite, status, nil)
			} else {
				time.Sleep(33 * time.Second) // timer B
			}
			bye := r.take()
			if word(bye[len(bye)-1]) != "BYE" && word(bye[0]) != "BYE" {
				t.Errorf("no BYE after %d", status)
			}
			p.heard(treatment.Ended{Leg: 0, How: treatment.Lost})
			p.finish()
		})
	}
}

// A re-INVITE that rings without end is cancelled.
func TestReINVITEThatRings(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.connected()
		p.do(func() { p.called.Offer([]byte(offerSDP)) })
		invite := r.request(sip.INVITE)
		r.replies(invite, 180, nil)
		time.Sleep(patience + time.Second)
		sent := r.take()
		if word(sent[0]) != "CANCEL" {
			t.Fatalf("sent %s", word(sent[0]))
		}
		r.replies(sent[0].(*sip.Request), 200, nil)
		r.replies(invite, 487, nil)
		r.request(sip.ACK)
		p.heard(treatment.OfferRefused{Leg: 1, Status: 487})
		r.partsFrom(p)
	})
}

func TestRequestsInDialog(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		for _, tt := range []struct {
			method sip.RequestMethod
			lines  []string
			status int
		}{
			{sip.OPTIONS, nil, 200},
			{sip.INFO, nil, 200},
			{sip.INFO, []string{"Info-Package: x"}, 469},
			{sip.INFO, []string{"Require: x"}, 420},
			{sip.MESSAGE, nil, 405},
			{sip.NOTIFY, []string{"Event: refer"}, 481}, // we have asked for none
			{sip.PRACK, []string{"RAck: 1 1 INVITE"}, 481},
			{sip.REFER, nil, 400}, // to nobody
		} {
			f.asks(tt.method, nil, tt.lines...)
			r.response(tt.status, tt.method)
		}
		p.heard()
		f.dialog.sent--
		f.asks(sip.OPTIONS, nil)
		r.response(500, sip.OPTIONS) // RFC 3261 §12.2.2
		f.dialog.sent += 10
		tag := f.dialog.remote.Params
		f.dialog.remote.Params = sip.HeaderParams{{K: "tag", V: "rf-unknown"}}
		f.asks(sip.BYE, nil)
		r.response(481, sip.BYE)
		f.dialog.remote.Params = tag
		f.dialog.callID = "another"
		f.asks(sip.BYE, nil)
		r.response(481, sip.BYE)
		f.dialog.callID = f.callID
		f.asks(sip.INVITE, []byte("x"), "Content-Type: text/plain")
		p.heard(treatment.Reoffered{Leg: 0, ID: 1, Description: []byte("x")}) // the second Content-Type is the one that counts
		r.partsFrom(p)
	})
}

func TestKeysByINFO(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		for _, tt := range []struct {
			kind, body string
			key        byte
		}{
			{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'},
			{"application/dtmf-relay", "Signal= * \r\n", '*'},
			{"application/dtmf-relay", "Signal=16\r\n", 0},
			{"application/dtmf", "9", '9'},
			{"application/dtmf", "a", 'A'},
			{"application/media_control+xml", "9", 0},
		} {
			req := f.dialog.request(sip.INFO)
			req.AppendHeader(header("Content-Type", tt.kind))
			req.SetBody([]byte(tt.body))
			req.PrependHeader(r.newBranch())
			r.write(req)
			r.response(200, sip.INFO)
			if tt.key != 0 {
				p.heard(treatment.Keyed{Leg: 0, Key: tt.key})
			}
		}
		p.heard()
		r.partsFrom(p)
	})
}

// A telephone that sends each key both ways has pressed it once.
func TestKeysBothWays(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		l := p.caller.(*leg)
		byRTP := func(key byte) { l.session.receiveMedia(l.id, media.Event{Kind: media.EventKey, Key: key}) }
		byINFO := func(key string) {
			req := f.dialog.request(sip.INFO)
			req.AppendHeader(header("Content-Type", "application/dtmf"))
			req.SetBody([]byte(key))
			req.PrependHeader(r.newBranch())
			r.write(req)
			r.response(200, sip.INFO)
		}
		byRTP('3')
		p.heard(treatment.Keyed{Leg: 0, Key: '3'})
		byINFO("3")
		p.heard()
		byRTP('7')
		p.heard(treatment.Keyed{Leg: 0, Key: '7'})
		byINFO("7")
		p.heard()
		r.partsFrom(p)
	})
}

func TestTransferAskedFor(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		f.asks(sip.REFER, nil, `r: "Bob" <sip:5000@192.0.2.9?Replaces=x>;early=no`)
		p.heard(treatment.Transferred{Leg: 0, ID: 1, Target: `"Bob" <sip:5000@192.0.2.9?Replaces=x>;early=no`})
		f.asks(sip.REFER, nil, "Refer-To: <sip:1@a>")
		r.response(500, sip.REFER) // one at a time
		p.do(func() { p.caller.Reply(1, 202, nil) })
		r.response(202, sip.REFER)
		p.do(func() { p.caller.Notify([]byte("SIP/2.0 100 Trying"), "active;expires=60") })
		notify := r.request(sip.NOTIFY)
		if values(notify, "event") != "refer" || values(notify, "subscription-state") != "active;expires=60" || string(notify.Body()) != "SIP/2.0 100 Trying" {
			t.Errorf("NOTIFY:\n%s", notify)
		}
		r.replies(notify, 200, nil)
		p.do(func() { p.caller.Notify([]byte("SIP/2.0 200 OK"), "terminated;reason=noresource") })
		r.replies(r.request(sip.NOTIFY), 200, nil)
		p.do(func() { p.caller.Notify([]byte("SIP/2.0 200 OK"), "active") })
		r.expect()
		f.asks(sip.REFER, nil, "Refer-To: <sip:1@a>")
		p.heard(treatment.Transferred{Leg: 0, ID: 2, Target: "<sip:1@a>"})
		p.do(func() { p.caller.Reply(2, 603, nil) })
		r.response(603, sip.REFER)
		r.partsFrom(p)
	})
}

func TestTransferPassedOn(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.connected()
		p.do(func() { p.called.Transfer("<sip:5000@192.0.2.9>") })
		refer := r.request(sip.REFER)
		if values(refer, "refer-to") != "<sip:5000@192.0.2.9>" {
			t.Errorf("REFER:\n%s", refer)
		}
		f.asks(sip.NOTIFY, []byte("SIP/2.0 100 Trying"), "Event: refer", "Subscription-State: active")
		r.response(200, sip.NOTIFY)
		r.replies(refer, 202, nil)
		f.asks(sip.NOTIFY, []byte("SIP/2.0 200 OK"), "Event: refer", "Subscription-State: terminated;reason=noresource")
		r.response(200, sip.NOTIFY)
		p.heard(
			treatment.Notified{Leg: 1, Body: []byte("SIP/2.0 100 Trying"), State: "active"},
			treatment.TransferReplied{Leg: 1, Status: 202},
			treatment.Notified{Leg: 1, Body: []byte("SIP/2.0 200 OK"), State: "terminated;reason=noresource"},
		)
		f.asks(sip.NOTIFY, nil, "Event: refer")
		r.response(481, sip.NOTIFY)
		r.partsFrom(p)
	})
}

// A dialog that is ended answers what is unanswered in it (RFC 3261 §15.1.2).
func TestBYEWithOfferUnanswered(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		f.asks(sip.INVITE, []byte(offerSDP))
		f.asks(sip.BYE, nil)
		r.expect("200 BYE", "487 INVITE")
		p.heard(treatment.Reoffered{Leg: 0, ID: 1, Description: []byte(offerSDP)}, treatment.Ended{Leg: 0, How: treatment.HungUp})
		p.do(func() { p.caller.Reply(1, 200, []byte(answerSDP)); p.caller.Offer([]byte(offerSDP)); p.caller.End("") })
		r.expect()
		p.finish()
	})
}
