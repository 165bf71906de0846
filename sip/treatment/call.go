package treatment

import "ringfence/call"

// Call is a treated call. It is used by one goroutine at a time.
type Call struct {
	env    Env
	record *call.Record
	offer  []byte
	over   bool
}

// New makes a call of an INVITE that asks for a treatment. record has its verdict, one of call.Warn,
// Announce, Challenge and TakeReport, and belongs to the call until it is handed to the Recorder.
// offer is the SDP of the INVITE, nil when there was none. Nothing happens before the event Begun.
func New(env Env, record *call.Record, caller Leg, offer []byte) *Call {
	record.Treated = &call.Treated{}
	return &Call{env: env, record: record, offer: offer}
}

// Handle takes one event, and acts on it.
func (c *Call) Handle(e Event) {}

// Over reports whether the call has ended: all legs are told to end, all ports closed, no timer is
// armed, and the record is handed over. Events are passed over from then on.
func (c *Call) Over() bool { return c.over }
