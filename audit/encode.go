package audit

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"ringfence/call"
)

// The JSON of calls is written by hand: encoding/json costs several times as much, once per call. It
// is read with encoding/json. What is empty, 0 or false is left out.

// appendBody appends the JSON of a body of kind call. The error is for a year beyond RFC 3339.
func appendBody(dst []byte, run string, n uint64, at time.Time, s *Summary) ([]byte, error) {
	dst = append(dst, `{"v":1,"kind":"call"`...)
	dst = appendText(dst, "run", run)
	dst = appendName(dst, "n")
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(appendName(dst, "time"), '"')
	dst, err := at.AppendText(dst)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `","call":{`...)
	dst = appendText(dst, "reference", s.Reference)
	dst = appendText(dst, "trunk", s.Trunk)
	dst = appendText(dst, "class", s.Class.String())
	dst = appendText(dst, "treatment", s.Treatment)
	if s.Detail != nil {
		dst = append(appendName(dst, "detail"), s.Detail...)
	}
	dst = appendText(dst, "rule", s.Rule)
	dst = appendText(dst, "reason", string(s.Reason))
	dst = appendText(dst, "category", string(s.Category))
	dst = appendInt(dst, "score", int64(s.Score))
	dst = appendText(dst, "rules", s.Rules)
	dst = appendText(dst, "lists", s.Lists)
	dst = appendInt(dst, "status", int64(s.Status))
	dst = appendText(dst, "by", s.By.String())
	dst = appendText(dst, "target", s.Target)
	dst = appendInt(dst, "attempts", int64(s.Attempts))
	dst = appendText(dst, "cause", string(s.Cause))
	dst = appendInt(dst, "elapsed", int64(s.Elapsed))
	return append(dst, "}}"...), nil
}

// appendPersonal appends the JSON of the erasable part of r. salt is hexadecimal.
func appendPersonal(dst []byte, salt string, r *call.Record) ([]byte, error) {
	f := &r.Facts
	dst = append(dst, '{')
	dst = appendText(dst, "salt", salt)
	dst = appendText(dst, "call_id", f.CallID)
	dst = appendText(dst, "format", f.Format.String())
	if f.Peer.IsValid() {
		dst = appendText(dst, "peer", f.Peer.String())
	}
	dst = appendText(dst, "transport", f.Transport)
	dst = appendParty(dst, "caller", &f.Caller, call.Party{})
	dst = appendText(dst, "identity", f.Identity.String())
	dst = appendParty(dst, "from", &f.From, f.Caller)
	dst = appendParty(dst, "asserted", &f.Asserted, call.Party{})
	dst = appendParty(dst, "called", &f.Called, call.Party{})
	dst = appendParty(dst, "diverted", &f.Diverted, call.Party{})
	dst = appendFlag(dst, "emergency", f.Emergency)
	dst = appendFlag(dst, "psap_callback", f.PSAPCallback)
	dst = appendFlag(dst, "private", f.Private)
	if f.Media != (call.Media{}) {
		dst = append(appendName(dst, "media"), '{')
		dst = appendFlag(dst, "offered", f.Media.Offered)
		dst = appendFlag(dst, "audio", f.Media.Audio)
		dst = append(appendFlag(dst, "video", f.Media.Video), '}')
	}
	dst = appendText(dst, "raw_from", f.RawFrom)
	dst = appendText(dst, "raw_asserted", f.RawAsserted)
	dst = appendText(dst, "raw_identity", f.RawIdentity)
	dst = appendText(dst, "user_agent", f.UserAgent)
	if !r.Verdict.Match.IsZero() {
		match, err := json.Marshal(r.Verdict.Match)
		if err != nil {
			return dst, err
		}
		dst = append(appendName(dst, "match"), match...)
	}
	if len(r.Verdict.Failures) > 0 {
		failures, err := json.Marshal(r.Verdict.Failures)
		if err != nil {
			return dst, err
		}
		dst = append(appendName(dst, "failures"), failures...)
	}
	return append(dst, '}'), nil
}

// appendParty appends p unless it is what a reader takes it for when it is not there.
func appendParty(dst []byte, name string, p *call.Party, absent call.Party) []byte {
	if *p == absent {
		return dst
	}
	dst = append(appendName(dst, name), '{')
	dst = appendText(dst, "text", p.Text)
	dst = appendText(dst, "display", p.Display)
	if !p.Number.IsZero() {
		dst = append(appendName(dst, "number"), '"')
		if !p.Number.IsLocal() {
			dst = append(dst, '+')
		}
		dst = append(p.Number.AppendDigits(dst), '"')
	}
	return append(appendText(dst, "form", p.Form.String()), '}')
}

func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, `":`...)
}

func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendQuoted(appendName(dst, name), value)
}

func appendInt(dst []byte, name string, value int64) []byte {
	if value == 0 {
		return dst
	}
	return strconv.AppendInt(appendName(dst, name), value, 10)
}

func appendFlag(dst []byte, name string, value bool) []byte {
	if !value {
		return dst
	}
	return append(appendName(dst, name), "true"...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string. A byte that is not UTF-8 is written as the lone surrogate
// U+DC00 plus the byte, so that what was received can be told from the record (Python calls that
// surrogateescape); encoding/json reads it as U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		} else if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, '\\', 'u', 'd', 'c', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
