package agent

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/call"
)

// A call that hangs is given up once it leaves unheard that the core has: with one record, and room for another.
func TestStuckCallIsRecorded(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		_, sound := r.called()
		hang := make(chan struct{})
		p.do(func() { <-hang })
		time.Sleep(3 * time.Minute) // nothing is wrong until it is told something
		f.cancel()
		r.expect("200 CANCEL")
		time.Sleep(stuckAfter - time.Second)
		synctest.Wait()
		if n := r.recordsOf(p.record.Reference); n != 0 {
			t.Errorf("%d records too early", n)
		}
		time.Sleep(time.Second + watchEvery)
		synctest.Wait()
		if s := r.agent.Stats(); s.Calls != 1 || s.Panics != 1 || len(r.agent.legs) != 1 {
			t.Errorf("%+v, %d legs", s, len(r.agent.legs))
		}
		if n := r.recordsOf(p.record.Reference); n != 1 {
			t.Fatalf("%d records", n)
		}
		if o := r.records[0].Outcome; o.Status != 500 || o.By != call.EndedByGateway || o.Cause != call.ReasonInternal || o.Elapsed == 0 {
			t.Errorf("%+v", o)
		}
		r.take()    // provisional responses of the other
		close(hang) // should it ever go on, no other record comes of it (see rig.close)
		p.finish()
		sound.finish()
		synctest.Wait()
		r.take()
	})
}

// A call that hangs does not keep the agent from being closed.
func TestCloseGivesStuckCallsUp(t *testing.T) {
	inRig(t, func(r *rig) {
		_, p := r.called()
		hang := make(chan struct{})
		p.do(func() { <-hang })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		if err := r.agent.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if n := r.recordsOf(p.record.Reference); n != 1 {
			t.Errorf("%d records", n)
		}
		close(hang)
		synctest.Wait()
	})
}

// A fault while a session is taken down does not cost its record.
func TestFaultAtTheVeryEnd(t *testing.T) {
	inRig(t, func(r *rig) {
		f, p := r.called()
		p.do(func() {
			s := p.caller.(*leg).session
			s.timers[1] = &alarm{} // without a timer: to stop it is a fault
			s.broken = true
			s.legs[0].drop()
		})
		f.acksRefusal(r.response(500, sip.INVITE))
		if n := r.recordsOf(p.record.Reference); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}
