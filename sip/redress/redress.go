// Package redress says what a refused caller is told, so that a wrong refusal can be put right: a reference,
// and where to object with it. Which rule fired is not told: a fraudster would learn from it.
package redress

import (
	"net/url"
	"strconv"

	"ringfence/call"
)

// Contact is where a refused caller may object. What is empty is not told.
type Contact struct {
	Phone string // read by people
	URL   string // Error-Info (RFC 3261 §20.18); the reference is added as ?ref=
	JCard string // Call-Info of a 608 (RFC 8688 §3.3): URL of the signed jCard
}

// AppendHeaders appends the header lines of a refusal, each with its CRLF.
func (c *Contact) AppendHeaders(dst []byte, class call.Refusal, reference string) []byte {
	dst = append(dst, "Reason: SIP;cause="...)
	dst = strconv.AppendInt(dst, int64(class.Status()), 10)
	page := withReference(c.URL, reference)
	if class == call.RefusalBlocked {
		dst = c.appendAnalytics(dst, page, reference)
	} else {
		dst = append(dst, `;text="Call not accepted. Reference `...)
		dst = append(dst, reference...)
		if c.Phone != "" {
			dst = append(dst, ". To dispute call "...)
			dst = append(dst, c.Phone...)
		}
		dst = append(dst, '"')
	}
	dst = append(dst, "\r\n"...)
	if page != "" {
		dst = append(append(append(dst, "Error-Info: <"...), page...), ">\r\n"...)
	}
	if c.JCard != "" && class == call.RefusalRejected {
		dst = append(append(append(dst, "Call-Info: <"...), c.JCard...), ">;purpose=jwscard\r\n"...)
	}
	return dst
}

// appendAnalytics appends the text and location of a Reason that machines in North America read
// (ATIS-1000099).
func (c *Contact) appendAnalytics(dst []byte, page, reference string) []byte {
	dst = append(dst, `;text="v=analytics1`...)
	if page != "" {
		dst = append(append(dst, ";url="...), page...)
	}
	if c.Phone != "" {
		dst = append(append(dst, ";tel="...), c.Phone...)
	}
	dst = append(append(dst, ";id="...), reference...)
	return append(dst, `";location=RLN`...)
}

// Phrase is the reason phrase of a refusal where it is not the usual one of its status, else empty.
func Phrase(class call.Refusal) string {
	if class == call.RefusalBlocked {
		return "Network Blocked" // ATIS-1000099
	}
	return ""
}

// withReference adds the reference to a URL as a query parameter.
func withReference(base, reference string) string {
	if base == "" {
		return ""
	}
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	q := u.Query()
	q.Set("ref", reference)
	u.RawQuery = q.Encode()
	return u.String()
}
