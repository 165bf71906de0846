package standin

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a PBX and a Caller that calls it directly.
type pair struct {
	pbx    *PBX
	caller *Caller
	calls  chan Received
}

func startPair(t *testing.T, transport, ip string, options Options) pair {
	t.Helper()
	p := pair{calls: make(chan Received, 16)}
	options.Listen = netip.AddrPortFrom(netip.MustParseAddr(ip), 0).String()
	options.OnCall = func(r Received) { p.calls <- r }
	var err error
	if p.pbx, err = StartPBX(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.pbx.Close)
	p.caller, err = NewCaller(t.Context(), CallerOptions{Local: options.Listen, Gateway: p.pbx.Addr(), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.caller.Close)
	return p
}

// place makes a call that must not take long.
func (p pair) place(t *testing.T, call Call) Result {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	result, err := p.caller.Call(ctx, call)
	if err != nil {
		t.Fatalf("%+v: %v", call, err)
	}
	return result
}

func TestAnsweredCall(t *testing.T) {
	tests := []struct{ transport, ip string }{{"udp", "127.0.0.1"}, {"tcp", "127.0.0.1"}, {"udp", "::1"}, {"tcp", "::1"}}
	for _, tt := range tests {
		t.Run(tt.transport+" "+tt.ip, func(t *testing.T) {
			t.Parallel()
			p := startPair(t, tt.transport, tt.ip, Options{Ring: 50 * time.Millisecond})
			result := p.place(t, Call{
				From: "+8613800138000", Display: `李 "老" \ 明`, To: "5000", Asserted: "+8613800138001",
				Video: true, Hold: 300 * time.Millisecond,
				Headers: []Header{{"Diversion", "<sip:1@a>"}, {"Diversion", "<sip:2@b>"}, {"X-Ringfence", "label; reason=x"}},
			})
			if result.Status != 200 || result.Heard == 0 || result.HungUp || len(result.Provisional) == 0 {
				t.Errorf("result %+v", result)
			}
			got := <-p.calls
			want := Received{
				CallID: result.CallID, Called: "5000", Caller: "+8613800138000", Display: `李 "老" \ 明`,
				Asserted: got.Asserted, Diversion: "<sip:1@a>, <sip:2@b>", Ringfence: "label; reason=x",
				Video: true, Source: got.Source, Transport: strings.ToUpper(tt.transport),
			}
			if got != want || !strings.HasPrefix(got.Asserted, "<sip:+8613800138001@") {
				t.Errorf("the PBX saw %+v, want %+v", got, want)
			}
			if got.Source.Addr() != p.caller.Addr().Addr() || tt.transport == "udp" && got.Source != p.caller.Addr() {
				t.Errorf("the call came from %s, want %s", got.Source, p.caller.Addr())
			}
		})
	}
}

func TestBehaviours(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		tests := []struct {
			call   Call
			status int
			hungUp bool
		}{
			{Call{To: Busy}, 486, false},
			{Call{To: Declined}, 603, false},
			{Call{To: Unavailable}, 503, false},
			{Call{To: NoAnswer, GiveUp: 300 * time.Millisecond}, 487, false},
			{Call{To: Reliable, Reliable: true}, 200, false},
			{Call{To: Reliable}, 200, false},
			{Call{To: HangsUp, Hold: 10 * time.Second}, 200, true},
			{Call{To: Reinvites, Hold: 600 * time.Millisecond}, 200, false},
			{Call{To: "5000", Headers: []Header{{"Require", "100rel"}}, Reliable: true}, 200, false},
			{Call{To: "5000", Headers: []Header{{"Require", "timer, 100rel"}}}, 420, false},
		}
		for _, tt := range tests {
			t.Run(transport+" "+tt.call.To, func(t *testing.T) {
				t.Parallel()
				p := startPair(t, transport, "127.0.0.1", Options{})
				result := p.place(t, tt.call)
				if result.Status != tt.status || result.HungUp != tt.hungUp {
					t.Errorf("result %+v, want status %d, hung up %v", result, tt.status, tt.hungUp)
				}
			})
		}
	}
}

// Calls beyond the lines there are get 503, and lines are free again after a call.
func TestLines(t *testing.T) {
	p := startPair(t, "udp", "127.0.0.1", Options{MaxCalls: 2})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { p.place(t, Call{To: NoAnswer, GiveUp: 500 * time.Millisecond}) })
		<-p.calls
	}
	if got := p.place(t, Call{To: "5000"}); got.Status != 503 {
		t.Errorf("third call got %d", got.Status)
	}
	group.Wait()
	if got := p.place(t, Call{To: "5000"}); got.Status != 200 {
		t.Errorf("call on a free line got %d", got.Status)
	}
}

func TestLongestCall(t *testing.T) {
	p := startPair(t, "udp", "127.0.0.1", Options{MaxDuration: 100 * time.Millisecond})
	if got := p.place(t, Call{To: "5000", Hold: 10 * time.Second}); !got.HungUp {
		t.Errorf("result %+v, want the PBX to hang up", got)
	}
}

// Closing the PBX hangs up its calls; closing the caller ends one that rings.
func TestClose(t *testing.T) {
	p := startPair(t, "udp", "127.0.0.1", Options{})
	results := make(chan Result)
	go func() { results <- p.place(t, Call{To: "5000", Hold: time.Minute}) }()
	<-p.calls
	time.Sleep(100 * time.Millisecond)
	p.pbx.Close()
	if got := <-results; !got.HungUp {
		t.Errorf("result %+v, want the closing PBX to hang up", got)
	}
	p = startPair(t, "udp", "127.0.0.1", Options{})
	go func() { results <- p.place(t, Call{To: NoAnswer}) }()
	<-p.calls
	p.caller.Close()
	if got := <-results; got.Status != 487 {
		t.Errorf("result %+v, want the closing caller to cancel", got)
	}
	if _, err := p.caller.Call(t.Context(), Call{To: "5000"}); !errors.Is(err, ErrClosed) {
		t.Errorf("call on a closed caller: %v", err)
	}
}

func TestOptionErrors(t *testing.T) {
	gateway := netip.MustParseAddrPort("127.0.0.1:5060")
	tests := []struct {
		options CallerOptions
		want    string
	}{
		{CallerOptions{Local: "127.0.0.1:0"}, "no gateway"},
		{CallerOptions{Local: "127.0.0.1:0", Gateway: gateway, Transport: "sctp"}, "neither udp nor tcp"},
		{CallerOptions{Local: "here", Gateway: gateway}, `"here" is not IP:PORT`},
		{CallerOptions{Local: "192.0.2.1:0", Gateway: gateway}, "cannot listen on 192.0.2.1:0"},
	}
	for _, tt := range tests {
		c, err := NewCaller(t.Context(), tt.options)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want one that says %q", tt.options, err, tt.want)
		}
	}
}

// A gateway that is not there is an error within the time the caller gave.
func TestNobodyAnswers(t *testing.T) {
	p := startPair(t, "udp", "127.0.0.1", Options{})
	p.pbx.Close()
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if result, err := p.caller.Call(ctx, Call{To: "5000"}); err == nil {
		t.Errorf("result %+v of a call to nobody", result)
	}
}
