//go:build e2e

package e2e_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"ringfence/sip/standin"
)

// phones is a stand-in PBX that notes the calls it receives.
type phones struct {
	*standin.PBX
	calls chan standin.Received
}

// startPhones starts a stand-in PBX that lets a call ring for a time.
func startPhones(t *testing.T, ring time.Duration) phones {
	t.Helper()
	p := phones{calls: make(chan standin.Received, 256)}
	var err error
	p.PBX, err = standin.StartPBX(t.Context(), standin.Options{
		Listen: pbxIP + ":0", Ring: ring, OnCall: func(r standin.Received) { p.calls <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// received is the next call that the PBX got.
func (p phones) received(t *testing.T) standin.Received {
	t.Helper()
	select {
	case r := <-p.calls:
		return r
	case <-time.After(5 * time.Second):
		t.Fatal("the PBX received no call")
		return standin.Received{}
	}
}

// startTrunk opens a stand-in trunk that calls through g.
func startTrunk(t *testing.T, g *gateway, ip, transport string) *standin.Caller {
	t.Helper()
	c, err := standin.NewCaller(t.Context(), standin.CallerOptions{Local: ip + ":0", Gateway: g.Addr, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// place makes a call that must come to a final answer in time.
func place(t *testing.T, c *standin.Caller, call standin.Call) standin.Result {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	result, err := c.Call(ctx, call)
	if err != nil {
		t.Fatalf("%+v: %v", call, err)
	}
	return result
}

// target is the PBX's address as a target of the gateway.
func (p phones) target() string { return p.Addr().String() }

// deadAddress is an address where nothing listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	return netip.MustParseAddrPort(address(pbxIP, freePort(t, pbxIP))).String()
}
