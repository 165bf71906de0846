package treatment

import (
	"errors"
	"fmt"
	"strings"

	"ringfence/call"
	"ringfence/media"
)

// redress is what a refusal tells the caller.
func (c *Call) redress(class call.Refusal) (headers []Header) {
	for line := range strings.Lines(string(c.env.Options.Redress.AppendHeaders(nil, class, c.record.Reference))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		headers = append(headers, Header{name, value})
	}
	return headers
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
