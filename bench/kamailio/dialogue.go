//go:build linux

package main

import (
	"bytes"
	"fmt"
)

// atCallee handles a message that reached the callee.
func (g *generator) atCallee(b []byte) {
	arrived := g.now()
	m := &g.msg
	if !m.read(b) {
		return
	}
	if m.isRequest("OPTIONS") { // the proxy asks whether the callee is there
		g.callee.send(g.phones.response("200 OK", 0, m, ""))
		return
	}
	i, c := g.find()
	if c == nil || c.phase == ended {
		return
	}
	switch {
	case m.isRequest("INVITE"):
		if c.answer != nil {
			return // a retransmission: the 200 is on its way, or comes when the telephone has rung
		}
		if why := g.forwardedWell(); why != "" {
			g.end(c, why)
			return
		}
		c.forward = arrived - c.sentAt
		number := g.base + uint32(i)
		c.answer = bytes.Clone(g.phones.response("200 OK", number, m, session))
		g.callee.send(g.phones.response("180 Ringing", number, m, ""))
		g.timers[timerRing].push(i, arrived)
	case m.isRequest("ACK"):
		c.acked = true
		if m.route.n > 0 {
			g.end(c, "ACK with a Route left in it")
		}
	case m.isRequest("BYE"):
		if m.route.n > 0 {
			g.end(c, "BYE with a Route left in it")
			return
		}
		g.callee.send(g.phones.response("200 OK", g.base+uint32(i), m, ""))
	}
}

// forwardedWell says what is wrong with an INVITE as it reached the callee, "" if nothing is.
func (g *generator) forwardedWell() string {
	m := &g.msg
	switch {
	case !bytes.Equal(m.body, []byte(session)):
		return "INVITE with another body"
	case g.direct:
		return ""
	case g.load.refused:
		return "a listed caller got through"
	case m.via.n != 2:
		return fmt.Sprintf("INVITE with %d Via", m.via.n)
	case m.recordRoute.n == 0:
		return "INVITE without Record-Route"
	case string(m.forwards) != "Max-Forwards: 69\r\n":
		return "INVITE with a wrong Max-Forwards"
	}
	return ""
}

// atCaller handles a message that reached the caller.
func (g *generator) atCaller(b []byte) {
	arrived := g.now()
	m := &g.msg
	if !m.read(b) {
		return
	}
	i, c := g.find()
	if c == nil {
		return
	}
	status := m.status()
	if c.phase == ended {
		if status >= 300 && m.answers("INVITE") { // the refusal again: so is its ACK
			g.caller.send(g.phones.refusalACK(g.base+uint32(i), m))
		}
		return
	}
	switch {
	case status == 0: // no request is for the caller
	case m.answers("BYE"):
		if status != 200 {
			g.end(c, fmt.Sprintf("BYE answered %d", status))
		} else if c.phase == leaving {
			g.end(c, "")
		}
	case status < 200:
		if c.phase == inviting {
			c.phase = proceeding
		}
	case status > 200:
		g.caller.send(g.phones.refusalACK(g.base+uint32(i), m))
		if (status == 603 || status == 608) && g.load.refused {
			g.end(c, "")
		} else {
			g.end(c, fmt.Sprintf("INVITE answered %d", status))
		}
	case c.phase < answered:
		if m.via.n != 1 || !bytes.Equal(m.body, []byte(session)) {
			g.end(c, "200 with other Via or body")
			return
		}
		g.result.delays = append(g.result.delays, c.forward+arrived-c.sentAt)
		c.phase = answered
		c.answer = bytes.Clone(b)
		g.caller.send(g.phones.inDialog("ACK", "a", g.base+uint32(i), m))
		g.timers[timerHold].push(i, arrived)
		g.answered()
	default: // the 200 again: so is its ACK
		g.caller.send(g.phones.inDialog("ACK", "a", g.base+uint32(i), m))
	}
}

// bye sends the BYE of a call.
func (g *generator) bye(i int, c *placed) {
	if !g.stored.read(c.answer) {
		return
	}
	g.caller.send(g.phones.inDialog("BYE", "b", g.base+uint32(i), &g.stored))
}
