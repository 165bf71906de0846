package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/sip/transport/memory"
)

func TestOptions(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{First: 20000, Last: 20001}, "neither"},
		{Options{Local4: v6, First: 20000, Last: 20001}, "IPv4"},
		{Options{Local6: ours, First: 20000, Last: 20001}, "IPv6"},
		{Options{Local4: ours}, "range 0-0"},
		{Options{Local4: ours, First: 20001, Last: 20002}, "range 20001-20002"},
		{Options{Local4: ours, First: 20002, Last: 20000}, "range 20002-20000"},
	} {
		e, err := NewEngine(c.options)
		if err == nil {
			t.Errorf("%+v: accepted", c.options)
			e.Close()
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q in it", c.options, err, c.want)
		}
	}
}

// Each leg has an even port of the range for itself; where none is left, that is said.
func TestPorts(t *testing.T) {
	onWire(t, Options{First: 20001, Last: 20010, Rest: time.Second}, func(s *site) {
		taken := s.listen(netip.AddrPortFrom(ours, 20007)) // the RTCP port of 20006 is another program's
		defer taken.Close()
		seen := map[uint16]bool{}
		for range 3 {
			port := s.call(addrOf(far, len(seen)), PCMA).leg.Local().Port()
			if port%2 != 0 || port < 20002 || port > 20008 || port == 20006 || seen[port] {
				t.Errorf("port %d", port)
			}
			seen[port] = true
		}
		_, err := s.engine.Open(far.Addr(), func(Event) {})
		if !errors.Is(err, ErrNoPorts) {
			t.Errorf("a fourth leg: %v", err)
		}
		if n := s.engine.Counts(); n.NoPorts != 1 || n.Legs != 3 {
			t.Errorf("%+v", n)
		}
		if _, err := s.engine.Open(netip.MustParseAddr("2001:db8::2"), func(Event) {}); err == nil || errors.Is(err, ErrNoPorts) {
			t.Errorf("a leg of the other family: %v", err)
		}
	})
}

func TestPortsAreShuffled(t *testing.T) {
	orders := map[string]bool{}
	for range 5 {
		p, err := newPorts(20000, 20099, 0)
		if err != nil {
			t.Fatal(err)
		}
		orders[fmt.Sprint(p.free)] = true
	}
	if len(orders) < 2 {
		t.Error("ports are handed out in one order")
	}
}

// An engine that closes closes its legs, and opens none.
func TestEngineClose(t *testing.T) {
	e, err := NewEngine(Options{Local4: ours, First: 20000, Last: 20099, Listen: memory.New().ListenPacket})
	if err != nil {
		t.Fatal(err)
	}
	var events atomic.Int32
	l, err := e.Open(far.Addr(), func(Event) { events.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	l.Play([]*Prompt{ramp(time.Second)}, 1)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if n := events.Load(); n != 1 {
		t.Errorf("told %d times that the playback is over", n)
	}
	if err := e.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := e.Open(far.Addr(), func(Event) {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("opened afterwards: %v", err)
	}
}

// Over the system's sockets, of both families, a hundred legs hear each other, and all ends when the
// engine does.
func TestSystemSockets(t *testing.T) {
	for _, listen := range []func(netip.AddrPort) (net.PacketConn, error){nil, listenUDP} {
		for _, loopback := range []string{"127.0.0.1", "::1"} {
			t.Run(fmt.Sprintf("%s, portable %v", loopback, listen != nil), func(t *testing.T) {
				addr := netip.MustParseAddr(loopback)
				options := Options{Local4: addr, First: 21000, Last: 21999, Listen: listen}
				if addr.Is6() {
					options.Local4, options.Local6 = netip.Addr{}, addr
				}
				e, err := NewEngine(options)
				if err != nil {
					t.Fatal(err)
				}
				const legs = 100
				var row []*Leg
				played := make(chan struct{}, legs)
				for range legs {
					l, err := e.Open(addr, func(event Event) {
						if event.Kind == EventPlayed && event.Complete {
							played <- struct{}{}
						}
					})
					if err != nil {
						t.Fatal(err)
					}
					row = append(row, l)
				}
				for i, l := range row {
					l.Agree(stream(row[i^1].Local(), PCMA)) // in pairs
					l.Play([]*Prompt{ramp(300 * time.Millisecond)}, 1)
				}
				for range legs {
					<-played
				}
				for i, l := range row {
					if q := l.Quality(); q.Received < 10 || q.Lost > 0 {
						t.Errorf("leg %d: %+v", i, q)
					}
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestAddressOfAnotherMachine(t *testing.T) {
	e, err := NewEngine(Options{Local4: ours, First: 21000, Last: 21999})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if l, err := e.Open(far.Addr(), func(Event) {}); err == nil {
		l.Close()
		t.Error("bound to an address that is not of this machine")
	} else if !strings.Contains(err.Error(), "cannot assign") {
		t.Errorf("%v does not say why", err)
	}
}
