package proxy

// Stats counts what the core did since it was made.
type Stats struct {
	Requests      uint64 // received, retransmissions included
	Responses     uint64 // received
	Retransmitted uint64 // requests received again
	Panics        uint64 // messages whose handling panicked
	Shed          uint64 // INVITEs refused without a record, for want of room
	Treated       uint64 // calls handed over to the agent

	Dropped  [numDropCauses]uint64
	Answered [7]uint64 // final and provisional responses made here, by status class

	Setup        int // calls being set up now
	Transactions int // transactions held now, both kinds
}

// DropCause says why a message was dropped without an answer.
type DropCause uint8

// The causes.
const (
	DropUnknownSource DropCause = iota // not a configured peer
	DropOverRate                       // more than one source may send
	DropMalformed                      // nothing that could be answered
	DropStrayResponse                  // response to no transaction of ours (RFC 6026 §7.3)
	DropStrayAck                       // ACK that belongs to no call
	DropUnresolved                     // the next hop of an ACK has no address
	DropAckLoop                        // ACK that has no hops left, or loops
	numDropCauses
)

var dropNames = [numDropCauses]string{
	"unknown-source", "over-rate", "malformed", "stray-response", "stray-ack", "unresolved", "ack-loop",
}

// String is the word for the cause in metrics.
func (d DropCause) String() string { return dropNames[d] }

// DropCauses lists every cause.
func DropCauses() []DropCause {
	all := make([]DropCause, numDropCauses)
	for i := range all {
		all[i] = DropCause(i)
	}
	return all
}
