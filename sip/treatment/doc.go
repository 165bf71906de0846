// Package treatment is the life of a treated call: what the caller and the person called are told,
// what they may choose, who is connected to whom, and the record that is left.
//
// It is a state machine without I/O: it has no sockets, no goroutines and no clock. It acts through
// small interfaces (Leg, Port, Clock, Reporter, Recorder) and learns what came of it by events, one
// at a time:
//
//	call := treatment.New(env, record, leg, offer)
//	call.Handle(treatment.Begun{})
//	for !call.Over() {
//		call.Handle(<-mailbox)
//	}
//
// None of the interfaces' methods may block, and none may call Handle: events go to a mailbox.
//
// What holds for every call, in whatever order things happen: when it is over, every leg has ended,
// every port is closed, no timer is armed, and one record was handed over. The caller is answered
// only when the call is taken, unless an option says otherwise. The states, which are named in
// states.go, end by themselves in bounded time until two people are connected.
//
// How the less usual calls are treated:
//
//   - A caller without an offer is answered with ours when the call is taken. She cannot have early
//     media: an announcement is left out, unless it is to be answered first; a challenge answers.
//   - A caller without G.711 cannot hear prompts: an announcement is left out, a challenge is failed.
//     She can still be connected, for the two agree on what both have once the call is taken.
//   - An offer of SRTP only, or without audio, is refused with 488: media is anchored here, and never
//     taken in the clear when it was offered encrypted.
//   - A redirection by the PBX would lead the caller past the gateway: she gets 480.
//   - Whoever hangs up on a warning has declined (603). Where she cannot be reached, the caller gets 480.
package treatment
