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

// NewAgent makes the agent at its end of the wire to the core, which it closes, also when it fails. What
// is written to the wire goes to the core, whatever address it is written to; that of the core is
// proxy.CoreAddr. The agent may read and write before NewAgent returns.
type NewAgent func(wire net.PacketConn) (Agent, error)

// begin makes the agent at its end of the wire, if there is to be one.
func (g *Gateway) begin(agent NewAgent, wire net.PacketConn) (err error) {
	if agent != nil {
		g.agent, err = agent(wire)
	}
	return err
}

// treater is the agent as the core sees it; nil if there is none.
func (g *Gateway) treater() proxy.Treater {
	if g.agent == nil {
		return nil
	}
	return g.agent
}

// endAgent lets treated calls go on until ctx ends, since their media passes through here, and ends those that
// are left.
func (g *Gateway) endAgent(ctx context.Context) error {
	if g.agent == nil {
		return nil
	}
	_ = g.agent.Wait(ctx) // Close says what is left
	last, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	return g.agent.Close(last)
}
