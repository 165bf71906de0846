package audit

import (
	"strconv"
	"time"

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
	dst = appendText(dst, "announcement", s.Announcement)
	dst = appendText(dst, "language", s.Language)
	dst = appendText(dst, "choice", string(s.Choice))
	dst = appendInt(dst, "connected", int64(s.Connected))
	return append(dst, "}}"...), nil
}

// appendPersonal appends the JSON of the erasable part of r. salt is hexadecimal.
func appendPersonal(dst []byte, salt string, r *call.Record) (_ []byte, err error) {
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
		dst = appendFlag(dst, "video", f.Media.Video)
		dst = append(dst, '}')
	}
	dst = appendText(dst, "raw_from", f.RawFrom)
	dst = appendText(dst, "raw_asserted", f.RawAsserted)
	dst = appendText(dst, "raw_identity", f.RawIdentity)
	dst = appendText(dst, "user_agent", f.UserAgent)
	if t := r.Treated; t != nil {
		dst = append(appendName(dst, "treated"), '{')
		dst = appendInt(dst, "heard", int64(t.Heard))
		dst = appendText(dst, "called_keys", t.CalledKeys)
		dst = appendText(dst, "caller_keys", t.CallerKeys)
		dst = appendText(dst, "hung_up", t.HungUp)
		dst = appendText(dst, "reported", t.Reported)
		dst = append(dst, '}')
	}
	if dst, err = appendRare(dst, "match", r.Verdict.Match, r.Verdict.Match.IsZero()); err != nil {
		return dst, err
	}
	dst, err = appendRare(dst, "failures", r.Verdict.Failures, len(r.Verdict.Failures) == 0)
	return append(dst, '}'), err
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
