package treatment

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringfence/call"
	"ringfence/sip/redress"
)

var update = flag.Bool("update", false, "write what happens into the scripts")

// TestScripts plays the calls of testdata/calls. A line at the margin says what happens, the lines that
// are indented below it all that the call does then:
//
//	set voicemail=mailbox             settings, see setting
//	warn officials offers=g711        the verdict, its category, and what the caller's INVITE offers
//	pbx 180                           a response, with what is spoken there if it has SDP: pbx 200 g711
//	pbx played                        the prompts there have come to their end
//	pbx presses 1
//	caller hangs up | caller cancels | pbx is lost | pbx is silent | centre speaks
//	pbx offers g711 sendonly          a re-INVITE; with nothing named an offerless one
//	caller agrees g711                the answer to an offer of ours
//	pbx refuses 488                   an offer of ours
//	pbx transfers sip:a@b | caller replies 202 | caller tells SIP/2.0 200 OK
//	found 123456789015 | found nothing
//	wait 15s                          the time passes, with what elapses meanwhile
//	stop 503 stopped                  the gateway stops
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/calls/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, options: defaultOptions()}
	var played strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		played.WriteString(line)
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			s.line = strings.TrimSpace(line)
			s.step(words)
			for _, done := range s.world.take() {
				played.WriteString("    " + done + "\n")
			}
		}
	}
	for _, fault := range s.world.faults {
		t.Error(fault)
	}
	if !s.world.call.Over() {
		t.Errorf("the call is not over: %s", s.world.call.State())
	}
	if *update {
		if err := os.WriteFile(file, []byte(played.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if played.String() != string(text) {
		t.Errorf("what happens is:\n%s", played.String())
	}
}

func defaultOptions() Options {
	return Options{
		Language: "zh",
		Warn:     WarnOptions{Menu: true, Repeat: 1, AnswerWithin: time.Minute, ChooseWithin: 15 * time.Second},
		Challenge: ChallengeOptions{
			Tries: 2, Within: 8 * time.Second, Remember: time.Hour,
		},
		Redress:   redress.Contact{Phone: "02155500000"},
		Fallbacks: map[string]string{},
	}
}

type script struct {
	t       *testing.T
	options Options
	world   *world
	passed  bool // the caller passed a challenge lately
	full    bool // no RTP port is free
	line    string
}

func (w *world) take() []string {
	if w == nil {
		return nil
	}
	done := w.done
	w.done = nil
	return done
}

func (s *script) fatal(why string) {
	s.t.Helper()
	s.t.Fatalf("%q: %s", s.line, why)
}

// step does what a line says.
func (s *script) step(words []string) {
	s.t.Helper()
	if words[0] == "set" {
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			s.set(name, value)
		}
		return
	}
	if s.world == nil {
		s.begin(words)
		return
	}
	w := s.world
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.fatal(err.Error())
		}
		end := w.now.Add(d)
		for w.timer != 0 && !w.due.After(end) {
			w.elapse()
		}
		w.now = end
	case "found":
		e := Reported{Found: words[1] != "nothing"}
		if e.Found {
			e.Reference = words[1]
		}
		w.handle(e)
	case "stop":
		status, _ := strconv.Atoi(words[1])
		w.handle(Stopped{Status: status, Cause: call.Reason(words[2])})
	default:
		leg := w.leg(words[0])
		if leg == nil {
			s.fatal("there is no such leg")
		}
		s.happen(leg, words[1:])
	}
}

// happen gives the call an event of a leg.
func (s *script) happen(leg *fakeLeg, words []string) {
	s.t.Helper()
	w, id := s.world, leg.id
	words = append(words, "", "")
	if status, err := strconv.Atoi(words[0]); err == nil {
		s.respond(leg, status, words[1])
		return
	}
	switch words[0] {
	case "played":
		leg.played()
	case "presses":
		w.handle(Keyed{Leg: id, Key: words[1][0]})
	case "hangs":
		leg.over = true
		w.handle(Ended{Leg: id, How: HungUp})
	case "cancels":
		leg.final, leg.over = true, true
		w.handle(Ended{Leg: id, How: Cancelled})
	case "is":
		if words[1] == "silent" {
			w.handle(Silent{Leg: id})
			return
		}
		leg.final, leg.over = true, true
		w.handle(Ended{Leg: id, How: Lost})
	case "speaks":
		if !leg.watching {
			s.fatal("nobody waits for it")
		}
		w.handle(Spoke{Leg: id})
	case "offers":
		w.handle(Reoffered{Leg: id, ID: leg.ask(words[1] == ""), Description: sdp(words[1], leg.remote(), words[2])})
	case "agrees":
		offer := leg.offering
		if leg.offering = nil; offer == nil {
			offer, leg.awaits = leg.heard, 0
		}
		w.handle(Agreed{Leg: id, Description: leg.answer(offer, words[1])})
	case "refuses":
		status, _ := strconv.Atoi(words[1])
		leg.offering = nil
		w.handle(OfferRefused{Leg: id, Status: status})
	case "transfers":
		w.handle(Transferred{Leg: id, ID: leg.ask(false), Target: words[1]})
	case "replies":
		status, _ := strconv.Atoi(words[1])
		w.handle(TransferReplied{Leg: id, Status: status})
	case "tells":
		w.handle(Notified{Leg: id, Body: []byte(strings.Join(words[1:len(words)-2], " ")), State: "active"})
	default:
		s.fatal("nothing like that can happen")
	}
}

func (s *script) respond(leg *fakeLeg, status int, kind string) {
	var description []byte
	if kind != "" {
		description = leg.answer(leg.heard, kind)
	}
	switch {
	case status < 200:
		s.world.handle(Progressed{Leg: leg.id, Status: status, Description: description, Target: "pbx1"})
	case status < 300:
		leg.final, leg.up = true, true
		s.world.handle(Answered{Leg: leg.id, Description: description, Target: "pbx1"})
	default:
		leg.final, leg.over = true, true
		e := Refused{Leg: leg.id, Status: status}
		if status == 503 {
			e.Cause = call.ReasonNoTarget
		}
		s.world.handle(e)
	}
}

// begin makes the call and has it begun.
func (s *script) begin(words []string) {
	offer, category := "g711", call.CategoryNone
	var refuse *call.Refuse
	var divert *call.Divert
	prefix := ""
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "offers":
			offer = value
		case "refuse":
			refuse = new(call.Refuse)
			if err := refuse.Class.UnmarshalText([]byte(value)); err != nil {
				s.fatal(err.Error())
			}
		case "divert":
			divert = &call.Divert{Target: value}
		case "prefix":
			prefix = value
		default:
			category = call.Category(name)
			if !slices.Contains(call.Categories, category) {
				s.fatal("there is no category " + name)
			}
		}
	}
	treatment := map[string]call.Treatment{
		"warn": call.Warn{Prefix: prefix}, "announce": call.Announce{Refuse: refuse}, "take-report": call.TakeReport{},
		"divert":    call.Divert{Target: "queue"},
		"challenge": call.Challenge{Digits: 2, Divert: divert, Refuse: call.Refuse{Class: call.RefusalRejected}}, "allow": call.Allow{},
	}[words[0]]
	if treatment == nil {
		s.fatal("there is no such treatment")
	}
	at := (&fakeLeg{}).remote()
	s.world = newWorld(s.options, treatment, category, sdp(offer, at, ""))
	if s.passed {
		s.world.call.env.Passed.Add(s.world.call.origin(), began.Add(time.Minute))
	}
	if s.full {
		s.world.free = 0
	}
	s.world.handle(Begun{})
}

// set changes a setting.
func (s *script) set(name, value string) {
	s.t.Helper()
	w := &s.options.Warn
	switch name {
	case "language":
		s.options.Language = value
	case "english":
		p, err := call.ParsePattern(value)
		if err != nil {
			s.fatal(err.Error())
		}
		s.options.Languages = append(s.options.Languages, Spoken{Called: p, Language: "en"})
	case "menu":
		w.Menu = value == "on"
	case "repeat":
		w.Repeat, _ = strconv.Atoi(value)
	case "voicemail":
		w.Voicemail = value
	case "reporting-line":
		w.ReportingLine = value
	case "listen-in":
		w.ListenIn = value
	case "video":
		w.VideoByKey = value == "by-key"
	case "caller-hears":
		w.Announcement = value == "announcement"
	case "announce":
		s.options.Announce.Answer = value == "answered"
	case "challenge":
		s.options.Challenge.Answer = value == "answered"
	case "tries":
		s.options.Challenge.Tries, _ = strconv.Atoi(value)
	case "transfer":
		s.options.PassTransfers = value == "pass"
	case "fallback":
		from, to, _ := strings.Cut(value, ":")
		s.options.Fallbacks[from] = to
	case "remembered":
		s.passed = true
	case "ports":
		s.full = value == "none"
	case "redress-url":
		s.options.Redress.URL, s.options.Redress.JCard = value, value+"/card"
	default:
		s.fatal("there is no setting " + name)
	}
}
