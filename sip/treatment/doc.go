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
package treatment
