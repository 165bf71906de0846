package callscript

import (
	"fmt"
	"slices"
)

// dialog is what a participant remembers of a call, so that the messages in it need not be spelt out.
type dialog struct {
	callID        string
	local, remote string // values of From and To, as this participant sends them
	sequence      int    // of its own requests
	target        string // Contact of the other side
	routes        []string
	confirmed     bool
	invite        *sipText // last INVITE sent
	final         *sipText // last final response to it
}

// inside reports whether requests can be sent inside the dialog.
func (d *dialog) inside() bool { return d.remote != "" && parameter(d.remote, "tag") != "" }

// noteSent learns from a request that the participant sent.
func (d *dialog) noteSent(m *sipText) {
	d.local = m.get("from")
	d.sequence = max(d.sequence, m.sequence())
	if m.method() == "INVITE" {
		d.invite, d.final = m, nil
		if !d.inside() {
			d.remote = m.get("to")
		}
	}
}

// noteResponse learns from a response that the participant received.
func (d *dialog) noteResponse(m *sipText) {
	status := m.status()
	if m.method() != "INVITE" || status == 100 {
		return
	}
	if status >= 200 {
		d.final = m
	}
	if status >= 300 {
		if !d.confirmed && d.invite != nil {
			d.remote = d.invite.get("to")
		}
		return
	}
	if parameter(m.get("to"), "tag") == "" {
		return
	}
	if contact := m.get("contact"); contact != "" {
		d.target = addressOf(contact)
	}
	if !d.confirmed {
		d.remote = m.get("to")
		d.routes = m.values("record-route")
		slices.Reverse(d.routes)
	}
	d.confirmed = d.confirmed || status >= 200
}

// noteRequest learns from a request that the participant received.
func (d *dialog) noteRequest(m *sipText) {
	if contact := m.get("contact"); contact != "" && slices.Contains([]string{"INVITE", "UPDATE", "SUBSCRIBE", "REFER"}, m.method()) {
		d.target = addressOf(contact)
	}
	if m.method() == "INVITE" && parameter(m.get("to"), "tag") == "" {
		d.remote, d.local = m.get("from"), m.get("to")
		d.routes = m.values("record-route")
	}
}

// dialogOf finds the call that a message belongs to, made if it is new.
func (p *party) dialogOf(callID string) *dialog {
	d := p.dialogs[callID]
	if d == nil {
		d = &dialog{callID: callID}
		p.dialogs[callID] = d
	}
	p.last = d
	return d
}

// rename notes that the script gave a call another Call-ID.
func (p *party) rename(d *dialog, callID string) {
	if callID == "" || callID == d.callID {
		return
	}
	for name, id := range p.run.calls {
		if id == d.callID {
			p.run.calls[name] = callID
		}
	}
	d.callID = callID
	p.dialogs[callID] = d
}

// chooseDialog finds the call that a message to be sent belongs to: the named one, the last one, or a
// new one.
func (p *party) chooseDialog(l *line) (*dialog, error) {
	r := p.run
	if l.call == "" && p.last != nil {
		return p.last, nil
	}
	name := orElse(l.call, "1")
	if _, ok := r.calls[name]; !ok {
		if l.verb == "ACK" || l.verb == "CANCEL" {
			return nil, fmt.Errorf("there is no call %q yet", name)
		}
		r.calls[name] = "call-" + name + "@" + p.addr.Addr().String()
	}
	return p.dialogOf(r.calls[name]), nil
}
