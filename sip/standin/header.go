package standin

import (
	"net"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

const sdpType = "application/sdp"

func header(name, value string) sip.Header { return sip.NewHeader(name, value) }

// values joins all values of a header of a message with ", "; empty when there is none.
func values(msg sip.Message, name string) string {
	var all []string
	for _, h := range msg.GetHeaders(name) {
		all = append(all, h.Value())
	}
	return strings.Join(all, ", ")
}

// lists reports whether a header that lists option tags names one.
func lists(msg sip.Message, name, tag string) bool {
	for value := range strings.SplitSeq(values(msg, name), ",") {
		if strings.EqualFold(strings.TrimSpace(value), tag) {
			return true
		}
	}
	return false
}

func toTag(msg sip.Message) string {
	to := msg.To()
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}

func fromTag(msg sip.Message) string {
	from := msg.From()
	if from == nil {
		return ""
	}
	tag, _ := from.Params.Get("tag")
	return tag
}

// user is the user part of a SIP URI, or the subscriber of a tel URI.
func user(uri sip.Uri) string {
	if uri.Raw() != "" {
		subscriber, _, _ := strings.Cut(uri.Raw(), ";")
		return subscriber
	}
	return uri.User
}

// quoted makes a text fit to stand between the quotes of a display name (RFC 3261 §25.1).
func quoted(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ").Replace(text)
}

// unquoted undoes quoted.
func unquoted(text string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text)
}

// nextHop is the address and the transport that a SIP URI names (RFC 3263 §4.1, without DNS: a
// numeric host without a transport parameter is UDP).
func nextHop(uri sip.Uri) (address, transport string) {
	transport = "UDP"
	if t, ok := uri.UriParams.Get("transport"); ok && t != "" {
		transport = strings.ToUpper(t)
	}
	port := uri.Port
	if port == 0 {
		port = sip.DefaultPort(transport)
	}
	return net.JoinHostPort(strings.Trim(uri.Host, "[]"), strconv.Itoa(port)), transport
}
