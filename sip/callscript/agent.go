package callscript

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/proxy"
)

// agentName is how scripts call the agent: a participant behind the gateway's core instead of on the
// network.
const agentName = "agent"

// agentContact is what the agent writes where its address should stand.
const agentContact = "sip:" + proxy.AgentUser + "1@" + proxy.AgentHost

// agent is the gateway's agent, played by the script.
type agent struct {
	party   *party
	wire    net.PacketConn
	changed chan struct{} // has room for one: a call has ended

	// Under run.mu.
	taken map[string]*call.Record // by reference, until their INVITE comes
	begun []*call.Record          // of the calls there are, the first begun first
}

// newAgent is the script's agent as the gateway makes it; nil if the site has none.
func (r *run) newAgent() sip.NewAgent {
	p := r.parties[agentName]
	if p == nil {
		return nil
	}
	return func(wire net.PacketConn) (sip.Agent, error) {
		a := &agent{party: p, wire: wire, changed: make(chan struct{}, 1), taken: map[string]*call.Record{}}
		r.mu.Lock()
		p.agent, p.packets = a, wire
		r.mu.Unlock()
		p.readers.Go(func() { p.readPackets(wire) })
		return a, nil
	}
}

// Take implements proxy.Treater.
func (a *agent) Take(record *call.Record) bool {
	a.party.run.mu.Lock()
	defer a.party.run.mu.Unlock()
	if a.party.full {
		return false
	}
	a.taken[record.Reference] = record
	return true
}

// Return implements proxy.Treater.
func (a *agent) Return(record *call.Record) bool {
	a.party.run.mu.Lock()
	defer a.party.run.mu.Unlock()
	found := a.taken[record.Reference] != nil
	delete(a.taken, record.Reference)
	return found
}

// begin notes that the INVITE of a call has come. run.mu is held.
func (a *agent) begin(m *sipText) {
	reference := proxy.ReferenceIn(m.get("x-ringfence"))
	if record := a.taken[reference]; record != nil && m.method() == "INVITE" && m.request() {
		delete(a.taken, reference)
		a.begun = append(a.begun, record)
	}
}

// Wait implements sip.Agent.
func (a *agent) Wait(ctx context.Context) error {
	for {
		a.party.run.mu.Lock()
		left := len(a.begun)
		a.party.run.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-a.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d treated calls are up: %w", left, ctx.Err())
		}
	}
}

// Close implements sip.Agent. The messages that end calls are the script's to send.
func (a *agent) Close(context.Context) error {
	a.party.run.mu.Lock()
	left := a.begun
	a.begun = nil
	a.party.run.mu.Unlock()
	for _, record := range left {
		record.Outcome.Cause = call.ReasonStopped
		a.party.run.Append(record)
	}
	err := a.wire.Close()
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("%d treated calls were cut off", len(left)))
	}
	return err
}

// agentParty finds the agent.
func (r *run) agentParty() (*party, error) {
	p := r.parties[agentName]
	if p == nil {
		return nil, errors.New("this site has no agent: say so first")
	}
	return p, nil
}

func (f full) run(r *run) error {
	p, err := r.agentParty()
	if err == nil {
		r.mu.Lock()
		p.full = f.full
		r.mu.Unlock()
	}
	return err
}

// run has the agent append the record of the call that it began first.
func (s records) run(r *run) error {
	p, err := r.agentParty()
	if err != nil {
		return err
	}
	r.settle()
	r.mu.Lock()
	begun := p.agent.begun
	if len(begun) == 0 {
		r.mu.Unlock()
		return errors.New("the agent has begun no call")
	}
	record := begun[0]
	p.agent.begun = begun[1:]
	r.mu.Unlock()
	record.Outcome.Status, record.Outcome.By = s.status, s.by
	r.Append(record)
	select {
	case p.agent.changed <- struct{}{}:
	default:
	}
	r.settle()
	return nil
}

// parseAgent reads what the agent does apart from sending: "agent is full", "agent has room", "agent
// records status=200 by=caller".
func parseAgent(words []string) (action, error) {
	switch {
	case words[0] == "records":
		fields, err := parseFields(words[1:], []string{"status", "by"})
		s := records{}
		for _, f := range fields {
			if f.name == "by" {
				err = errors.Join(err, s.by.UnmarshalText([]byte(f.value)))
				continue
			}
			n, wrong := strconv.Atoi(f.value)
			s.status, err = n, errors.Join(err, wrong)
		}
		return s, err
	case len(words) == 2 && words[0] == "is" && words[1] == "full":
		return full{true}, nil
	case len(words) == 2 && words[0] == "has" && words[1] == "room":
		return full{false}, nil
	}
	return nil, errors.New("the agent is full, has room, or records status=STATUS by=WHOM")
}
