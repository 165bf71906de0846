package wire

import "bytes"

// OfferedMedia says whether an SDP body (RFC 4566) offers audio and video: an m= line of that kind
// whose port is not 0. A body of several parts is looked through as a whole: a false m= line in
// another part can only make a call look more suspect, never less.
func OfferedMedia(body []byte) (audio, video bool) {
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		if len(line) < 2 || line[0] != 'm' || line[1] != '=' {
			continue
		}
		kind, rest := cut(line[2:], ' ')
		port, _ := cut(bytes.TrimLeft(rest, " "), ' ')
		port, _ = cut(bytes.TrimSpace(port), '/')
		if n, ok := Uint(port); !ok || n == 0 {
			continue
		}
		audio = audio || EqualFold(kind, "audio")
		video = video || EqualFold(kind, "video")
	}
	return audio, video
}
