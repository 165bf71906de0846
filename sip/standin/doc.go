// Package standin plays the two neighbours of a gateway: a small PBX that answers calls and a trunk
// caller that places them. The demo and the tests use it, so it is built on sipgo and shares no
// SIP code with the gateway it talks to.
//
// A PBX and a Caller are each one SIP endpoint on UDP and TCP. Everything they hold for the other
// side is bounded: calls at a time, length of a call, sources and connections.
package standin
