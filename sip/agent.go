package sip

import (
	"context"
	"net"

	"ringfence/sip/proxy"
)

// Agent treats calls behind the core.
type Agent interface {
	proxy.Treater
	// Wait returns when the agent has no call, or ctx ends: then with an error that says how many it has.
	Wait(ctx context.Context) error
	// Close ends every call that there is with a BYE, CANCEL or final response on each of its legs, waits
	// for the answers until ctx ends, and closes the wire. When it returns, each record that the agent
	// took and did not return is appended, and nothing of the agent runs any more. The error says how
	// many calls were cut off. It is called once.
	Close(ctx context.Context) error
}

// NewAgent makes the agent at its end of the wire to the core. What is written to the wire goes to the
// core, whatever address it is written to; that of the core is proxy.CoreAddr. The agent may read and
// write before NewAgent returns.
type NewAgent func(wire net.PacketConn) (Agent, error)
