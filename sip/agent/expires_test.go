package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

// Session timers (RFC 4028).

func TestSessionInterval(t *testing.T) {
	tests := []struct{ asked, supported, want, require string }{
		{"600;refresher=uac", "timer", "600;refresher=uac", "timer"},
		{"600;refresher=uas", "timer", "600;refresher=uas", ""},
		{"600", "timer", "600;refresher=uac", "timer"},
		{"600", "100rel", "600;refresher=uas", ""},
		{"600;refresher=uac", "100rel", "600;refresher=uas", ""},
		{"30", "100rel", "90;refresher=uas", ""},
		{"", "timer", "1800;refresher=uac", "timer"},
		{"", "100rel", "", ""},
		{"99999999999", "timer", "", ""},
	}
	for _, tt := range tests {
		inRig(t, func(r *rig) {
			lines := []string{"Supported: " + tt.supported}
			if tt.asked != "" {
				lines = append(lines, "x: "+tt.asked)
			}
			f := r.newCaller(lines...)
			p := f.calls()
			if tt.want == "" && tt.asked != "" {
				r.expect("100 INVITE", "422 INVITE")
				return
			}
			r.take()
			p.do(func() { p.caller.Accept([]byte(answerSDP)) })
			ok := r.response(200, sip.INVITE)
			if values(ok, "session-expires") != tt.want || values(ok, "require") != tt.require {
				t.Errorf("%q, %q: %s", tt.asked, tt.supported, ok)
			}
			f.acks(ok, nil)
			r.partsFrom(p)
		})
	}
}

// The other side does not refresh: BYE shortly before the interval ends.
func TestSessionExpires(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking("Supported: timer", "Session-Expires: 300;refresher=uac")
		time.Sleep(200 * time.Second)
		f.asks(sip.UPDATE, nil, "Session-Expires: 300;refresher=uac", "Supported: timer")
		if ok := r.response(200, sip.UPDATE); values(ok, "session-expires") != "300;refresher=uac" {
			t.Errorf("200:\n%s", ok)
		}
		time.Sleep(200 * time.Second)
		p.heard()
		time.Sleep(68100 * time.Millisecond) // 300 - 32
		r.replies(r.request(sip.BYE), 200, nil)
		p.heard(treatment.Ended{Leg: 0, How: treatment.Expired})
		p.finish()
	})
}

// We refresh, by UPDATE where the other side takes it, and else by a re-INVITE with what we described last.
func TestWeRefresh(t *testing.T) {
	for _, allow := range []string{"Allow: INVITE, UPDATE", "Allow: INVITE"} {
		inRig(t, func(r *rig) {
			_, p := r.talking("Supported: timer", "Session-Expires: 300;refresher=uas", allow)
			for range 3 {
				time.Sleep(149 * time.Second)
				method := sip.INVITE
				if strings.Contains(allow, "UPDATE") {
					method = sip.UPDATE
				}
				req := r.await(method, 2*time.Second)
				if values(req, "session-expires") != "300;refresher=uac" {
					t.Errorf("refresh:\n%s", req)
				}
				if method == sip.INVITE && string(req.Body()) != answerSDP {
					t.Errorf("refreshed by\n%s", req)
				}
				r.replies(req, 200, req.Body(), "Session-Expires: 300;refresher=uac")
				r.take()
			}
			p.heard()
			r.partsFrom(p)
		})
	}
}

// A refresh that is refused for the moment is tried again; one that is answered by nobody ends the call.
func TestRefreshFails(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.talking("Supported: timer", "Session-Expires: 300;refresher=uas", "Allow: INVITE, UPDATE")
		r.replies(r.await(sip.UPDATE, 151*time.Second), 500, nil)
		r.replies(r.await(sip.UPDATE, 11*time.Second), 422, nil, "Min-SE: 600")
		if again := r.request(sip.UPDATE); values(again, "session-expires") != "600;refresher=uac" {
			t.Errorf("UPDATE:\n%s", again)
		} else {
			r.replies(again, 481, nil)
		}
		r.replies(r.request(sip.BYE), 481, nil)
		p.heard(treatment.Ended{Leg: 0, How: treatment.Lost})
		p.finish()
	})
}

func TestSessionOfCalledLegExpires(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.connected("Session-Expires: 600;refresher=uas")
		time.Sleep(500 * time.Second)
		f.asks(sip.INVITE, []byte(offerSDP), "Session-Expires: 600;refresher=uac", "Supported: timer")
		p.heard(treatment.Reoffered{Leg: 1, ID: 1, Description: []byte(offerSDP)})
		p.do(func() { p.called.Reply(1, 200, []byte(answerSDP)) })
		f.acks(r.response(200, sip.INVITE), nil)
		time.Sleep(560 * time.Second)
		p.heard()
		time.Sleep(8100 * time.Millisecond)
		r.replies(r.request(sip.BYE), 200, nil)
		p.heard(treatment.Ended{Leg: 1, How: treatment.Expired})
		r.partsFrom(p)
	})
}

// The treatment's offer waits for a refresh by re-INVITE.
func TestOfferWhileRefreshing(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.talking("Supported: timer", "Session-Expires: 300;refresher=uas", "Allow: INVITE")
		refresh := r.await(sip.INVITE, 151*time.Second)
		p.do(func() { p.caller.Offer([]byte(offerSDP)) })
		r.expect()
		r.replies(refresh, 200, []byte(offerSDP), "Session-Expires: 300;refresher=uac")
		offer := r.expect("ACK", "INVITE")[1].(*sip.Request)
		r.replies(offer, 200, []byte(answerSDP), "Session-Expires: 300;refresher=uac")
		r.request(sip.ACK)
		p.heard(treatment.Agreed{Leg: 0, Description: []byte(answerSDP)})
		r.partsFrom(p)
	})
}
