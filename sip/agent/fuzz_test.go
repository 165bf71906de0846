package agent

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/treatment"
)

// FuzzMessages has the agent read anything, before and after an INVITE that it expects.
func FuzzMessages(f *testing.F) {
	r := &rig{}
	caller := r.newCaller("Supported: 100rel, timer", "Session-Expires: 90")
	f.Add([]byte(caller.invite.String()))
	f.Add([]byte(newCANCEL(caller.invite, "SIP;cause=487").String()))
	f.Add([]byte(newResponse(caller.invite, 200).String()))
	f.Add([]byte("BYE sip:rf-x@agent.invalid SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=rf-x\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200\r\n\r\n"))
	f.Add([]byte{0})
	reference := proxy.ReferenceIn(values(caller.invite, "x-ringfence"))
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) {
			core, end := transport.Pipe(proxy.CoreAddr, proxy.AgentAddr)
			a := New(end, Options{
				Prompts:  func() *media.Prompts { return new(media.Prompts) },
				Recorder: r, Treatments: func() *treatment.Options { return new(treatment.Options) }, Treat: (&rig{}).treat, Log: slog.New(slog.DiscardHandler),
			})
			a.Take(&call.Record{Reference: reference})
			for _, text := range [][]byte{data, []byte(caller.invite.String()), data} {
				if _, err := core.WriteTo(text, nil); err != nil && len(text) <= maxMessage {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := a.Close(ctx); err != nil {
				t.Error(err)
			}
			if n := a.Stats().Panics; n != 0 {
				t.Errorf("%d panics", n)
			}
			if err := core.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}
