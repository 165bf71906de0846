package treatment

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// sdp is the description of a telephone that speaks in some way, at an address.
func sdp(kind string, at netip.AddrPort, direction string) []byte {
	lines := map[string]string{
		"g711":    "m=audio %d RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		"ulaw":    "m=audio %d RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		"opus":    "m=audio %d RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		"any":     "m=audio %d RTP/AVP 96 8\r\na=rtpmap:96 opus/48000/2\r\n",
		"srtp":    "m=audio %d RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n",
		"fax":     "m=image %d udptl t38\r\n",
		"video":   "m=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\nm=video 50000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
		"moved":   "m=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\nm=video 50002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n",
		"rubbish": "rubbish",
	}
	body, ok := lines[kind]
	if kind == "" || kind == "none" {
		return nil
	}
	if !ok {
		panic("no such telephone: " + kind + ", there are " + strings.Join(slices.Sorted(maps.Keys(lines)), " "))
	}
	if kind == "rubbish" {
		return []byte(body)
	}
	audio, rest, video := strings.Cut(body, "m=video")
	if direction != "" {
		audio += "a=" + direction + "\r\n"
	}
	if video {
		audio += "m=video" + rest
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+audio, at.Addr(), at.Port())
}

// brief is the media of a description in words: the formats and direction of its streams, and where video is
// wanted.
func brief(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	var streams []string
	names := map[string]string{"8": "PCMA", "0": "PCMU", "101": "keys"}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if rest, ok := strings.CutPrefix(line, "a=rtpmap:"); ok {
			number, name, _ := strings.Cut(rest, " ")
			name, _, _ = strings.Cut(name, "/")
			if name != "telephone-event" {
				names[number] = name
			}
		}
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		switch {
		case strings.HasPrefix(line, "m="):
			words := strings.Fields(line[2:])
			if words[1] == "0" {
				streams = append(streams, "no "+words[0])
				continue
			}
			for i, format := range words[3:] {
				words[3+i] = names[format]
			}
			stream := words[0] + " " + strings.Join(words[3:], " ")
			if words[0] == "video" { // it passes the gateway by: the port is a telephone's
				stream += " at " + words[1]
			}
			streams = append(streams, stream)
		case line == "a=sendonly", line == "a=recvonly", line == "a=inactive":
			streams[len(streams)-1] += " " + line[2:]
		}
	}
	return " (" + strings.Join(streams, ", ") + ")"
}
