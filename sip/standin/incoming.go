package standin

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/media"
)

const (
	maxRing = 3 * time.Minute        // longest ringing of a call nobody answers
	moment  = 200 * time.Millisecond // before the PBX acts in a call of its own accord
)

// incoming is one INVITE to the PBX, and the call it becomes.
type incoming struct {
	endpoint  *endpoint
	options   Options
	req       *sip.Request
	tx        sip.ServerTransaction
	dialog    *dialog
	cancelled chan struct{}
	behaviour
}

// invite handles an INVITE outside a dialog, and returns when its call is over.
func (p *PBX) invite(e *endpoint, req *sip.Request, tx sip.ServerTransaction) {
	// One tag in every response, those that the transaction makes itself too.
	req.To().Params.Add("tag", sip.GenerateTagN(16))
	e.respond(tx, req, 100, "Trying")
	if unknown := unknownExtensions(req); unknown != "" {
		e.respond(tx, req, 420, "Bad Extension", header("Unsupported", unknown))
		return
	}
	if req.Contact() == nil || fromTag(req) == "" {
		e.respond(tx, req, 400, "No Contact Or No From Tag")
		return
	}
	select {
	case p.lines <- struct{}{}:
		defer func() { <-p.lines }()
	default:
		e.respond(tx, req, 503, "All Lines Busy", header("Retry-After", "5"))
		return
	}
	if p.options.OnCall != nil {
		p.options.OnCall(received(req))
	}
	leg, err := e.openEcho()
	if err != nil {
		e.log.Error("call refused", "error", err)
		e.respond(tx, req, 500, "Server Internal Error")
		return
	}
	defer leg.Close()
	call := &incoming{
		endpoint: e, options: p.options, req: req, tx: tx, dialog: e.newCalledDialog(req, leg),
		cancelled: make(chan struct{}), behaviour: behaviours[user(req.Recipient)],
	}
	cancel := sync.OnceFunc(func() { close(call.cancelled) })
	if !tx.OnCancel(func(*sip.Request) { cancel() }) {
		return // cancelled already, and answered so by the transaction
	}
	call.run()
}

// unknownExtensions are the option tags of Require that are not 100rel.
func unknownExtensions(req *sip.Request) string {
	var unknown []string
	for tag := range strings.SplitSeq(values(req, "Require"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" && !strings.EqualFold(tag, "100rel") {
			unknown = append(unknown, tag)
		}
	}
	return strings.Join(unknown, ", ")
}

func received(req *sip.Request) Received {
	source, _ := netip.ParseAddrPort(req.Source())
	offer, _ := media.ParseSDP(req.Body())
	return Received{
		CallID:      req.CallID().Value(),
		Called:      user(req.Recipient),
		Display:     unquoted(req.From().DisplayName),
		Caller:      user(req.From().Address),
		Asserted:    values(req, "P-Asserted-Identity"),
		Ringfence:   values(req, "X-Ringfence"),
		Diversion:   values(req, "Diversion"),
		HistoryInfo: values(req, "History-Info"),
		Video:       offer.HasVideo(),
		Source:      source,
		Transport:   req.Transport(),
	}
}

// run takes the call from ringing to its end.
func (c *incoming) run() {
	if c.status != 0 {
		c.respond(c.status, c.phrase)
		return
	}
	answer, ok := c.describe()
	if !ok {
		return
	}
	c.dialog.add()
	defer c.dialog.remove()
	if !c.ring() {
		return
	}
	if c.dialog.accept(c.req, c.tx, answer) {
		c.talk()
	} else {
		c.dialog.part()
	}
}

func (c *incoming) respond(status int, phrase string, headers ...sip.Header) {
	c.endpoint.respond(c.tx, c.req, status, phrase, headers...)
}

// describe returns the description for our 200: the answer to the offer, or an offer where there
// is none. When the offer cannot be taken it refuses the call.
func (c *incoming) describe() (body []byte, ok bool) {
	if len(c.req.Body()) == 0 {
		return c.dialog.offer(), true
	}
	if kind := c.req.ContentType(); kind == nil || !strings.HasPrefix(strings.ToLower(kind.Value()), sdpType) {
		c.respond(415, "Unsupported Media Type", header("Accept", sdpType))
		return nil, false
	}
	body, status := c.dialog.answer(c.req.Body())
	if status != 0 {
		c.dialog.refuse(c.req, c.tx, status)
		return nil, false
	}
	return body, true
}

// ring sends 180 and waits until the call is to be answered; it is false when it is not.
func (c *incoming) ring() bool {
	offered := lists(c.req, "Supported", "100rel") && c.reliable
	if lists(c.req, "Require", "100rel") || offered {
		if !c.ringReliably() {
			return false
		}
	} else {
		c.respond(180, "Ringing", c.endpoint.contact(c.req.Transport()))
	}
	if !c.noAnswer {
		return c.wait(c.options.Ring)
	}
	if c.wait(maxRing) {
		c.respond(480, "No Answer")
	}
	return false
}

// wait lets a time of ringing pass; it is false when the call ended in it.
func (c *incoming) wait(long time.Duration) bool {
	select {
	case <-c.cancelled:
		return false
	default:
	}
	select {
	case <-time.After(long):
		return true
	case <-c.cancelled: // the transaction answers 487
	case <-c.tx.Done():
	case <-c.endpoint.ctx.Done():
		c.respond(503, "Shutting Down")
	}
	return false
}

// ringReliably sends 180 until it is acknowledged by PRACK (RFC 3262 §3); it is false when it is not.
func (c *incoming) ringReliably() bool {
	rseq := rand.Uint32N(1 << 16)
	racked := make(chan struct{})
	c.dialog.mu.Lock()
	c.dialog.rack = fmt.Sprintf("%d %d INVITE", rseq, c.req.CSeq().SeqNo)
	c.dialog.racked = racked
	c.dialog.mu.Unlock()
	deadline := time.Now().Add(timerH)
	for interval := timerT1; time.Now().Before(deadline); interval *= 2 {
		c.respond(180, "Ringing", c.endpoint.contact(c.req.Transport()),
			header("Require", "100rel"), header("RSeq", strconv.FormatUint(uint64(rseq), 10)))
		select {
		case <-racked:
			return true
		case <-time.After(interval):
		case <-c.cancelled:
			return false
		case <-c.endpoint.ctx.Done():
			c.respond(503, "Shutting Down")
			return false
		}
	}
	c.respond(504, "No PRACK")
	return false
}

// talk is the answered call until one side ends it.
func (c *incoming) talk() {
	d, e := c.dialog, c.endpoint
	limit := c.options.MaxDuration
	if c.hangUp {
		limit = moment
	}
	end := time.After(limit)
	if c.options.OnAnswer != nil && !c.press(c.options.OnAnswer(received(c.req))) {
		return
	}
	if c.reinvite {
		select {
		case <-time.After(moment):
		case <-d.ended:
		case <-e.ctx.Done():
		}
		if err := d.reinvite(e.ctx); err != nil {
			e.log.Debug("re-INVITE failed", "error", err)
		}
	}
	select {
	case <-d.ended:
		return
	case <-end:
	case <-e.ctx.Done():
	}
	d.part()
}
