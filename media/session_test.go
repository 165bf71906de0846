package media

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Two sessions hear each other over real sockets, and end when they are closed.
func TestSessions(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		t.Run(loopback, func(t *testing.T) {
			addr := netip.MustParseAddr(loopback)
			a, err := Open(addr, Tone)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			b, err := Open(addr, ToneAndEcho)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			a.Agree(Stream{b.Local(), PCMA, SendRecv})
			b.Agree(Stream{a.Local(), PCMA, SendRecv})
			for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(frameTime) {
				sent, heardA := a.Counts()
				_, heardB := b.Counts()
				if sent > 5 && heardA > 5 && heardB > 5 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("sent %d, heard %d and %d packets in 5 s", sent, heardA, heardB)
				}
			}
			a.Close()
			a.Close()
		})
	}
}

func TestOpenError(t *testing.T) {
	if s, err := Open(netip.MustParseAddr("192.0.2.1"), Mute); err == nil {
		s.Close()
		t.Error("bound to an address that is not of this machine")
	}
}
