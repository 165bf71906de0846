package media

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

var here = netip.MustParseAddrPort("198.51.100.7:6000")

// says checks a description of ours, but for the number of its session.
func says(t *testing.T, got []byte, version int, want ...string) {
	t.Helper()
	d := strings.Split(string(got), "\r\n")
	if len(d) < 2 || !strings.HasPrefix(d[1], "o=- ") {
		t.Fatalf("%q is no description", got)
	}
	d[1] = "o=- ID " + strings.SplitN(d[1], " ", 3)[2]
	head := []string{"v=0", "o=- ID " + strconv.Itoa(version) + " IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"}
	if whole := string(lines(append(head, want...)...)); strings.Join(d, "\r\n") != whole {
		t.Errorf("said\n%s\nwant\n%s", strings.Join(d, "\r\n"), whole)
	}
}

func TestOffer(t *testing.T) {
	says(t, NewParty(here).Offer(), 1,
		"m=audio 6000 RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv")
	v6 := string(NewParty(netip.MustParseAddrPort("[2001:db8::7]:6000")).Offer())
	if !strings.Contains(v6, " IN IP6 2001:db8::7\r\ns=") || !strings.Contains(v6, "c=IN IP6 2001:db8::7\r\n") {
		t.Errorf("over IPv6 said %q", v6)
	}
}

// Other streams keep their places and are refused (RFC 3264 §6).
func TestAnswer(t *testing.T) {
	answer, a, err := NewParty(here).Answer(parse(t, offer(
		"m=video 5000 RTP/AVP 96 97", "m=audio 4000 RTP/AVP 9 8 0 97", "a=rtpmap:97 telephone-event/8000", "a=sendonly", "a=ptime:30",
		"a=candidate:1 1 UDP 1 192.0.2.1 4000 typ host", "a=rtcp-mux", "m=audio 4002 RTP/AVP 8", "m=text 5002 TCP/X y")))
	if err != nil || a.Codec != PCMA || a.Direction != RecvOnly {
		t.Fatalf("came to %+v, %v", a, err)
	}
	says(t, answer, 1, "m=video 0 RTP/AVP 96",
		"m=audio 6000 RTP/AVP 8 97", "a=rtpmap:8 PCMA/8000", "a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-15", "a=ptime:30", "a=recvonly",
		"m=audio 0 RTP/AVP 8", "m=text 0 TCP/X y")
}

// An answer repeats the offer's time (RFC 3264 §6), if that is one.
func TestAnswerTiming(t *testing.T) {
	for timing, want := range map[string]string{"2873397496 2873404696": "2873397496 2873404696", "now": "0 0", "1 2\x00": "0 0"} {
		answer, _, err := NewParty(here).Answer(parse(t, lines("v=0", "t="+timing, "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 8")))
		if err != nil || !bytes.Contains(answer, []byte("\r\nt="+want+"\r\n")) {
			t.Errorf("to t=%s answered %q, %v", timing, answer, err)
		}
	}
}

// The caller's codecs are offered on as they are, behind both laws of G.711.
func TestRelay(t *testing.T) {
	tests := []struct {
		name  string
		offer []string
		want  []string
	}{
		{
			"other codecs",
			[]string{
				"m=audio 4000 RTP/AVP 111 18 8 101 13", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=fmtp:18 annexb=no",
				"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=maxptime:60", "a=ptime:40", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
				"a=ice-ufrag:x", "a=rtcp-mux", "a=ssrc:1 cname:x",
			},
			[]string{
				"m=audio 6000 RTP/AVP 8 0 111 18 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
				"a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=no",
				"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:40", "a=sendrecv",
			},
		},
		{
			"µ-law alone, and 101 taken",
			[]string{"m=audio 4000 RTP/AVP 0 101 96", "a=rtpmap:101 speex/8000", "a=rtpmap:96 G726-32/8000"},
			[]string{
				"m=audio 6000 RTP/AVP 0 8 101 96 97", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 speex/8000", "a=rtpmap:96 G726-32/8000",
				"a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-15", "a=ptime:20", "a=sendrecv",
			},
		},
		{
			"a first offer is for prompts",
			[]string{"m=video 5000 RTP/AVP 96", "m=audio 4000 RTP/AVP 8", "a=inactive"},
			[]string{
				"m=audio 6000 RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
				"a=ptime:20", "a=sendrecv",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewParty(here).Relay(parse(t, offer(tt.offer...)))
			if err != nil {
				t.Fatal(err)
			}
			says(t, got, 1, tt.want...)
		})
	}
	if _, err := NewParty(here).Relay(parse(t, offer("m=audio 4000 RTP/SAVP 8"))); err != ErrSRTP {
		t.Errorf("an offer of SRTP alone was relayed: %v", err)
	}
}

// What our offer and an answer to it come to, on our side.
func TestAccept(t *testing.T) {
	caller := parse(t, offer("m=audio 4000 RTP/AVP 111 8 101", "a=rtpmap:111 opus/48000/2", "a=rtpmap:101 telephone-event/8000"))
	type types struct{ send, receive, keys, receiveKeys uint8 }
	tests := []struct {
		name   string
		answer []string
		codec  Codec
		types  types
		err    error
	}{
		{"A-law", []string{"m=audio 9 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"}, PCMA, types{8, 8, 101, 101}, nil},
		{"µ-law", []string{"m=audio 9 RTP/AVP 0"}, PCMU, types{0, 0, 0, 0}, nil},
		{"other numbers", []string{"m=audio 9 RTP/AVP 96 97", "a=rtpmap:96 PCMA/8000", "a=rtpmap:97 telephone-event/8000"}, PCMA, types{96, 8, 97, 101}, nil},
		{"passed on", []string{"m=audio 9 RTP/AVP 111", "a=rtpmap:111 OPUS/48000/2"}, Other, types{111, 111, 0, 0}, nil},
		{"unexplained", []string{"m=audio 9 RTP/AVP 111"}, Other, types{111, 111, 0, 0}, nil},
		{"the first we know", []string{"m=audio 9 RTP/AVP 101 18 8", "a=rtpmap:101 telephone-event/8000"}, PCMA, types{8, 8, 101, 101}, nil},
		{"none that was offered", []string{"m=audio 9 RTP/AVP 18"}, 0, types{}, ErrFormat},
		{"keys alone", []string{"m=audio 9 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, 0, types{}, ErrFormat},
		{"refused", []string{"m=audio 0 RTP/AVP 8"}, 0, types{}, ErrNoAudio},
		{"elsewhere", []string{"m=video 9 RTP/AVP 8", "m=audio 9 RTP/AVP 8"}, 0, types{}, ErrNoAudio},
		{"encrypted unasked", []string{"m=audio 9 RTP/SAVP 8"}, 0, types{}, ErrSRTP},
		{"nothing", nil, 0, types{}, ErrNoAudio},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := NewParty(here)
			if _, err := p.Relay(caller); err != nil {
				t.Fatal(err)
			}
			s, err := p.Accept(parse(t, offer(tt.answer...)))
			got := types{s.PayloadType, s.ReceiveType, s.KeysType, s.ReceiveKeysType}
			if err != tt.err || s.Codec != tt.codec || got != tt.types {
				t.Errorf("%s %+v, %v", s.Codec, got, err)
			}
		})
	}
	if _, err := NewParty(here).Accept(caller); err != ErrNoAudio {
		t.Errorf("an answer to no offer: %v", err)
	}
}

// The caller is answered as the person called did, whatever codec that was.
func TestAnswerAs(t *testing.T) {
	callerOffers := []string{
		"m=audio 4000 RTP/AVP 111 0 101 110", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1",
		"a=rtpmap:101 telephone-event/8000", "a=rtpmap:110 telephone-event/48000",
	}
	tests := []struct {
		name          string
		offer, answer []string
		want          []string
		err           error
	}{
		{
			"the other law", callerOffers,
			[]string{"m=audio 9 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000", "a=ptime:30"},
			[]string{"m=audio 6000 RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:30", "a=sendrecv"},
			nil,
		},
		{
			"opus, with the answer's parameters", callerOffers,
			[]string{"m=audio 9 RTP/AVP 96", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 stereo=1"},
			[]string{
				"m=audio 6000 RTP/AVP 111 110", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 stereo=1",
				"a=rtpmap:110 telephone-event/48000", "a=fmtp:110 0-15", "a=ptime:20", "a=sendrecv",
			},
			nil,
		},
		{
			"held by the person called", callerOffers,
			[]string{"m=audio 9 RTP/AVP 0", "a=sendonly"},
			[]string{"m=audio 6000 RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendonly"},
			nil,
		},
		{
			"held by both", append(callerOffers[:len(callerOffers):len(callerOffers)], "a=sendonly"),
			[]string{"m=audio 9 RTP/AVP 0", "a=sendonly"},
			[]string{"m=audio 6000 RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=inactive"},
			nil,
		},
		{"nothing in common", []string{"m=audio 4000 RTP/AVP 18"}, []string{"m=audio 9 RTP/AVP 8"}, nil, ErrFormat},
		{"refused by the person called", callerOffers, []string{"m=audio 0 RTP/AVP 8"}, nil, ErrNoAudio},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := NewParty(here).AnswerAs(parse(t, offer(tt.offer...)), parse(t, offer(tt.answer...)))
			if err != tt.err {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err == nil {
				says(t, got, 1, tt.want...)
			}
		})
	}
}

// A caller without G.711 is joined to a person who heard the prompts in it by a second offer.
func TestPass(t *testing.T) {
	offered := parse(t, offer("m=audio 4000 RTP/AVP 18 101", "a=rtpmap:101 telephone-event/8000"))
	caller, called := NewParty(here), NewParty(here)
	if _, err := called.Relay(offered); err != nil {
		t.Fatal(err)
	}
	answered := parse(t, offer("m=audio 9 RTP/AVP 8"))
	prompts, err := called.Accept(answered)
	if err != nil || prompts.Codec != PCMA {
		t.Fatalf("the prompts go by %+v, %v", prompts, err)
	}
	if _, _, err := caller.AnswerAs(offered, answered); err != ErrFormat {
		t.Fatalf("answered a caller who has no G.711: %v", err)
	}
	again, err := called.Pass(offered)
	if err != nil {
		t.Fatal(err)
	}
	says(t, again, 2, "m=audio 6000 RTP/AVP 18 101", "a=rtpmap:18 G729/8000", "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=sendrecv")
	answered = parse(t, offer("m=audio 9 RTP/AVP 18"))
	there, err := called.Accept(answered)
	if err != nil {
		t.Fatal(err)
	}
	_, back, err := caller.AnswerAs(offered, answered)
	if err != nil || !there.Joins(back) || prompts.Joins(back) {
		t.Errorf("came to %+v and %+v, %v", there, back, err)
	}
	if _, err := called.Pass(parse(t, offer("m=audio 9 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"))); err != ErrFormat {
		t.Errorf("passed an offer of keys alone: %v", err)
	}
}

// Hold and resume, each way of RFC 3264 §8.4, reach the other leg and come back.
func TestHold(t *testing.T) {
	tests := []struct {
		name          string
		offer         []string // of whoever holds
		relayed       Direction
		answer        string
		answered      Direction
		theirs, wants Direction // who may send on the answering and on the holding leg, as seen from here
		holds         bool
	}{
		{"sendonly", []string{"a=sendonly"}, SendOnly, "a=recvonly", RecvOnly, SendOnly, RecvOnly, true},
		{"inactive", []string{"a=inactive"}, Inactive, "a=inactive", Inactive, Inactive, Inactive, true},
		{"no address", []string{"c=IN IP4 0.0.0.0"}, SendOnly, "a=recvonly", RecvOnly, SendOnly, RecvOnly, true},
		{"no address, inactive", []string{"c=IN IP4 0.0.0.0", "a=inactive"}, Inactive, "a=inactive", Inactive, Inactive, Inactive, true},
		{"resumed", nil, SendRecv, "a=sendrecv", SendRecv, SendRecv, SendRecv, false},
		{"resumed by one of two", nil, SendRecv, "a=sendonly", SendOnly, RecvOnly, SendOnly, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := offer("m=audio 4000 RTP/AVP 8")
			holder, other := NewParty(here), NewParty(here)
			other.Offer()
			if _, err := other.Accept(parse(t, first)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := holder.Answer(parse(t, first)); err != nil {
				t.Fatal(err)
			}
			hold := parse(t, offer(append([]string{"m=audio 4000 RTP/AVP 8"}, tt.offer...)...))
			relayed, err := other.Relay(hold)
			if err != nil || !bytes.Contains(relayed, []byte("\r\na="+tt.relayed.String()+"\r\n")) || hold.Holds() != tt.holds {
				t.Errorf("relayed as %q, %v", relayed, err)
			}
			answer := parse(t, offer("m=audio 9 RTP/AVP 8", tt.answer))
			there, err := other.Accept(answer)
			if err != nil || there.Direction != tt.theirs {
				t.Errorf("on the other leg it came to %+v, %v", there, err)
			}
			answered, back, err := holder.AnswerAs(hold, answer)
			if err != nil || back.Direction != tt.wants || !bytes.Contains(answered, []byte("\r\na="+tt.answered.String()+"\r\n")) {
				t.Errorf("answered with %q, %+v, %v", answered, back, err)
			}
		})
	}
}

// One session for a dialog, a version more for each change, and a place for each stream for ever (RFC 3264 §8).
func TestReoffers(t *testing.T) {
	p := NewParty(here)
	with := parse(t, offer("m=video 5000 RTP/AVP 96", "m=audio 4000 RTP/AVP 8"))
	first, _, err := p.Answer(with)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := p.Answer(with)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("answered the same offer with %q and %q, %v", first, again, err)
	}
	want := []string{
		"m=video 0 RTP/AVP 96", "m=audio 6000 RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv",
	}
	ours := p.Offer()
	says(t, ours, 2, want...)
	if _, err := p.Accept(parse(t, offer("m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 0"))); err != nil {
		t.Error(err)
	}
	// The next one adds a stream and is refused: nothing remains of it but its version.
	p.Video = true
	added, err := p.Relay(parse(t, offer("m=audio 4000 RTP/AVP 8", "m=video 5000 RTP/AVP 97", "a=rtpmap:97 VP8/90000", "a=sendonly")))
	if err != nil {
		t.Error(err)
	}
	says(t, added, 3, append([]string{"m=video 5000 RTP/AVP 97", "c=IN IP4 192.0.2.1", "a=rtpmap:97 VP8/90000", "a=sendonly"}, want[1:]...)...)
	says(t, p.Offer(), 4, want...)
	if id := func(b []byte) string { return strings.Fields(string(b))[2] }; id(first) != id(ours) {
		t.Errorf("session %s became %s", id(first), id(ours))
	}
}

// Video is refused, unless it may pass on both legs; then it is between the end points.
func TestVideo(t *testing.T) {
	offered := parse(t, offer("m=video 5000 RTP/AVPF 96 97 98", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=42e01f", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:* ccm fir",
		"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:98 VP8/90000", "a=fingerprint:sha-256 00", "a=sendonly", "m=audio 4000 RTP/AVP 8"))
	audio := []string{
		"m=audio 6000 RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv",
	}
	called := NewParty(here)
	relayed, err := called.Relay(offered)
	if err != nil {
		t.Fatal(err)
	}
	says(t, relayed, 1, audio...)
	called.Video = true
	if relayed, err = called.Relay(offered); err != nil {
		t.Fatal(err)
	}
	says(t, relayed, 2, append(audio, "m=video 5000 RTP/AVPF 96 97 98", "c=IN IP4 192.0.2.1", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=42e01f", "a=rtcp-fb:96 nack pli",
		"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:98 VP8/90000", "a=rtcp-fb:* ccm fir", "a=sendonly")...)
	answer := parse(t, offer("m=audio 9 RTP/AVP 8", "m=video 11 RTP/AVPF 98 96", "c=IN IP6 2001:db8::3", "a=rtpmap:98 VP8/90000", "a=fmtp:98 max-fr=15", "a=rtpmap:96 H264/90000", "a=recvonly"))
	if _, err := called.Accept(answer); err != nil {
		t.Error(err)
	}
	caller := NewParty(here)
	refused, _, err := caller.AnswerAs(offered, answer)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{"m=audio 6000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=ptime:20", "a=sendrecv"}
	says(t, refused, 1, append([]string{"m=video 0 RTP/AVPF 96"}, said...)...)
	caller.Video = true
	taken, _, err := caller.AnswerAs(offered, answer)
	if err != nil {
		t.Fatal(err)
	}
	says(t, taken, 2, append([]string{"m=video 11 RTP/AVPF 98", "c=IN IP6 2001:db8::3", "a=rtpmap:98 VP8/90000", "a=fmtp:98 max-fr=15", "a=recvonly"}, said...)...)
}

// Two parties of ours agree with each other.
func TestPartiesAgree(t *testing.T) {
	there := netip.MustParseAddrPort("192.0.2.9:7000")
	a, b := NewParty(here), NewParty(there)
	answer, ofB, err := b.Answer(parse(t, a.Offer()))
	if err != nil {
		t.Fatal(err)
	}
	ofA, err := a.Accept(parse(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	if ofA.Remote != there || ofB.Remote != here {
		t.Errorf("%s and %s listen", ofB.Remote, ofA.Remote)
	}
	ofA.Remote, ofB.Remote = there, there
	if ofA != ofB || ofA.KeysType != 101 {
		t.Errorf("%+v is not %+v", ofA, ofB)
	}
}

// Whatever is read, what we write of it can be read again, keeps the places of all streams, and takes
// no video unasked.
func FuzzParseSDP(f *testing.F) {
	f.Add(offer("m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly", "m=video 5000 RTP/AVP 96"))
	f.Add(offer("m=audio 4000/2 RTP/AVP 0", "c=IN IP6 2001:db8::1", "a=rtcp:1 IN IP4 192.0.2.2"))
	f.Add(offer("m=video 1 RTP/AVPF 97 97", "a=rtpmap:97 VP8/90000", "a=rtcp-fb:* nack", "m=audio 4000 RTP/AVP 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 \xff"))
	f.Add([]byte("v=0\nm=audio 1 RTP/AVP 0\n\nc=IN IP4 0.0.0.0"))
	f.Add([]byte("v=0\r\nm=x\x00 1 a\r b\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseSDP(data)
		if err != nil {
			if !errors.Is(err, ErrSDP) {
				t.Errorf("error %v does not wrap ErrSDP", err)
			}
			return
		}
		near, far := NewParty(here), NewParty(here)
		if body, _, err := near.Answer(d); err == nil {
			if answer := parse(t, body); len(answer.media) != len(d.media) || answer.HasVideo() {
				t.Errorf("answer %q to %q", body, data)
			}
		}
		far.Video = true
		relayed, err := far.Relay(d)
		if err != nil {
			return
		}
		carried := parse(t, relayed)
		if _, _, err := NewParty(here).Answer(carried); err != nil {
			t.Errorf("relayed %q as %q, to which no answer is known: %v", data, relayed, err)
		}
		if _, err := far.Accept(carried); err != nil {
			t.Errorf("relayed %q as %q, whose echo is no answer: %v", data, relayed, err)
		}
		if body, _, err := near.AnswerAs(d, carried); err == nil {
			if answer := parse(t, body); len(answer.media) != len(d.media) || answer.HasVideo() {
				t.Errorf("answer %q to %q", body, data)
			}
		}
	})
}
