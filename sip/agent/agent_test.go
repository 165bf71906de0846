package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/call"
	"ringfence/sip/treatment"
)

func TestCallsAreBounded(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		second := &call.Record{Reference: "second"}
		if !r.agent.Take(second) {
			t.Error("no room for a second call")
		}
		if r.agent.Take(&call.Record{Reference: "third"}) {
			t.Error("room for a third")
		}
		if s := r.agent.Stats(); s.Calls != 2 || s.Taken != 2 || s.Full != 1 {
			t.Errorf("%+v", s)
		}
		if !r.agent.Return(second) || r.agent.Return(second) || r.agent.Return(p.record) {
			t.Error("what is returned is not what waits for its INVITE")
		}
		p.finish()
		r.response(503, sip.INVITE)
		if !r.agent.Take(&call.Record{Reference: "fourth"}) {
			t.Error("no room when a call has ended")
		}
	}, func(o *Options) { o.MaxCalls = 2 })
}

// A fault in a call ends that call, with a record, and no other.
func TestFaultEndsItsCallOnly(t *testing.T) {
	var log bytes.Buffer
	inRig(t, func(r *rig) {
		f, broken := r.called()
		_, sound := r.called()
		broken.do(func() { broken.panics = true; broken.caller.Progress(180, nil) })
		r.response(180, sip.INVITE)
		f.cancel()
		r.expect("200 CANCEL", "487 INVITE")
		if s := r.agent.Stats(); s.Panics != 2 || s.Calls != 1 { // the treatment could not end it, either
			t.Errorf("%+v", s)
		}
		if n := r.recordsOf(broken.record.Reference); n != 1 || broken.record.Outcome.Cause != call.ReasonInternal {
			t.Errorf("%d records, %+v", n, broken.record.Outcome)
		}
		sound.do(func() { sound.caller.Progress(180, nil) })
		r.response(180, sip.INVITE)
		sound.finish()
		r.response(503, sip.INVITE)
	}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if text := log.String(); !strings.Contains(text, "a fault in the treatment") || strings.Contains(text, "12345678") {
		t.Errorf("log: %s", text)
	}
}

func TestFaultRefusesCaller(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.do(func() { panic("x") }) // the treatment works, and ends the call
		res := r.response(500, sip.INVITE)
		if p.heard(treatment.Stopped{Status: 500, Cause: call.ReasonInternal}); res == nil || !p.Over() {
			t.Error("the call goes on")
		}
	})
}

func TestFaultWithCalledLeg(t *testing.T) {
	inRig(t, func(r *rig) {
		phone, p := r.connected()
		p.panics = true
		phone.asks(sip.INVITE, []byte(offerSDP))
		sent := r.take()
		byes := 0
		for _, msg := range sent {
			if word(msg) == "BYE" {
				byes++
				r.replies(msg.(*sip.Request), 200, nil)
			}
		}
		if byes != 2 {
			t.Errorf("%d BYEs", byes)
		}
		if s := r.agent.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCloseEndsCalls(t *testing.T) {
	inRig(t, func(r *rig) {
		_, early := r.called()
		_, talking := r.talking()
		waiting := &call.Record{Reference: "waiting"}
		r.agent.Take(waiting)
		closed := make(chan error)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		go func() { closed <- r.agent.Close(ctx) }()
		sent := r.expect("503 INVITE", "BYE")
		early.heard(treatment.Stopped{Status: 503, Cause: call.ReasonStopped})
		talking.heard(treatment.Stopped{Status: 503, Cause: call.ReasonStopped})
		if r.agent.Take(&call.Record{Reference: "late"}) {
			t.Error("a call is taken")
		}
		r.replies(sent[1].(*sip.Request), 200, nil)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if r.recordsOf("waiting") != 1 || waiting.Outcome.Cause != call.ReasonStopped {
			t.Errorf("%+v", waiting.Outcome)
		}
	})
}

// A call whose BYE nobody answers is dropped when the time is over.
func TestCloseDropsCalls(t *testing.T) {
	inRig(t, func(r *rig) {
		r.talking()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.agent.Wait(ctx); err == nil || !strings.Contains(err.Error(), "1 treated calls") {
			t.Error(err)
		}
		ctx, cancel = context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.agent.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := r.agent.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// Where there is no time at all, the other sides are told nevertheless.
func TestCloseAtOnce(t *testing.T) {
	inRig(t, func(r *rig) {
		r.talking()
		r.called()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.agent.Close(ctx); err == nil {
			t.Error("no word of calls that were dropped")
		}
		r.expect("503 INVITE", "BYE")
	})
}

// A leg that was made and never begun does not keep the call from ending.
func TestLegNeverBegun(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.do(func() { p.env.NewLeg(1) })
		p.finish()
		r.response(503, sip.INVITE)
		if s := r.agent.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A treatment that is stuck for a moment does not fill the memory, and still hears how the call ended.
func TestMailboxIsBounded(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		release := make(chan struct{})
		p.caller.(*leg).session.mailbox.tell(func() { <-release })
		synctest.Wait()
		for range maxWaiting + 10 {
			f.asks(sip.INFO, nil)
		}
		f.asks(sip.BYE, nil)
		refused := len(r.take())
		if refused != 10 {
			t.Errorf("%d requests refused", refused)
		}
		close(release)
		synctest.Wait()
		p.heard(treatment.Ended{Leg: 0, How: treatment.HungUp})
		if s := r.agent.Stats(); s.Overflow != 10 {
			t.Errorf("%+v", s)
		}
		p.finish()
	})
}

// What is no message, or lacks what a message must have, is dropped and counted.
func TestMalformedMessages(t *testing.T) {
	inRig(t, func(r *rig) {
		for _, text := range []string{
			"x", "INVITE sip:a SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
		} {
			if _, err := r.core.WriteTo([]byte(text), nil); err != nil {
				t.Error(err)
			}
		}
		r.expect()
		if s := r.agent.Stats(); s.Malformed != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTransactionsAreBounded(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.talking()
		for range maxPerCall {
			f.asks(sip.OPTIONS, nil)
		}
		refused := 0
		for _, msg := range r.take() {
			if msg.(*sip.Response).StatusCode == sip.StatusServiceUnavailable {
				refused++
			}
		}
		if refused == 0 {
			t.Error("no bound")
		}
		p.finish()
		r.replies(r.request(sip.BYE), 200, nil)
	}, func(o *Options) { o.MaxCalls = 1 })
}

// Timers of the treatment.
func TestClock(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		p.do(func() {
			p.env.Clock.Arm(1, time.Second)
			p.env.Clock.Arm(2, time.Second)
			p.env.Clock.Stop(1)
			p.env.Clock.Stop(7)
		})
		time.Sleep(2 * time.Second)
		p.heard(treatment.Elapsed{Timer: 2})
		p.do(func() { p.env.Clock.Arm(3, time.Second) })
		p.finish()
		time.Sleep(2 * time.Second)
		p.heard()
	})
}
