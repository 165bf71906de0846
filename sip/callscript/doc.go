// Package callscript reads and runs call scripts: who sends what, what is expected, how time passes,
// and the record that results. One script serves as test, documentation and bug report. The format
// is described in docs/call-scripts.md.
//
// A script runs against a whole gateway, with real transport and core, between participants that
// the runner plays. In virtual time (testing/synctest) it runs on a wire in memory; without it, on
// loopback sockets. The runner reads and writes SIP by itself, so that it does not share the mistakes
// of the code that it tests.
package callscript
