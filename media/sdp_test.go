package media

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// lines joins SDP lines as they are on the wire.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

var head = []string{"v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"}

func offer(l ...string) []byte { return lines(append(head[:len(head):len(head)], l...)...) }

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

func parse(t testing.TB, data []byte) Description {
	t.Helper()
	d, err := ParseSDP(data)
	if err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return d
}

// What an offer of the other side comes to when we answer it on our own.
func TestAnswerStream(t *testing.T) {
	remote := netip.MustParseAddrPort("192.0.2.1:4000")
	stream := func(c Codec, d Direction) Stream {
		return Stream{
			Remote: remote, Codec: c, Encoding: staticEncodings[c], Direction: d, PacketTime: DefaultPacketTime,
			PayloadType: uint8(c), ReceiveType: uint8(c),
		}
	}
	with := func(s Stream, change func(*Stream)) Stream { change(&s); return s }
	plain := stream(PCMA, SendRecv)
	tests := []struct {
		name string
		sdp  []byte
		want Stream
		err  error
	}{
		{"both laws", offer("m=audio 4000 RTP/AVP 8 0"), plain, nil},
		{"µ-law first", offer("m=audio 4000 RTP/AVP 0 8"), stream(PCMU, SendRecv), nil},
		{"after other codecs", offer("m=audio 4000 RTP/AVP 96 18 8"), plain, nil},
		{"of a dynamic type", offer("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 pcma/8000/1"), with(plain, func(s *Stream) {
			s.Encoding, s.PayloadType, s.ReceiveType = "pcma/8000", 96, 96
		}), nil},
		{"a static type means what it means", offer("m=audio 4000 RTP/AVP 8", "a=rtpmap:8 opus/48000/2"), plain, nil},
		{"profile with feedback", offer("m=audio 4000 RTP/AVPF 8"), plain, nil},
		{"their hold is our listening", offer("m=audio 4000 RTP/AVP 8", "a=sendonly"), stream(PCMA, RecvOnly), nil},
		{"recvonly", offer("m=audio 4000 RTP/AVP 8", "a=recvonly"), stream(PCMA, SendOnly), nil},
		{"inactive", offer("m=audio 4000 RTP/AVP 8", "a=inactive"), stream(PCMA, Inactive), nil},
		{"direction of the session", offer("a=inactive", "m=audio 4000 RTP/AVP 8"), stream(PCMA, Inactive), nil},
		{"the media's own goes first", offer("a=inactive", "m=audio 4000 RTP/AVP 8", "a=sendrecv"), plain, nil},
		{"hold by address", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"), with(plain, func(s *Stream) {
			s.Remote, s.Direction = netip.MustParseAddrPort("0.0.0.0:4000"), RecvOnly
		}), nil},
		{"address of the media", offer("m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"), with(plain, func(s *Stream) {
			s.Remote = netip.MustParseAddrPort("[2001:db8::1]:4000")
		}), nil},
		{"second audio", offer("m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/AVP 8"), plain, nil},
		{"after the encrypted one", offer("m=audio 3998 RTP/SAVP 8", "m=audio 4000 RTP/AVP 8"), plain, nil},
		{"keys", offer("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16"), with(plain, func(s *Stream) {
			s.KeysType, s.ReceiveKeysType, s.KeysClock = 101, 101, 8000
		}), nil},
		{"keys of the audio's clock", offer("m=audio 4000 RTP/AVP 110 8 126", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 TELEPHONE-EVENT/8000"), with(plain, func(s *Stream) {
			s.KeysType, s.ReceiveKeysType, s.KeysClock = 126, 126, 8000
		}), nil},
		{"keys of another clock", offer("m=audio 4000 RTP/AVP 8 110", "a=rtpmap:110 telephone-event/48000"), plain, nil},
		{"packet time", offer("m=audio 4000 RTP/AVP 8", "a=ptime:30"), with(plain, func(s *Stream) { s.PacketTime = 30 * time.Millisecond }), nil},
		{"at most", offer("m=audio 4000 RTP/AVP 8", "a=maxptime:10"), with(plain, func(s *Stream) { s.PacketTime = 10 * time.Millisecond }), nil},
		{"too much", offer("m=audio 4000 RTP/AVP 8", "a=ptime:65535"), with(plain, func(s *Stream) { s.PacketTime = MaxPacketTime }), nil},
		{"too little", offer("m=audio 4000 RTP/AVP 8", "a=ptime:1"), with(plain, func(s *Stream) { s.PacketTime = MinPacketTime }), nil},
		{"no time at all", offer("m=audio 4000 RTP/AVP 8", "a=ptime:0", "a=maxptime:-1"), plain, nil},
		{"RTCP", offer("m=audio 4000 RTP/AVP 8", "a=rtcp:53020"), with(plain, func(s *Stream) {
			s.RTCP = netip.MustParseAddrPort("192.0.2.1:53020")
		}), nil},
		{"RTCP elsewhere", offer("m=audio 4000 RTP/AVP 8", "a=rtcp:53020 IN IP6 2001:db8::2"), with(plain, func(s *Stream) {
			s.RTCP = netip.MustParseAddrPort("[2001:db8::2]:53020")
		}), nil},
		{"bare newlines", []byte("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000/1 RTP/AVP 8\n"), plain, nil},

		{"no law of ours", offer("m=audio 4000 RTP/AVP 18"), Stream{}, ErrFormat},
		{"SRTP", offer("m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), Stream{}, ErrSRTP},
		{"SRTP by DTLS", offer("m=audio 4000 UDP/TLS/RTP/SAVPF 8", "a=fingerprint:sha-256 00"), Stream{}, ErrSRTP},
		{"refused", offer("m=audio 0 RTP/AVP 8"), Stream{}, ErrNoAudio},
		{"host name", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 pbx.example"), Stream{}, ErrAddress},
		{"multicast", offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1/127"), Stream{}, ErrAddress},
		{"no address", []byte("v=0\nm=audio 4000 RTP/AVP 8\n"), Stream{}, ErrAddress},
		{"video alone", offer("m=video 4000 RTP/AVP 96"), Stream{}, ErrNoAudio},
		{"nothing", offer(), Stream{}, ErrNoAudio},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, err := NewParty(here).Answer(parse(t, tt.sdp))
			if err != tt.err || got != tt.want {
				t.Errorf("%+v, %v; want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}
