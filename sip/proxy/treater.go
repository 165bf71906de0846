package proxy

import (
	"net/netip"
	"strconv"
	"strings"

	"ringfence/call"
)

// Treater treats calls in the core's place: the agent, an application server behind the core. It is
// reached over a wire in memory, as one more listener of the transport (see CoreAddr), and every
// message of its calls goes through the core. Its methods are called with the core's lock held, so they
// must not block, and must not call the core.
type Treater interface {
	// Take is asked before the INVITE of a call is handed over. After true the record belongs to the
	// treater, which sees to it that it is appended exactly once. The INVITE follows over the wire; its
	// X-Ringfence header names the record (see ReferenceIn). After false, for want of room, the call
	// goes on without it.
	Take(record *call.Record) bool
	// Return asks for a record back: nobody has answered the INVITE, not even with a 100, or it could not
	// be delivered, or was cancelled before. It is true if the treater has not seen the INVITE, and then
	// the record is the core's again, and the treater answers the INVITE with 481 should it still come.
	// It is false when the treater has begun the call, or has appended the record.
	Return(record *call.Record) bool
}

// The two ends of the wire between core and agent. The address is the dummy address that no host has
// (RFC 7600 §4.8), and the wire is in memory.
var (
	CoreAddr  = netip.AddrPortFrom(dummy, 5060)
	AgentAddr = netip.AddrPortFrom(dummy, 5062)

	dummy = netip.AddrFrom4([4]byte{192, 0, 0, 8})
)

const (
	// AgentHost is the host that the agent writes into its Contact. Where a message leaves, the core puts
	// the address there that peers know the listener by, and SIPS in place of SIP in a call to a SIPS
	// URI. Parameters of the URI are dropped.
	AgentHost = "agent.invalid"
	// AgentUser begins the user part of every Contact of the agent. A request inside a dialog whose
	// Request-URI names the gateway with such a user is the agent's.
	AgentUser = "rf-"
)

// RouteToPBX is the value of the one Route header that sends an INVITE of the agent to the PBX targets,
// as a trunk's call with its Request-URI would go, with failover.
const RouteToPBX = "<sip:pbx.invalid;lr>"

// RouteToDivert is the value of the one Route header that sends an INVITE of the agent to a configured
// divert target. Diversion and History-Info are added on the way. A target that is not there is
// answered with 404.
func RouteToDivert(name string) string { return "<sip:" + name + "@" + divertHost + ";lr>" }

// Hosts of the Route by which the agent says where an INVITE goes.
const (
	pbxHost    = "pbx.invalid"
	divertHost = "divert.invalid"
)

// HeaderRingfence is the header in which the core speaks to the agent, and both to the PBX. It is
// taken out of everything that goes to a trunk.
const HeaderRingfence = "X-Ringfence"

// ReferenceIn reads the reference of the record from the X-Ringfence header of an INVITE that was handed
// over. It is empty if there is none. The agent copies the header to the INVITEs it sends.
func ReferenceIn(value string) string { return parameter(value, "ref") }

// Way is where an INVITE of the agent went, as far as a response tells.
type Way struct {
	Target   string      // name of the PBX or divert target that it went to last; may be empty
	Attempts int         // places tried
	Cause    call.Reason // why the gateway found no way, in a final response of its own; mostly empty
}

// WayIn reads the X-Ringfence header that every response to an INVITE of the agent outside a dialog has,
// but for a 100.
func WayIn(value string) Way {
	attempts, _ := strconv.Atoi(parameter(value, "attempts")) // ours: there is no other
	return Way{parameter(value, "target"), attempts, call.Reason(parameter(value, "cause"))}
}

// parameter finds a parameter in a value that the core wrote: "a=b;c=\"d\"".
func parameter(value, name string) string {
	for value != "" {
		var key, word string
		key, value, _ = strings.Cut(strings.TrimLeft(value, "; "), "=")
		if quoted, err := strconv.QuotedPrefix(value); err == nil && value[0] == '"' {
			word, value = quoted, value[len(quoted):]
			word, _ = strconv.Unquote(word)
		} else {
			word, value, _ = strings.Cut(value, ";")
		}
		if key == name {
			return word
		}
	}
	return ""
}
