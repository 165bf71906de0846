package agent

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/treatment"
)

const (
	// sessionExpires is the session interval that we propose, in seconds (RFC 4028 §4).
	sessionExpires = 1800
	// minExpires is the shortest session interval that may be agreed on, in seconds (RFC 4028 §4).
	minExpires = 90
	// maxExpires bounds what is taken, in seconds.
	maxExpires = 24 * 3600
	// refreshAgain is how long after a refresh that did not succeed another is tried.
	refreshAgain = 10 * time.Second
)

// expires is the session timer of a leg (RFC 4028).
type expires struct {
	seconds int  // the session interval, 0 when there is none
	ours    bool // we refresh
	refresh *alarm
	end     *alarm
}

func (e *expires) stop() {
	e.refresh.stop()
	e.end.stop()
}

// serve takes what an INVITE or UPDATE of the other side asks for, or returns why not.
func (e *expires) serve(req *sip.Request) (status int, headers []sip.Header) {
	value := values(req, "session-expires")
	timer := lists(req, "supported", "timer") || lists(req, "require", "timer")
	if value == "" {
		e.seconds, e.ours = 0, false
		if timer {
			e.seconds = sessionExpires
		}
		return 0, nil
	}
	n := seconds(value)
	if n < minExpires && timer {
		return 422, []sip.Header{header("Min-SE", strconv.Itoa(minExpires))}
	}
	e.seconds = min(max(n, minExpires), maxExpires)
	e.ours = !timer || parameter(value, "refresher") == "uas"
	return 0, nil
}

// answer adds what was agreed on to our 2xx, and starts the interval.
func (e *expires) answer(l *leg, res *sip.Response) {
	if e.seconds > 0 {
		refresher := ";refresher=uac"
		if e.ours {
			refresher = ";refresher=uas"
		} else {
			res.AppendHeader(header("Require", "timer"))
		}
		res.AppendHeader(header("Session-Expires", strconv.Itoa(e.seconds)+refresher))
	}
	e.start(l)
}

// propose adds to our INVITE or UPDATE what we ask for.
func (e *expires) propose(req *sip.Request, established bool) {
	value := strconv.Itoa(max(e.seconds, minExpires))
	switch {
	case !established:
	case e.seconds == 0:
		return
	case e.ours:
		value += ";refresher=uac"
	default:
		value += ";refresher=uas"
	}
	req.AppendHeader(header("Session-Expires", value))
}

// raise takes the Min-SE of a 422.
func (e *expires) raise(res *sip.Response) bool {
	least := seconds(values(res, "min-se"))
	if least <= e.seconds || least > maxExpires {
		return false
	}
	e.seconds = least
	return true
}

// take reads from the 2xx to our INVITE or UPDATE what was agreed on, and starts the interval.
func (e *expires) take(l *leg, res *sip.Response) {
	value := values(res, "session-expires")
	e.seconds = 0
	if n := seconds(value); n > 0 {
		e.seconds = min(max(n, minExpires), maxExpires)
	}
	e.ours = parameter(value, "refresher") != "uas"
	e.start(l)
}

// start begins the interval anew.
func (e *expires) start(l *leg) {
	e.stop()
	if e.seconds == 0 {
		return
	}
	interval := time.Duration(e.seconds) * time.Second
	if e.ours {
		e.refresh = l.session.after(interval/2, l.refresh)
	}
	e.end = l.session.after(interval-min(32*time.Second, interval/3), func() { l.lost(treatment.Expired) }) // RFC 4028 §10
}

// refresh refreshes the session, by an UPDATE where the other side takes that.
func (l *leg) refresh() {
	l.expires.refresh = l.session.after(refreshAgain, l.refresh) // unless this one succeeds
	if l.offering != nil || l.accepted != nil || l.asked != nil {
		return // a re-INVITE is under way, and refreshes as well if it succeeds
	}
	if !l.dialog.updates {
		l.offering = &offering{leg: l, description: l.said, refresh: true}
		l.offering.send()
		return
	}
	req := l.dialog.request(sip.UPDATE)
	l.expires.propose(req, true)
	l.send(req, func(res *sip.Response, _ error) {
		switch {
		case l.ending || l.done || res != nil && res.IsProvisional():
		case res == nil || gone(res.StatusCode):
			l.lost(treatment.Lost)
		case res.IsSuccess():
			l.dialog.refresh(res)
			l.expires.take(l, res)
		case res.StatusCode == statusIntervalTooSmall && l.expires.raise(res):
			l.refresh()
		}
	})
}

// gone reports whether a response to a request within a dialog says that the dialog is no more (RFC 3261 §12.2.1.2).
func gone(status int) bool { return status == 408 || status == 481 }
