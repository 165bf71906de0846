package media

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// lines joins SDP lines as they are on the wire.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

var head = []string{"v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"}

func offer(l ...string) []byte { return lines(append(head[:len(head):len(head)], l...)...) }

func TestAudio(t *testing.T) {
	remote := netip.MustParseAddrPort("192.0.2.1:4000")
	tests := []struct {
		name string
		sdp  []byte
		want Stream
		ok   bool
	}{
		{"both laws", offer("m=audio 4000 RTP/AVP 8 0"), Stream{remote, PCMA, SendRecv}, true},
		{"µ-law first", offer("m=audio 4000 RTP/AVP 0 8"), Stream{remote, PCMU, SendRecv}, true},
		{"after other codecs", offer("m=audio 4000 RTP/AVP 96 18 8"), Stream{remote, PCMA, SendRecv}, true},
		{"their hold is our listening", offer("m=audio 4000 RTP/AVP 8", "a=sendonly"), Stream{remote, PCMA, RecvOnly}, true},
		{"recvonly", offer("m=audio 4000 RTP/AVP 8", "a=recvonly"), Stream{remote, PCMA, SendOnly}, true},
		{"inactive", offer("m=audio 4000 RTP/AVP 8", "a=inactive"), Stream{remote, PCMA, Inactive}, true},
		{"direction of the session", offer("a=inactive", "m=audio 4000 RTP/AVP 8"), Stream{remote, PCMA, Inactive}, true},
		{
			"hold by address", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"),
			Stream{netip.MustParseAddrPort("0.0.0.0:4000"), PCMA, RecvOnly},
			true,
		},
		{
			"address of the media", offer("m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"),
			Stream{netip.MustParseAddrPort("[2001:db8::1]:4000"), PCMA, SendRecv},
			true,
		},
		{"second audio", offer("m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/AVP 8"), Stream{remote, PCMA, SendRecv}, true},
		{"no law of ours", offer("m=audio 4000 RTP/AVP 18"), Stream{}, false},
		{"SRTP", offer("m=audio 4000 RTP/SAVP 8"), Stream{}, false},
		{"refused", offer("m=audio 0 RTP/AVP 8"), Stream{}, false},
		{"host name", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 pbx.example"), Stream{}, false},
		{"multicast", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1/127"), Stream{}, false},
		{"video alone", offer("m=video 4000 RTP/AVP 96"), Stream{}, false},
		{"bare newlines", []byte("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000/1 RTP/AVP 8\n"), Stream{remote, PCMA, SendRecv}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ParseSDP(tt.sdp)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := d.Audio(); ok != tt.ok || got != tt.want {
				t.Errorf("Audio() = %+v, %v; want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestParseSDPErrors(t *testing.T) {
	tests := []struct {
		name string
		sdp  []byte
		want string
	}{
		{"empty", nil, "it is empty"},
		{"other text", []byte("hello"), "line 1 is not TYPE=VALUE"},
		{"no version", lines("o=- 1 1 IN IP4 192.0.2.1"), "line 1 is not v=0"},
		{"port too high", offer("m=audio 65536 RTP/AVP 8"), "line 6: m= has a port"},
		{"no format", offer("m=audio 4000 RTP/AVP"), "line 6: m= has not"},
		{"control character", offer("m=audio 4000 RTP/AVP 8\x019"), "line 6: m= has a character"},
		{"bad connection", offer("c=IN IP4"), "line 6: c= is not"},
		{"too many media", offer(strings.Split(strings.Repeat("m=audio 1 RTP/AVP 0\n", 17), "\n")...), "more than 16 m= lines"},
		{"too many formats", offer("m=audio 1 RTP/AVP" + strings.Repeat(" 0", 65)), "m= has not"},
		{"too long", make([]byte, MaxSDP+1), "16385 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSDP(tt.sdp)
			if !errors.Is(err, ErrSDP) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	local := Local{netip.MustParseAddrPort("[::1]:6000"), 7, 2}
	d, err := ParseSDP(offer("m=video 5000 RTP/AVP 96 97", "m=audio 4000 RTP/AVP 9 8 0", "a=sendonly", "m=text 5002 TCP/X y"))
	if err != nil {
		t.Fatal(err)
	}
	if !d.HasVideo() {
		t.Error("HasVideo() = false for an offer of video")
	}
	body, stream, ok := local.Answer(d)
	want := lines(
		"v=0", "o=- 7 2 IN IP6 ::1", "s=-", "c=IN IP6 ::1", "t=0 0",
		"m=video 0 RTP/AVP 96",
		"m=audio 6000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=ptime:20", "a=recvonly",
		"m=text 0 TCP/X y",
	)
	if !ok || string(body) != string(want) || stream.Codec != PCMA || stream.Direction != RecvOnly {
		t.Errorf("Answer() = %q, %+v, %v; want %q", body, stream, ok, want)
	}
}

func TestOfferIsAnswered(t *testing.T) {
	caller := Local{netip.MustParseAddrPort("127.0.0.1:4000"), 1, 1}
	called := Local{netip.MustParseAddrPort("127.0.0.2:5000"), 2, 1}
	d, err := ParseSDP(caller.Offer(true))
	if err != nil || !d.HasVideo() {
		t.Fatalf("our own offer: %v, video %v", err, d.HasVideo())
	}
	body, stream, ok := called.Answer(d)
	if !ok || stream.Remote != caller.Addr {
		t.Fatalf("answered with %+v, %v", stream, ok)
	}
	answer, err := ParseSDP(body)
	if err != nil || answer.HasVideo() {
		t.Fatalf("our own answer: %v, video %v", err, answer.HasVideo())
	}
	if stream, ok = answer.Audio(); !ok || stream != (Stream{called.Addr, PCMA, SendRecv}) {
		t.Errorf("the caller understood %+v, %v", stream, ok)
	}
}

// Whatever is read, an answer to it can be read again, has as many streams, and takes no video.
func FuzzParseSDP(f *testing.F) {
	f.Add(offer("m=audio 4000 RTP/AVP 8 0", "a=sendonly", "m=video 5000 RTP/AVP 96"))
	f.Add(offer("m=audio 4000/2 RTP/AVP 0", "c=IN IP6 2001:db8::1"))
	f.Add([]byte("v=0\nm=audio 1 RTP/AVP 0\n\nc=IN IP4 0.0.0.0"))
	f.Add([]byte("v=0\r\nm=x\x00 1 a\r b\r\n"))
	local := Local{netip.MustParseAddrPort("127.0.0.1:6000"), 1, 1}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseSDP(data)
		if err != nil {
			if !errors.Is(err, ErrSDP) {
				t.Errorf("error %v does not wrap ErrSDP", err)
			}
			return
		}
		body, _, ok := local.Answer(d)
		if !ok {
			return
		}
		answer, err := ParseSDP(body)
		if err != nil {
			t.Fatalf("answer %q: %v", body, err)
		}
		if len(answer.media) != len(d.media) || answer.HasVideo() {
			t.Errorf("answer %q to %q", body, data)
		}
	})
}
