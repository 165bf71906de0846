package agent

import (
	"maps"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"ringfence/media"
	"ringfence/sip/wire"
)

// statusIntervalTooSmall refuses a session interval (RFC 4028 §6).
const statusIntervalTooSmall = 422

const (
	sdpType = media.SDPType
	allowed = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS, REFER, NOTIFY"
	// supported are the extensions of which we know what to do when a peer requires them.
	supported = "100rel, timer"
)

func header(name, value string) sip.Header { return sip.NewHeader(name, value) }

// newParser is a parser of what we read of a message. Refer-To and Referred-By stay as they are written: sipgo keeps
// only their URI.
func newParser() *sip.Parser {
	parsers := maps.Clone(sip.DefaultHeadersParser())
	delete(parsers, "refer-to")
	delete(parsers, "referred-by")
	return sip.NewParser(sip.WithHeadersParsers(parsers))
}

// compact gives the full name of the compact forms that are read here (RFC 3261 §7.3.3). sipgo knows those of
// the headers that it parses itself.
var compact = map[string]string{"k": "supported", "x": "session-expires", "e": "content-encoding", "y": "identity", "r": "refer-to"}

// canonical is the full name of a header in lower case.
func canonical(h sip.Header) string {
	name := strings.ToLower(h.Name())
	if full := compact[name]; full != "" {
		return full
	}
	return name
}

// values joins all values of a header with ", "; empty when there is none. name is in lower case.
func values(msg sip.Message, name string) string {
	var all []string
	for _, h := range headersOf(msg) {
		if canonical(h) == name {
			all = append(all, h.Value())
		}
	}
	return strings.Join(all, ", ")
}

func headersOf(msg sip.Message) []sip.Header {
	switch msg := msg.(type) {
	case *sip.Request:
		return msg.Headers()
	case *sip.Response:
		return msg.Headers()
	}
	return nil
}

// lists reports whether a header that lists tokens names one.
func lists(msg sip.Message, name, token string) bool {
	for value := range strings.SplitSeq(values(msg, name), ",") {
		if strings.EqualFold(strings.TrimSpace(value), token) {
			return true
		}
	}
	return false
}

// unknownExtensions are the option tags of Require that we do not support.
func unknownExtensions(req *sip.Request) string {
	var unknown []string
	for tag := range strings.SplitSeq(values(req, "require"), ",") {
		tag = strings.TrimSpace(tag)
		if tag != "" && !strings.EqualFold(tag, "100rel") && !strings.EqualFold(tag, "timer") {
			unknown = append(unknown, tag)
		}
	}
	return strings.Join(unknown, ", ")
}

// parameter returns a parameter of a header value such as "1800;refresher=uac".
func parameter(value, name string) string {
	_, rest, _ := strings.Cut(value, ";")
	for part := range strings.SplitSeq(rest, ";") {
		key, val, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(val)
		}
	}
	return ""
}

// seconds reads the number that a header value begins with; 0 when it begins with none below 2^31.
func seconds(value string) int {
	value, _, _ = strings.Cut(value, ";")
	value, _, _ = strings.Cut(value, "(") // a comment, as Retry-After may have
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

func toTag(msg sip.Message) string {
	tag, _ := msg.To().Params.Get("tag")
	return tag
}

func fromTag(msg sip.Message) string {
	tag, _ := msg.From().Params.Get("tag")
	return tag
}

// description is the SDP body of a message, or the SDP part of a body of several (RFC 5621), of which a trunk
// that carries ISUP has the other. ok is false when there is a body and no SDP in it.
func description(msg interface {
	sip.Message
	ContentType() *sip.ContentTypeHeader
},
) (body []byte, ok bool) {
	body = msg.Body()
	if len(body) == 0 {
		return nil, true
	}
	kind := msg.ContentType()
	if kind == nil {
		return nil, false
	}
	return media.FindSDP(kind.Value(), body)
}

// describe makes an SDP description the body of a message; none if it is nil.
func describe(msg sip.Message, body []byte) {
	if body != nil {
		msg.AppendHeader(header("Content-Type", sdpType))
	}
	msg.SetBody(body)
}

// newResponse is a response to req, with the To tag that req was given when it came.
func newResponse(req *sip.Request, status int) *sip.Response {
	return sip.NewResponseFromRequest(req, status, wire.Phrase(status), nil)
}
