// Package call holds the words that every part of Ringfence shares: the Number of a party, the
// Facts known of a call attempt, the Verdict reached on it, and the Record kept of it.
//
// The package depends on the standard library only, does no I/O and reads no clock, so that a
// decision can be made, stored and replayed from these types alone.
package call
