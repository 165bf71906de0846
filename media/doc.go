// Package media is the sound of treated calls: it reads and writes SDP descriptions, keeps the
// announcements, and carries the RTP of all legs.
//
// An Engine has one clock, which sends what is due to every leg, and on Linux a few
// receivers for all sockets. A Leg is one side of a call. What it is sent is chosen by what it is to hear: a playback of
// prompts, silence, the packets of one other leg, or the mixed sound of several; to its party that is one
// RTP stream throughout.
//
// The way of a packet: receive.go judges it (incoming.go: where from, in which order; keys.go: is it a
// key), relay.go or mix.go takes it to the legs that hear its leg, outgoing.go numbers it into their
// streams, and socket_linux.go sends it. clock.go and wheel.go say when a leg is due, leg.go and play.go
// what it is sent then, and care.go and rtcp.go do what happens once a second or less.
package media
