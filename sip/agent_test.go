package sip_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"ringfence/sip"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
)

// TestAgentThatCannotBegin: the gateway does not start, and leaves its addresses free.
func TestAgentThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := memory.New()
		_, err := sip.Start(sip.Options{
			Listeners: []sip.Listener{{Addr: ipv4[1]}, {Protocol: transport.TCP, Addr: ipv4[1]}},
			Transport: transport.Options{ListenPacket: wire.ListenPacket, ListenStream: wire.Listen, Dial: wire.Dial},
			Screener:  allowAll{}, Recorder: allowAll{},
			Agent: func(conn net.PacketConn) (sip.Agent, error) {
				return nil, errors.Join(errors.New("no prompts"), conn.Close())
			},
		})
		if err == nil || !strings.Contains(err.Error(), "no prompts") {
			t.Fatal(err)
		}
		packets, err := wire.ListenPacket(ipv4[1])
		if err != nil {
			t.Fatal(err)
		}
		streams, err := wire.Listen(ipv4[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(packets.Close(), streams.Close()); err != nil {
			t.Error(err)
		}
	})
}
