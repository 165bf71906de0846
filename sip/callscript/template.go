package callscript

import (
	"fmt"
	"strconv"
	"strings"
)

// draftRequest writes a request with all its defaults.
func (p *party) draftRequest(l *line, uri string) (*draft, *dialog, error) {
	d, err := p.chooseDialog(l)
	if err != nil {
		return nil, nil, err
	}
	hopByHop := l.verb == "CANCEL" || l.verb == "ACK" && (d.final == nil || d.final.status() >= 300)
	if (l.verb == "CANCEL" || l.verb == "ACK") && d.invite == nil {
		return nil, nil, fmt.Errorf("%s has sent no INVITE in this call", p.name)
	}
	if hopByHop && uri == "" {
		uri = d.invite.uri()
	}
	if uri == "" && d.inside() {
		uri = d.target
	}
	if uri == "" {
		uri = p.uri(p.callee(), p.run.gatewayAddr(p))
	} else if !strings.Contains(uri, ":") {
		uri = p.uri(uri, p.run.gatewayAddr(p))
	}
	version := l.tail
	if version == "" {
		version = "SIP/2.0"
	}
	m := newDraft("%s %s %s", l.verb, uri, version)
	if hopByHop {
		p.draftHopByHop(m, l, d)
	} else {
		p.draftEndToEnd(m, l, d, uri)
	}
	return m, d, nil
}

// draftHopByHop writes the ACK to a refusal, or a CANCEL (RFC 3261 §9.1, §17.1.1.3).
func (p *party) draftHopByHop(m *draft, l *line, d *dialog) {
	to := d.invite.get("to")
	if l.verb == "ACK" && d.final != nil {
		to = d.final.get("to")
	}
	if via := d.invite.values("via"); len(via) > 0 {
		m.header("Via", via[0])
	}
	for _, route := range d.invite.all("route") {
		m.header("Route", route)
	}
	m.header("Max-Forwards", "70")
	m.header("From", d.invite.get("from"))
	m.header("To", to)
	m.header("Call-ID", d.callID)
	m.header("CSeq", strconv.Itoa(d.invite.sequence())+" "+l.verb)
}

func (p *party) draftEndToEnd(m *draft, l *line, d *dialog, uri string) {
	sequence := d.sequence + 1
	if l.verb == "ACK" {
		sequence = d.final.sequence()
	}
	from, to := d.local, d.remote
	if from == "" || l.from != "" {
		from = p.address(l.display, orElse(l.from, p.caller()), p.addr.String()) + p.newTag(l.from)
	}
	if to == "" || l.to != "" {
		to = p.address("", orElse(l.to, uri), p.run.gatewayAddr(p))
	}
	m.header("Via", "SIP/2.0/"+p.protocol()+" "+p.addr.String()+";branch="+p.run.branch(p)+";rport")
	for _, route := range d.routes {
		m.header("Route", route)
	}
	m.header("Max-Forwards", "70")
	m.header("From", from)
	m.header("To", to)
	m.header("Call-ID", d.callID)
	m.header("CSeq", strconv.Itoa(sequence)+" "+l.verb)
	if l.verb == "INVITE" || l.verb == "UPDATE" {
		m.header("Contact", p.contact(p.caller()))
	}
	if l.verb == "INVITE" || l.body != "" {
		m.body = media(l.body, p.addr.Addr().String())
	}
}

// draftResponse writes a response with all its defaults. The To tag is the participant's own.
func (p *party) draftResponse(to *arrival, status int, phrase string) *draft {
	m := newDraft("SIP/2.0 %d %s", status, phrase)
	m.copyLines(to.sipText, "via")
	early := to.method() == "INVITE" && status > 100 && status < 300
	if early {
		m.copyLines(to.sipText, "record-route")
	}
	m.copyLines(to.sipText, "from")
	answer := to.get("to")
	if status > 100 && parameter(answer, "tag") == "" {
		answer += ";tag=" + p.name
	}
	m.header("To", answer)
	m.copyLines(to.sipText, "call-id")
	m.copyLines(to.sipText, "cseq")
	if early {
		m.header("Contact", p.contact(""))
		if status >= 200 {
			m.body = media("", p.addr.Addr().String())
		}
	}
	return m
}

func (d *draft) copyLines(m *sipText, name string) {
	for _, l := range m.lines {
		if l.name == name {
			d.lines = append(d.lines, draftLine{name, l.raw, false})
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func (p *party) protocol() string {
	if p.spec.tcp {
		return "TCP"
	}
	return "UDP"
}

const (
	outsideNumber = "13800138000" // of callers that a script does not name
	insideNumber  = "02155500001"
)

func (p *party) inside() bool {
	return p.spec.role == roleTarget || p.spec.role == roleDivert || p.spec.role == rolePBX
}

func (p *party) caller() string {
	if p.inside() {
		return insideNumber
	}
	return outsideNumber
}

func (p *party) callee() string {
	if p.inside() {
		return outsideNumber
	}
	return insideNumber
}

// uri is a SIP URI for a user, who may be nobody.
func (p *party) uri(user, host string) string {
	if user != "" {
		user += "@"
	}
	if p.spec.tcp {
		host += ";transport=tcp"
	}
	return "sip:" + user + host
}

// contact is the value of a Contact that names the participant.
func (p *party) contact(user string) string {
	if p.spec.role == roleAgent {
		return "<" + agentContact + ">"
	}
	return "<" + p.uri(user, p.addr.String()) + ">"
}

// address writes the value of From or To: of a whole one, a URI, or a user.
func (p *party) address(display, text, host string) string {
	if strings.Contains(text, "<") {
		return text
	}
	if !strings.Contains(text, ":") {
		text = "sip:" + text + "@" + host
	}
	if display != "" {
		return strconv.Quote(display) + " <" + text + ">"
	}
	return "<" + text + ">"
}

// newTag is a From tag, unless the script wrote one.
func (p *party) newTag(written string) string {
	if strings.Contains(written, "tag=") {
		return ""
	}
	p.run.tags++
	return ";tag=" + p.name + "-" + strconv.Itoa(p.run.tags)
}
