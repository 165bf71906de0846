package treatment

import (
	"net/netip"
	"time"

	"ringfence/call"
	"ringfence/media"
)

// Header is a SIP header line.
type Header struct{ Name, Value string }

// Destination says where a leg calls.
type Destination struct {
	Divert string // name of a configured divert target; empty: the PBX, as the caller's Request-URI says
	Label
}

// Label is how the caller is shown to whom a leg calls (From, P-Asserted-Identity). The zero Label leaves all
// as it came.
type Label struct {
	Prefix   string // put before the display name
	HideName bool   // the number stands in place of the name
}

// Leg is one side of a treated call as a SIP dialog. No method blocks; what comes of it is told by
// events. Retransmission, PRACK (RFC 3262), session timers (RFC 4028), retries after glare (RFC 3261
// §14.1) and forking are the leg's own business.
type Leg interface {
	// Progress sends a provisional response to the caller: 180, or 183 with an SDP answer, which is
	// early media. It may be called again, without a description when one was sent.
	Progress(status int, description []byte)
	// Accept sends the caller the 200, with the same answer that Progress sent if it sent one. To an
	// offerless INVITE the description is an offer, and its answer comes as Agreed.
	Accept(description []byte)
	// Refuse sends the caller a final response of 300 or more. The leg has then ended.
	Refuse(status int, headers []Header)
	// Invite begins a leg made by Env.NewLeg, at most once.
	Invite(to Destination, description []byte)
	// Offer sends a re-INVITE. Agreed or OfferRefused follows, within bounded time. At most one offer
	// is made at a time.
	Offer(description []byte)
	// Reply answers the request of a Reoffered or Transferred event. A status of 200 to Reoffered has
	// the SDP answer, or to an offerless one an offer.
	Reply(id uint64, status int, description []byte)
	// Transfer sends a REFER to target. TransferReplied follows, then perhaps Notified.
	Transfer(target string)
	// Notify tells whoever asked for a transfer how it goes.
	Notify(body []byte, state string)
	// End ends the dialog by whatever its state asks for: CANCEL, BYE, or a final response to what is
	// unanswered. The leg sees to the rest by itself, also to a 200 that crosses its CANCEL; no event
	// of it is needed any more. reason is the value of a Reason header (RFC 3326). A caller's leg that
	// has no final response yet is ended by Refuse, not by End.
	End(reason string)
}

// Port is the audio of one leg: an RTP socket of ours and what is sent from it.
type Port interface {
	// Local is where the port receives, as the other side is told.
	Local() netip.AddrPort
	// Agree sets what an offer and answer came to. It is called again when that changes.
	Agree(stream media.Stream)
	// Play sends prompts in their order, so many times over, or until stopped when times is Forever.
	// A playback under way is replaced, and its Played may come or not. Played with the number
	// returned comes when it is over. A prompt that is missing in the language is played in the
	// site's own, and passed over when that is missing, too.
	Play(language string, prompts []string, times int) uint64
	// Stop ends the playback, if there is one.
	Stop()
	// Hear sets what is sent while nothing plays: nothing, what one other port receives (packet for
	// packet, A-law and µ-law transcoded, keys under the payload type of this side), or several
	// G.711 ports mixed.
	Hear(others ...Port)
	// AwaitSpeech has Spoke sent, once, when the party next begins to speak.
	AwaitSpeech()
	// Close frees the port. It is the last call.
	Close()
}

// Forever plays until stopped.
const Forever = 0

// Clock is the call's time. A call has at most one timer armed.
type Clock interface {
	Now() time.Time
	// Arm has Elapsed{timer} sent after d, unless stopped before. Each timer has a new number.
	Arm(timer uint64, d time.Duration)
	// Stop disarms a timer. An Elapsed that is on its way already is passed over.
	Stop(timer uint64)
}

// Reporter takes the reports of people who were called.
type Reporter interface {
	// Report reports the caller of a call whom the person called refused with it. The record is not
	// kept: what is needed of it is copied.
	Report(record *call.Record)
	// ReportLast reports the last caller of the member of the site who makes the call of this record.
	// Reported follows.
	ReportLast(record *call.Record)
}

// Recorder takes the record of a call that has ended; it belongs to the recorder from then on. What only
// the legs know, Outcome.Attempts, is for the recorder to fill in.
type Recorder interface {
	Append(record *call.Record)
}

// Env is what a call acts through.
type Env struct {
	Options  *Options // as they were when the call began; never changed
	Clock    Clock
	Reporter Reporter
	Recorder Recorder
	Passed   *Memory // callers who passed a challenge lately; shared by all calls

	// NewLeg makes a leg that is not begun. Its events carry id.
	NewLeg func(id LegID) Leg
	// OpenPort opens a port for the audio of a leg, whose events carry id. It is of the address family
	// of peer, or of the PBX's when peer is zero. The error is that no port is free.
	OpenPort func(id LegID, peer netip.Addr) (Port, error)
	// Random returns an unpredictable word, for the digits of a challenge.
	Random func() uint64
}
