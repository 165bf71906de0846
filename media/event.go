package media

import "time"

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	EventKey    EventKind = iota // the party pressed Key (RFC 4733), told when the first packet of it comes
	EventPlayed                  // Playback is over or was cut off; Heard says after how much
	EventSilent                  // neither RTP nor RTCP came for Options.Silence; told again each time as much time has passed without any
	EventSpoke                   // the party began to speak, after AwaitSpeech
)

// Event is something that happened at a leg.
type Event struct {
	Kind     EventKind
	Key      byte          // '0' to '9', '*', '#', 'A' to 'D'
	Playback uint64        // as Play returned it
	Heard    time.Duration // sound of the playback that was sent
	Complete bool          // the playback was sent to its end
}
