package treatment

// State is what a call is doing.
type State uint8

// The states. Every one but stateConnected, stateAdvised and stateOver has a time limit.
const (
	stateNew         State = iota // waits for Begun
	stateOpening                  // an offerless caller was answered; her ACK brings her answer
	stateAnnouncing               // the caller hears an announcement, and then goes on or is refused
	stateChallenging              // the caller is asked for digits
	stateFailing                  // the caller hears that she did not pass
	stateRinging                  // the PBX is called, and whoever answers is connected
	stateSummoning                // the PBX is called, and whoever answers is warned
	stateWarning                  // the person called hears the warning
	stateChoosing                 // she hears the menu, and chooses
	stateConsenting               // she hears what listening in means
	stateDiverting                // a divert target is called
	stateTaking                   // the call is taken; the two sides agree on the media
	stateConnected                // the two hear each other
	stateHandingOver              // the caller is refused; the reporting line is called for her
	stateAdvised                  // she talks with the reporting line
	stateLookingUp                // a member reports: her last caller is looked up
	stateThanking                 // she who reports hears what came of it
	stateOver
)

// states are their names, for logs and metrics, and what handles events in them.
var states = [...]struct {
	name   string
	handle func(*Call, Event)
}{
	stateNew:         {"new", (*Call).whenNew},
	stateOpening:     {"opening", (*Call).whenOpening},
	stateAnnouncing:  {"announcing", (*Call).whenAnnouncing},
	stateChallenging: {"challenging", (*Call).whenChallenging},
	stateFailing:     {"failing", (*Call).whenFailing},
	stateRinging:     {"ringing", (*Call).whenRinging},
	stateSummoning:   {"summoning", (*Call).whenSummoning},
	stateWarning:     {"warning", (*Call).whenWarning},
	stateChoosing:    {"choosing", (*Call).whenChoosing},
	stateConsenting:  {"consenting", (*Call).whenConsenting},
	stateDiverting:   {"diverting", (*Call).whenDiverting},
	stateTaking:      {"taking", (*Call).whenTaking},
	stateConnected:   {"connected", (*Call).whenConnected},
	stateHandingOver: {"handing-over", (*Call).whenHandingOver},
	stateAdvised:     {"advised", (*Call).whenAdvised},
	stateLookingUp:   {"looking-up", (*Call).whenLookingUp},
	stateThanking:    {"thanking", (*Call).whenThanking},
	stateOver:        {"over", func(*Call, Event) {}},
}

// String is the word used in logs and metrics.
func (s State) String() string {
	if int(s) < len(states) {
		return states[s].name
	}
	return "unknown"
}
