package callscript

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// run sends what a script has a participant send.
func (s send) run(r *run) error {
	p, err := r.participant(s.party)
	if err != nil {
		return err
	}
	if s.verb == "again" {
		return p.sendAgain(&s.line)
	}
	data, answered, err := p.compose(&s.line)
	if err != nil {
		return err
	}
	m := readText(data)
	for range max(s.count, 1) {
		if err := p.put(m, &s.line, answered); err != nil {
			return err
		}
	}
	return nil
}

// put sends a message, in pieces if the script wants it so.
func (p *party) put(m *sipText, l *line, answered *arrival) error {
	p.run.mu.Lock()
	p.run.ladder.note(p.name, p.name, "gw", m.label())
	p.sent = append(p.sent, m)
	p.run.mu.Unlock()
	data := append(p.held, m.raw...)
	p.held = nil
	if l.hold {
		p.held = data
		return nil
	}
	size := len(data)
	if l.bytes > 0 {
		size = l.bytes
	}
	for len(data) > 0 {
		n := min(size, len(data))
		if err := p.transmit(data[:n], answered); err != nil {
			return err
		}
		data = data[n:]
		p.run.settle()
	}
	return nil
}

// sendAgain sends a message that was sent before, byte for byte.
func (p *party) sendAgain(l *line) error {
	for i := len(p.sent) - 1; i >= 0; i-- {
		if m := p.sent[i]; p.means(m, l.what) {
			var answered *arrival
			if !m.request() && len(p.received) > 0 {
				answered = p.received[len(p.received)-1]
			}
			for range max(l.count, 1) {
				if err := p.put(m, l, answered); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return fmt.Errorf("%s has sent no %s", p.name, orElse(l.what, "message"))
}

// means reports whether a message is the kind that "again" names: a method or a status; none: any.
func (p *party) means(m *sipText, what string) bool {
	if status, err := strconv.Atoi(what); err == nil {
		return m.status() == status
	}
	return what == "" || m.request() && m.method() == what
}

// compose writes the message that a script asks for.
func (p *party) compose(l *line) (data []byte, answered *arrival, err error) {
	r := p.run
	expand := func(one part) (string, error) {
		if one.kind == partLiteral {
			return one.value, nil
		}
		text, err := r.expand(one.value, false)
		if err != nil {
			return "", &Error{Line: one.line, Message: err.Error()}
		}
		return text, nil
	}
	if l.verb == "raw" {
		for _, one := range l.parts {
			text, err := expand(one)
			if err != nil {
				return nil, nil, err
			}
			data = append(data, text...)
		}
		return data, nil, nil
	}
	resolved := *l
	for _, text := range []*string{&resolved.what, &resolved.from, &resolved.to} {
		if *text, err = r.expand(*text, false); err != nil {
			return nil, nil, err
		}
	}
	if status, numeric := strconv.Atoi(l.verb); numeric == nil {
		return p.composeResponse(&resolved, status, expand)
	}
	m, d, err := p.draftRequest(&resolved, resolved.what)
	if err != nil {
		return nil, nil, err
	}
	if err := m.apply(l.parts, expand); err != nil {
		return nil, nil, err
	}
	data = m.bytes()
	if l.verb != "CANCEL" && l.verb != "ACK" {
		sent := readText(data)
		d.noteSent(sent)
		p.rename(d, sent.get("call-id"))
	}
	return data, nil, nil
}

// composeResponse answers the last request that fits.
func (p *party) composeResponse(l *line, status int, expand func(part) (string, error)) ([]byte, *arrival, error) {
	method, phrase := "", l.what
	if phrase == strings.ToUpper(phrase) {
		method, phrase = phrase, ""
	}
	var request *arrival
	for _, a := range p.received {
		fits := method == "" || a.method() == method
		if l.call != "" && a.get("call-id") != p.run.calls[l.call] {
			fits = false
		}
		if a.request() && a.method() != "ACK" && fits {
			request = a
		}
	}
	if request == nil {
		return nil, nil, fmt.Errorf("%s has received no request to answer", p.name)
	}
	m := p.draftResponse(request, status, orElse(phrase, "Status "+strconv.Itoa(status)))
	if l.body != "" {
		m.body = media(l.body, p.addr.Addr().String())
	}
	if err := m.apply(l.parts, expand); err != nil {
		return nil, nil, err
	}
	data := m.bytes()
	if d := p.dialogOf(request.get("call-id")); status > 100 && status < 300 && request.method() == "INVITE" {
		if d.invite == nil { // the participant was called; else this is a re-INVITE, and it knows who it is
			d.local = readText(data).get("to")
		}
	}
	return data, request, nil
}

// variable finds "$name" in a text. A host or port has its own.
var variable = regexp.MustCompile(`\$[a-z][a-z0-9-]*(\.(host|port|udp|tcp))?`)

// expand puts the values of variables in. In a regexp they stand for themselves.
func (r *run) expand(text string, inRegexp bool) (string, error) {
	var unknown string
	text = variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := r.vars[name[1:]]
		if !ok && unknown == "" {
			unknown = name
		}
		if inRegexp {
			return regexp.QuoteMeta(value)
		}
		return value
	})
	if unknown != "" {
		return "", fmt.Errorf("there is no variable %s", unknown)
	}
	return text, nil
}
