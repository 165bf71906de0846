package treatment

import (
	"net/netip"
	"testing"

	"ringfence/call"
)

// A trunk may signal over IPv6 and have its media at an IPv4 address, and the other way round.
func TestPortIsOfTheFamilyOfTheMedia(t *testing.T) {
	for _, offer := range []string{"g711", "none"} {
		w := newWorld(defaultOptions(), call.Challenge{}, call.CategoryNone, sdp(offer, netip.MustParseAddrPort("203.0.113.1:40000"), ""))
		w.call.record.Facts.Peer = netip.MustParseAddrPort("[2001:db8::10]:5060")
		var asked netip.Addr
		open := w.call.env.OpenPort
		w.call.env.OpenPort = func(id LegID, peer netip.Addr) (Port, error) {
			asked = peer
			return open(id, peer)
		}
		w.handle(Begun{})
		if want := offer == "g711"; asked.Is4() != want {
			t.Errorf("offers %s: a port to reach %v", offer, asked)
		}
		w.handle(Stopped{Status: 503, Cause: call.ReasonStopped})
	}
}
