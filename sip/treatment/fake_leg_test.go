package treatment

import (
	"fmt"
	"net/netip"
	"time"

	"ringfence/media"
)

// fakeLeg is one leg, its port, and whoever is at its other end.
type fakeLeg struct {
	w    *world
	id   LegID
	name string
	to   Destination

	made, invited bool
	early         bool // a description went in a provisional response
	final         bool // the INVITE had its final response
	up            bool // by 200
	over          bool
	offering      []byte          // our offer that is not answered
	awaits        int             // answers in ACKs that may come
	asked         map[uint64]bool // their requests that are not replied to; true: they wait for an offer
	transferring  bool            // our REFER is not replied to
	numbers       uint64

	local    netip.AddrPort
	port     *fakePort
	party    *media.Party // of the other end
	heard    []byte       // the last offer in either direction
	playing  uint64
	length   time.Duration
	started  time.Time
	plays    uint64
	forever  bool
	hears    []*fakeLeg
	stream   media.Stream
	watching bool // AwaitSpeech
}

func (l *fakeLeg) remote() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), 40000+2*uint16(l.id))
}

func (l *fakeLeg) does(format string, args ...any) {
	if l.over {
		l.w.fault("%s: "+format+" after its end", append([]any{l.name}, args...)...)
	}
	l.w.note(l.name+": "+format, args...)
}

func (l *fakeLeg) Progress(status int, description []byte) {
	l.does("%d%s", status, brief(description))
	if l.id != CallerLeg || l.final {
		l.w.fault("%s: progress at the wrong time", l.name)
	}
	if len(description) > 0 {
		if l.early || len(l.heard) == 0 {
			l.w.fault("%s: a description too many", l.name)
		}
		l.early = true
	}
}

func (l *fakeLeg) Accept(description []byte) {
	l.does("200%s", brief(description))
	if l.id != CallerLeg || l.final || len(description) == 0 {
		l.w.fault("%s: accept at the wrong time, or with nothing", l.name)
	}
	if len(l.heard) == 0 {
		l.awaits++
		l.heard = description
	}
	l.final, l.up = true, true
}

func (l *fakeLeg) Refuse(status int, headers []Header) {
	text := ""
	for _, h := range headers {
		text += fmt.Sprintf(" [%s: %s]", h.Name, h.Value)
	}
	l.does("%d%s", status, text)
	if l.id != CallerLeg || l.final || status < 400 {
		l.w.fault("%s: refuse at the wrong time, or with no refusal", l.name)
	}
	l.final, l.over = true, true
}

func (l *fakeLeg) Invite(to Destination, description []byte) {
	l.to = to
	l.name = "pbx"
	if to.Divert != "" {
		l.name = to.Divert
	}
	prefix := ""
	if to.Prefix != "" {
		prefix = " labelled " + to.Prefix
	}
	l.does("INVITE%s%s", prefix, brief(description))
	if !l.made || l.invited || len(description) == 0 {
		l.w.fault("%s: invite at the wrong time", l.name)
	}
	l.invited, l.heard = true, description
}

func (l *fakeLeg) Offer(description []byte) {
	l.does("re-INVITE%s", brief(description))
	if !l.up || l.offering != nil || l.awaits > 0 || len(description) == 0 {
		l.w.fault("%s: offer at the wrong time", l.name)
	}
	l.offering = description
}

func (l *fakeLeg) Reply(id uint64, status int, description []byte) {
	l.does("replies %d%s", status, brief(description))
	offerless, asked := l.asked[id]
	if !asked {
		l.w.fault("%s: reply to nothing", l.name)
	}
	if offerless && status == 200 {
		l.awaits++
		l.heard = description
	}
	delete(l.asked, id)
}

func (l *fakeLeg) Transfer(target string) {
	l.does("REFER to %s", target)
	l.transferring = true
}

func (l *fakeLeg) Notify(body []byte, state string) { l.does("NOTIFY %s %s", body, state) }

func (l *fakeLeg) End(reason string) {
	l.does("ends [%s]", reason)
	if !l.invited || l.id == CallerLeg && !l.final {
		l.w.fault("%s: end at the wrong time", l.name)
	}
	l.over = true
}

// ask numbers a request of the other end, which waits for an offer or not.
func (l *fakeLeg) ask(offerless bool) uint64 {
	if l.asked == nil {
		l.asked = make(map[uint64]bool)
	}
	l.numbers++
	l.asked[l.numbers] = offerless
	return l.numbers
}

// answer is what the other end answers to an offer, of the kind that it speaks.
func (l *fakeLeg) answer(offer []byte, kind string) []byte {
	if kind == "rubbish" || kind == "none" || kind == "" {
		return sdp(kind, l.remote(), "")
	}
	theirs, err := media.ParseSDP(offer)
	if err != nil {
		l.w.fault("%s: offer: %v", l.name, err)
	}
	speaks, err := media.ParseSDP(sdp(kind, l.remote(), "sendrecv"))
	if err != nil {
		l.w.fault("%s: %v", l.name, err)
	}
	l.party.Video = speaks.HasVideo()
	answer, _, err := l.party.AnswerAs(theirs, speaks)
	if err != nil {
		return sdp("rubbish", l.remote(), "")
	}
	return answer
}
