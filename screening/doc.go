// Package screening decides what is done with a call: facts, rules and lists in, a verdict out. It
// opens no socket or file and reads no clock, so that a decision can be replayed from its record.
//
// A Pack is what a rule file says; Compile checks it and makes the Rules that calls are decided
// with; Rules.With adds what one site decides for itself; Decide applies them and Explain tells why.
package screening
