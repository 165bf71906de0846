package treatment

import (
	"bytes"
	"time"

	"ringfence/call"
	"ringfence/media"
)

// Call is a treated call. It is used by one goroutine at a time.
type Call struct {
	env    Env
	record *call.Record
	state  State

	sides  []*side // by LegID
	caller *side
	called *side // whom the caller is, or is to be, connected with; nil before
	centre *side // the reporting line, when it is called for the person called; nil otherwise

	timer    uint64    // number of the timer that was armed last
	armed    bool      // it has not elapsed
	speaking *speech   // what the state waits for, if anything
	trade    *exchange // an offer that is under way, if any

	settled   bool      // the caller was given a final response
	connected time.Time // when the two began to hear each other; zero: not yet

	opened       func()    // what stateOpening leads to
	early        []byte    // our answer to the caller's offer, given before the call was
	entertained  bool      // something plays to the caller who waits
	alerted      bool      // the caller was sent a 180
	rounds       int       // how often the warning was played
	tries        int       // how often the caller was asked for digits
	expected     string    // the digits
	entered      string    // those pressed so far
	targets      []string  // divert targets that were called
	centreSpeaks bool      // the caller hears the reporting line that listens in
	centreKeyed  bool      // it presses a key for that
	transfer     *transfer // the last one that was passed
	offered      bool      // the INVITE had an offer
}

// New makes a call of an INVITE that asks for a treatment. record has its verdict, one of call.Warn,
// Announce, Challenge, Divert and TakeReport, and belongs to the call until it is handed to the Recorder.
// offer is the SDP of the INVITE, nil when there was none. Nothing happens before the event Begun.
func New(env Env, record *call.Record, caller Leg, offer []byte) *Call {
	record.Treated = &call.Treated{}
	c := &Call{env: env, record: record, offered: len(offer) > 0}
	c.caller = &side{id: CallerLeg, leg: caller, live: true, far: description{raw: bytes.Clone(offer)}}
	c.sides = []*side{c.caller}
	return c
}

// State is what the call is doing.
func (c *Call) State() State { return c.state }

// Over reports whether the call has ended: all legs are told to end, all ports closed, no timer is
// armed, and the record is handed over. Events are passed over from then on.
func (c *Call) Over() bool { return c.state == stateOver }

// Handle takes one event, and acts on it. What is the same in every state is done here; the rest is
// the state's.
func (c *Call) Handle(e Event) {
	var s *side
	if id := e.leg(); id != noLeg {
		if int(id) >= len(c.sides) || !c.sides[id].live {
			return
		}
		s = c.sides[id]
	}
	switch e := e.(type) {
	case Stopped:
		c.stop(e)
		return
	case Ended:
		c.ended(s, e)
		return
	case Silent:
		c.silent(s)
		return
	case Reoffered:
		c.reoffered(s, e)
		return
	case Transferred:
		c.transferred(s, e)
		return
	case TransferReplied:
		c.transferReplied(s, e)
		return
	case Notified:
		c.notified(s, e)
		return
	case Agreed:
		if c.agreed(s, e) {
			return
		}
	case OfferRefused:
		c.offerRefused(s, e)
		return
	case Keyed:
		c.note(s, e.Key)
	case Played:
		if !c.said(e) {
			return
		}
	case Elapsed:
		if !c.armed || e.Timer != c.timer {
			return
		}
		c.armed = false
		if c.speaking != nil { // Played is overdue: as if it had come
			c.hush()
			states[c.state].handle(c, Played{})
			return
		}
	}
	states[c.state].handle(c, e)
}

// whenNew begins the treatment that the verdict asks for.
func (c *Call) whenNew(e Event) {
	if _, begun := e.(Begun); !begun {
		return
	}
	if !c.admit() {
		return
	}
	switch t := c.record.Verdict.Treatment.(type) {
	case call.Warn:
		c.summon(t)
	case call.Announce:
		c.announce(t)
	case call.Challenge:
		c.challenge()
	case call.Divert:
		c.divert(t.Target)
	case call.TakeReport:
		c.takeReport()
	default:
		c.stop(Stopped{Status: 500, Cause: call.ReasonInternal})
	}
}

// enter goes to a state for at most d; without limit when d is 0.
func (c *Call) enter(s State, d time.Duration) {
	c.state = s
	c.arm(d)
}

// arm replaces the call's timer.
func (c *Call) arm(d time.Duration) {
	if c.armed {
		c.env.Clock.Stop(c.timer)
		c.armed = false
	}
	if d > 0 {
		c.timer++
		c.armed = true
		c.env.Clock.Arm(c.timer, d)
	}
}

// Bounds of what others should do within their own, if all is well.
const (
	maxSpeech = 2 * time.Minute  // for the prompts of one state to be played
	maxAgree  = 40 * time.Second // for an offer or an ACK: more than a transaction takes (RFC 3261 §17)
	maxLookUp = 5 * time.Second  // for the last caller to be found
)

// note keeps a key for the record. What is pressed once the two are connected is theirs alone.
func (c *Call) note(s *side, key byte) {
	t := c.record.Treated
	switch {
	case !c.connected.IsZero():
	case s == c.caller && len(t.CallerKeys) < call.MaxKeys:
		t.CallerKeys += string(rune(key))
	case s == c.called && len(t.CalledKeys) < call.MaxKeys:
		t.CalledKeys += string(rune(key))
	}
}

// admit reads the offer and gives the caller a port, of the address family of her media, which need not be that of
// her signalling. She is refused when that does not do: with 488 when there is no audio in the offer that can be
// passed on, as when it asks for SRTP. The proxy core hands such a call over only if it is a way around the treatment.
func (c *Call) admit() bool {
	family := c.record.Facts.Peer.Addr()
	if c.offered {
		offer, err := read(c.caller.far.raw)
		if err == nil {
			err = media.CheckOffer(offer.Description)
		}
		if err != nil {
			c.fail(488, call.EndedByGateway, warning(err))
			return false
		}
		c.caller.far, family = offer, offer.Address()
	}
	if err := c.openPort(c.caller, family); err != nil {
		c.record.Outcome.Cause = call.ReasonOverload
		c.fail(503, call.EndedByGateway, nil)
		return false
	}
	return true
}
