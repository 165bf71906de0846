package treatment

import (
	"errors"
	"fmt"
	"net/url"

	"ringfence/call"
	"ringfence/media"
)

// redress is what a refusal tells the caller: a reference, and where to object with it. Which rule
// fired is not told: a fraudster would learn from it.
func (c *Call) redress(status int) []Header {
	r, reference := c.env.Options.Redress, c.record.Reference
	text := "Call not accepted. Reference " + reference
	if r.Phone != "" {
		text += ". To dispute call " + r.Phone
	}
	headers := []Header{{"Reason", fmt.Sprintf("SIP;cause=%d;text=%q", status, text)}}
	if r.URL != "" {
		headers = append(headers, Header{"Error-Info", "<" + withReference(r.URL, reference) + ">"})
	}
	if r.JCard != "" && status == call.RefusalRejected.Status() {
		headers = append(headers, Header{"Call-Info", "<" + r.JCard + ">;purpose=jwscard"})
	}
	return headers
}

// withReference adds the redress reference to a URL as a query parameter.
func withReference(base, reference string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	q := u.Query()
	q.Set("ref", reference)
	u.RawQuery = q.Encode()
	return u.String()
}

// reasonOf is the Reason (RFC 3326) for legs that end because of a status.
func reasonOf(status int) string {
	if status < 300 {
		return normalClearing
	}
	return fmt.Sprintf("SIP;cause=%d", status)
}

// warning says why an offer was not taken, in a Warning header (RFC 3261 §20.43).
func warning(err error) []Header {
	unacceptable, ok := errors.AsType[*media.Unacceptable](err)
	if !ok {
		return nil
	}
	return []Header{{"Warning", fmt.Sprintf("%d ringfence %q", unacceptable.Warning, unacceptable.Why)}}
}
