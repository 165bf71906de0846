package sip_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/locate"
	"ringfence/sip/locate/zone"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// nodes are the servers of a PBX that is known by its name.
var nodes = [3]netip.AddrPort{
	netip.MustParseAddrPort("203.0.113.21:5070"), netip.MustParseAddrPort("203.0.113.22:5070"), netip.MustParseAddrPort("203.0.113.23:5070"),
}

// cluster is an edge whose PBX is "sip:pbx.example", found by DNS and pinged every two seconds.
type cluster struct {
	*edge
	dns   *zone.Zone
	nodes [3]*peer
}

// startCluster starts it; all nodes answer everything, but only those that the DNS names are the PBX.
func startCluster(t *testing.T, named ...int) *cluster {
	t.Helper()
	c := &cluster{edge: &edge{t: t, wire: memory.New(), trunk: ipv4[0], own: ipv4[1]}, dns: zone.New(nil)}
	c.trunkSide = c.datagrams(c.trunk, nil)
	for i, addr := range nodes {
		c.nodes[i] = c.datagrams(addr, func(m string) string {
			if strings.HasPrefix(m, "OPTIONS ") {
				return response(m, "200 OK")
			}
			return ""
		})
		c.dns.Set("node"+string(rune('0'+i))+".example", zone.Records{Addrs: []netip.Addr{addr.Addr()}, TTL: time.Minute})
	}
	c.name(named...)
	g, err := sip.Start(sip.Options{
		Listeners: []sip.Listener{{Protocol: transport.UDP, Addr: c.own}},
		Proxy: proxy.Config{
			Trunks:      []proxy.Trunk{{Name: "carrier", Class: call.ClassDomestic, Sources: []netip.Prefix{netip.PrefixFrom(c.trunk.Addr(), 32)}}},
			Targets:     []proxy.Target{{Name: "pbx", Host: "pbx.example", AnyProtocol: true}},
			Health:      proxy.Health{Interval: 2 * time.Second, Timeout: time.Second, DownAfter: 1},
			RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second, MaxSetup: 1000,
		},
		Transport: transport.Options{ListenPacket: c.wire.ListenPacket, ListenStream: c.wire.Listen, Dial: c.wire.Dial},
		Screener:  allowAll{}, Recorder: allowAll{}, Log: slog.New(slog.DiscardHandler), DNS: c.dns,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.gateway = g
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = g.Shutdown(now) // calls it cuts off are what the test left behind
		for _, p := range c.peers {
			p.close()
		}
		synctest.Wait()
	})
	return c
}

// name has the SRV records of the PBX name these nodes, in this order of priority.
func (c *cluster) name(named ...int) {
	records := zone.Records{TTL: 30 * time.Second}
	for priority, i := range named {
		records.SRV = append(records.SRV, locate.SRV{
			Priority: uint16(priority), Port: nodes[i].Port(), Target: "node" + string(rune('0'+i)) + ".example",
		})
	}
	c.dns.Set("_sip._udp.pbx.example", records)
}

// reaches places a call and checks which nodes have its INVITE at once.
func (c *cluster) reaches(want ...int) {
	c.t.Helper()
	c.send(c.trunkSide, c.request(c.trunkSide, "INVITE", "a-call", ""), 0)
	c.have(want...)
}

// have checks which nodes received an INVITE since they were looked at last.
func (c *cluster) have(want ...int) {
	c.t.Helper()
	var got []int
	for i, node := range c.nodes {
		for _, m := range node.received() {
			if strings.HasPrefix(m, "INVITE ") && !slices.Contains(got, i) {
				got = append(got, i)
			}
		}
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("the INVITE is at nodes %v, want %v", got, want)
	}
}

// crash has a node say nothing any more.
func (c *cluster) crash(i int) { c.nodes[i].close() }

func TestClusterFollowsTheDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 0, 1)
		c.reaches(0)
		c.name(2)
		c.reaches(0) // the records still live
		time.Sleep(40 * time.Second)
		c.have(0, 1, 2) // what nobody answered went on, along the old list and the new
		c.reaches(2)
	})
}

func TestClusterWithoutDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 0)
		c.reaches(0)
		c.dns.Set("_sip._udp.pbx.example", zone.Records{Fails: true})
		time.Sleep(2 * time.Hour)
		c.have(0)
		c.reaches(0)
		c.name() // no records at all: a mistake of an operator ends no service either
		time.Sleep(time.Hour)
		c.have(0)
		c.reaches(0)
	})
}

func TestClusterSkipsADeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 0, 1)
		synctest.Wait()
		c.crash(0)
		time.Sleep(3100 * time.Millisecond)
		c.reaches(1)
		states := c.gateway.Targets()
		if len(states) != 2 || states[0].Addr != nodes[0] || states[0].Up || states[1].Addr != nodes[1] || !states[1].Up {
			t.Errorf("states %v", states)
		}
	})
}

// A call that meets the crash moves on before the pings tell of it.
func TestCallMovesOnFromADeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 0, 1)
		synctest.Wait()
		c.crash(0)
		c.reaches()
		time.Sleep(4100 * time.Millisecond)
		c.have(1)
	})
}

func TestClusterWithSlowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 0)
		c.dns.Set("pbx.example", zone.Records{Delay: time.Second}) // its NAPTR
		time.Sleep(time.Minute)
		c.reaches(0) // a look-up under way holds up nobody
		c.dns.Set("pbx.example", zone.Records{Delay: time.Hour})
		time.Sleep(time.Minute)
		c.have(0)
		c.reaches(0) // nor one that never ends
	})
}

func TestNobodyIsAtTheName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t)
		c.dns.Set("pbx.example", zone.Records{Delay: time.Hour})
		c.reaches()
		c.trunkSide.received()
		time.Sleep(5100 * time.Millisecond)
		if got := c.trunkSide.received(); len(got) == 0 || !strings.HasPrefix(got[0], "SIP/2.0 503 ") {
			t.Errorf("the caller received %q, want 503 within 5 seconds", got)
		}
		if states := c.gateway.Targets(); len(states) != 1 || states[0].Up || states[0].Addr.IsValid() {
			t.Errorf("states %v", states)
		}
	})
}
