package treatment

import (
	"net/url"
	"strings"
)

// transfer is a REFER that one side sent, passed to the other.
type transfer struct {
	from, to *side
	id       uint64 // of from's request
	replied  bool
}

// attended reports whether a Refer-To asks for a call that replaces another (RFC 3891), as in an attended transfer.
// Its dialog is one of the side that asks: of a leg of ours, or of a call that the gateway knows nothing of. The
// other side has none by that name, and would call, be refused with 481, and lose both calls.
func attended(target string) bool {
	uri, _, _ := strings.Cut(target[strings.LastIndexByte(target, '<')+1:], ">")
	_, headers, _ := strings.Cut(uri, "?")
	for field := range strings.SplitSeq(headers, "&") {
		name, _, _ := strings.Cut(field, "=")
		if unescaped, err := url.PathUnescape(strings.TrimSpace(name)); err != nil || strings.EqualFold(unescaped, "Replaces") {
			return true
		}
	}
	return false
}

// transferred passes a REFER (RFC 3515) to the other side, if the site's policy allows it: the other
// side then makes the call that it is asked to make, which is screened like any other. Otherwise,
// when it is an attended transfer, and while the two are not connected or another transfer is not replied to, it is
// refused.
func (c *Call) transferred(s *side, e Transferred) {
	busy := c.transfer != nil && !c.transfer.replied
	if !c.env.Options.PassTransfers || c.state != stateConnected || s == c.centre || busy || attended(e.Target) {
		s.leg.Reply(e.ID, 603, nil)
		return
	}
	c.transfer = &transfer{from: s, to: c.across(s), id: e.ID}
	c.transfer.to.leg.Transfer(e.Target)
}

// transferReplied passes the reply back.
func (c *Call) transferReplied(s *side, e TransferReplied) {
	if t := c.transfer; t != nil && !t.replied && s == t.to {
		t.replied = true
		t.from.leg.Reply(t.id, e.Status, nil)
	}
}

// notified passes back how the transfer goes.
func (c *Call) notified(s *side, e Notified) {
	if t := c.transfer; t != nil && s == t.to {
		t.from.leg.Notify(e.Body, e.State)
	}
}
