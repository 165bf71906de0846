package treatment

import (
	"time"

	"ringfence/call"
)

// LegID names a leg within its call. The caller's is 0; the legs that the call begins are numbered
// from 1, in the order they are made, and no number is used twice.
type LegID uint8

// CallerLeg is the leg whose INVITE began the call.
const CallerLeg LegID = 0

// MaxLegs bounds the legs of one call, the caller's included.
const MaxLegs = 8

// Event is something that happened to a call. It is one of the types below. Events of legs that were
// told to End, or that have ended, may still come; they are passed over.
type Event interface{ leg() LegID }

// Begun is the first event of every call.
type Begun struct{}

// Progressed is a provisional response (101-199) to Leg.Invite.
type Progressed struct {
	Leg         LegID
	Status      int
	Description []byte // SDP answer, for early media; may be nil
	Target      string // configured name of the target that answers, when the leg knows it
}

// Answered is the 2xx to Leg.Invite, which the leg has acknowledged.
type Answered struct {
	Leg         LegID
	Description []byte // SDP answer; nil when it came in a provisional response already
	Target      string // as in Progressed
}

// Refused is the final response of 300 or more to Leg.Invite, or that none came: then Status is 408.
// The leg has ended.
type Refused struct {
	Leg     LegID
	Status  int
	Headers []Header // those that may be passed on to the caller
	Target  string   // as in Progressed
	// Cause is why the gateway itself has refused, empty when whoever was called did.
	Cause call.Reason
}

// Reoffered is a re-INVITE or UPDATE (RFC 3311) within a dialog. It is answered by Leg.Reply.
type Reoffered struct {
	Leg         LegID
	ID          uint64 // of the request, for Leg.Reply
	Description []byte // SDP offer; nil in an offerless re-INVITE, whose answer comes as Agreed
}

// Agreed is the answer to an offer of ours: to Leg.Offer, or to the offer that Leg.Accept or Leg.Reply
// carried, as the ACK brings it.
type Agreed struct {
	Leg         LegID
	Description []byte // SDP answer; nil when the ACK should have had one and did not
}

// OfferRefused says that Leg.Offer came to nothing. What was agreed before stands.
type OfferRefused struct {
	Leg    LegID
	Status int // of the response, 408 when there was none
}

// Transferred is a REFER (RFC 3515) within a dialog. It is answered by Leg.Reply.
type Transferred struct {
	Leg    LegID
	ID     uint64
	Target string // value of Refer-To, parameters included
}

// TransferReplied is the final response to Leg.Transfer.
type TransferReplied struct {
	Leg    LegID
	Status int
}

// Notified is a NOTIFY on how a transfer goes. The leg has answered it.
type Notified struct {
	Leg   LegID
	Body  []byte // message/sipfrag
	State string // value of Subscription-State
}

// Manner says how a dialog ended.
type Manner uint8

// The manners.
const (
	HungUp    Manner = iota // BYE
	Cancelled               // CANCEL, answered with 487 by the leg
	Expired                 // its session timer ran out (RFC 4028)
	Lost                    // its peer is gone: no ACK, 408 or 481 within the dialog, transport broken; a caller without a PRACK was sent 504
)

// Ended says that a leg's dialog is over, without Leg.End having been called.
type Ended struct {
	Leg    LegID
	How    Manner
	Reason string // value of the request's Reason header (RFC 3326), to be passed on; may be empty
}

// Keyed is a key pressed by whoever is on a leg: 0-9, *, # or A-D, however it was signalled.
type Keyed struct {
	Leg LegID
	Key byte
}

// Played says that a playback is over, because it came to its end or was stopped.
type Played struct {
	Leg      LegID
	Playback uint64        // as Port.Play returned it
	Heard    time.Duration // how much of it was sent
}

// Silent says that a leg which should send has sent neither RTP nor RTCP for the configured time.
type Silent struct{ Leg LegID }

// Spoke says that whoever is on a leg began to speak, after Port.AwaitSpeech.
type Spoke struct{ Leg LegID }

// Elapsed says that the time of a timer has come.
type Elapsed struct{ Timer uint64 } // as given to Clock.Arm

// Reported is what came of Reporter.ReportLast.
type Reported struct {
	Found     bool   // there was a last caller, who is reported now
	Reference string // of the call that is reported
}

// Stopped ends the call whatever it does: the gateway shuts down, or has a fault.
type Stopped struct {
	Status int         // sent to a caller who has no final response yet, such as 503 or 500
	Cause  call.Reason // for the record
}

// noLeg is what events that belong to no leg name.
const noLeg LegID = 255

func (Begun) leg() LegID             { return noLeg }
func (e Progressed) leg() LegID      { return e.Leg }
func (e Answered) leg() LegID        { return e.Leg }
func (e Refused) leg() LegID         { return e.Leg }
func (e Reoffered) leg() LegID       { return e.Leg }
func (e Agreed) leg() LegID          { return e.Leg }
func (e OfferRefused) leg() LegID    { return e.Leg }
func (e Transferred) leg() LegID     { return e.Leg }
func (e TransferReplied) leg() LegID { return e.Leg }
func (e Notified) leg() LegID        { return e.Leg }
func (e Ended) leg() LegID           { return e.Leg }
func (e Keyed) leg() LegID           { return e.Leg }
func (e Played) leg() LegID          { return e.Leg }
func (e Silent) leg() LegID          { return e.Leg }
func (e Spoke) leg() LegID           { return e.Leg }
func (Elapsed) leg() LegID           { return noLeg }
func (Reported) leg() LegID          { return noLeg }
func (Stopped) leg() LegID           { return noLeg }
