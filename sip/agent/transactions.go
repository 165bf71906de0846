package agent

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// transactions are the agent's SIP transactions (RFC 3261 §17). The state machines are sipgo's; finding
// them, and feeding them in the order in which messages arrive, is done here, by one goroutine.
type transactions struct {
	link    *link
	log     *slog.Logger // for sipgo, which logs whole start lines: it drops everything
	limit   int          // server transactions at a time
	counts  *counts
	request func(req *sip.Request, tx *server) // a new request; tx is nil for an ACK

	group sync.WaitGroup // responses being fed

	mu      sync.Mutex
	servers map[string]*server
	clients map[string]*client
}

// server is a transaction that the core began.
type server struct {
	*sip.ServerTx
	req   *sip.Request
	fresh bool // outside a dialog
	// cancelled, if set by the handler of the request, is called when the core cancels it. It must not block.
	cancelled func(cancel *sip.Request)
}

// client is a transaction that the agent began.
type client struct {
	*sip.ClientTx
	req      *sip.Request
	answered atomic.Bool // a final response was handled
	// handle is told each response, those to an INVITE that are sent again too, in order, and at last, if there was
	// no final one, why not. It must not block.
	handle func(res *sip.Response, err error)
}

var errUnanswered = errors.New("no final response")

func newTransactions(link *link, limit int, counts *counts) *transactions {
	return &transactions{
		link: link, log: slog.New(slog.DiscardHandler), limit: limit, counts: counts,
		servers: make(map[string]*server), clients: make(map[string]*client),
	}
}

// receive handles a message of the core.
func (t *transactions) receive(msg sip.Message) {
	if msg.CallID() == nil || msg.From() == nil || msg.To() == nil || msg.CSeq() == nil || msg.Via() == nil {
		t.counts.malformed.Add(1)
		return
	}
	switch msg := msg.(type) {
	case *sip.Request:
		msg.SetTransport(protocol)
		t.receiveRequest(msg)
	case *sip.Response:
		t.receiveResponse(msg)
	}
}

func (t *transactions) receiveRequest(req *sip.Request) {
	key, err := sip.ServerTxKeyMake(req)
	if err != nil {
		t.counts.malformed.Add(1)
		return
	}
	if req.IsCancel() {
		t.receiveCancel(req)
		return
	}
	if s := t.server(key); s != nil {
		_ = s.Receive(req) // fails only for a method that is not the transaction's, which the key excludes
		return
	}
	if req.IsAck() { // of a 2xx: it is no transaction's (RFC 3261 §17.1)
		t.request(req, nil)
		return
	}
	fresh := toTag(req) == ""
	if fresh { // before the transaction sees it: all responses have one tag (RFC 3261 §8.2.6.2)
		req.To().Params.Add("tag", newTag())
	}
	s := &server{ServerTx: sip.NewServerTx(key, req, t.link, t.log), req: req, fresh: fresh}
	t.mu.Lock()
	full := len(t.servers) >= t.limit
	if !full {
		t.servers[key] = s
	}
	t.mu.Unlock()
	if full {
		t.counts.overflow.Add(1)
		t.reply(req, 503)
		return
	}
	s.OnTerminate(func(key string, _ error) { t.forgetServer(key) })
	if s.Init() != nil {
		t.forgetServer(key)
		return
	}
	t.request(req, s)
}

// receiveCancel answers a CANCEL and tells whoever handles the INVITE (RFC 3261 §9.2). sipgo's transaction is not
// told: it would answer 487 itself with a To tag of its own, and a response of ours that crosses it
// would take the place of the 487 when that is sent again.
func (t *transactions) receiveCancel(req *sip.Request) {
	invite := *req.CSeq()
	invite.MethodName = sip.INVITE
	asInvite := sip.NewRequest(sip.INVITE, req.Recipient)
	asInvite.AppendHeader(req.Via())
	asInvite.AppendHeader(&invite)
	key, err := sip.ServerTxKeyMake(asInvite)
	if err != nil {
		t.counts.malformed.Add(1)
		return
	}
	s := t.server(key)
	if s == nil {
		t.reply(req, 481)
		return
	}
	res := newResponse(req, 200)
	res.ReplaceHeader(sip.HeaderClone(s.req.To()))
	_ = t.link.WriteMsg(res)
	if s.cancelled != nil {
		s.cancelled(req)
	}
}

// reply answers a request without a transaction.
func (t *transactions) reply(req *sip.Request, status int) {
	_ = t.link.WriteMsg(newResponse(req, status)) // a response lost is asked for again
}

// refuse sends a final response without a body to the request of a transaction; tx is nil for an ACK, which is not answered.
func (t *transactions) refuse(tx *server, status int, headers ...sip.Header) {
	if tx == nil {
		return
	}
	res := newResponse(tx.req, status)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	_ = tx.Respond(res) // sent again by the transaction when it is asked again
}

// receiveResponse feeds a response to its transaction, and hands it on if the transaction passes it up.
func (t *transactions) receiveResponse(res *sip.Response) {
	key, err := sip.ClientTxKeyMake(res)
	if err != nil {
		t.counts.malformed.Add(1)
		return
	}
	t.mu.Lock()
	c := t.clients[key]
	t.mu.Unlock()
	if c == nil {
		return // later than any retransmission
	}
	if c.req.IsInvite() && res.StatusCode >= 300 && c.answered.Load() {
		// sipgo answers a final response that comes again with an ACK only after T2, and holds its lock meanwhile.
		_ = t.link.WriteMsg(newACK(c.req, res))
		return
	}
	// sipgo passes a response up through a channel without a buffer, if it passes it up at all.
	fed := make(chan struct{})
	t.group.Go(func() {
		defer close(fed)
		defer t.counts.recovered()
		c.Receive(res)
	})
	select {
	case up := <-c.Responses():
		c.answered.Store(!up.IsProvisional())
		c.handle(up, nil)
	case <-fed:
	case <-c.Done():
	}
}

// send begins a transaction. Its outcome is told to handle.
func (t *transactions) send(req *sip.Request, handle func(*sip.Response, error)) *client {
	if req.Via() == nil { // a CANCEL has that of its INVITE
		addVia(req)
	}
	key, _ := sip.ClientTxKeyMake(req) // its Via and CSeq are ours
	c := &client{ClientTx: sip.NewClientTx(key, req, t.link, t.log), req: req, handle: handle}
	t.mu.Lock()
	t.clients[key] = c
	t.mu.Unlock()
	c.OnTerminate(func(key string, err error) {
		t.mu.Lock()
		delete(t.clients, key)
		t.mu.Unlock()
		if !c.answered.Load() {
			c.handle(nil, errors.Join(errUnanswered, err))
		}
	})
	c.OnRetransmission(func(res *sip.Response) { c.handle(res, nil) })
	if c.Init() != nil {
		c.Terminate()
	}
	return c
}

func (t *transactions) server(key string) *server {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.servers[key]
}

func (t *transactions) forgetServer(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.servers, key)
}

// close ends every transaction, and waits until none is being fed.
func (t *transactions) close() {
	t.mu.Lock()
	all := make([]sip.Transaction, 0, len(t.servers)+len(t.clients))
	for _, s := range t.servers {
		all = append(all, s)
	}
	for _, c := range t.clients {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, tx := range all {
		tx.Terminate()
	}
	t.group.Wait()
}
