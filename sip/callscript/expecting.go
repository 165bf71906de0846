package callscript

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// run waits for what a script expects a participant to receive, and compares it.
func (e expect) run(r *run) error {
	p, err := r.participant(e.party)
	if err != nil {
		return err
	}
	if len(e.after) == 0 {
		return e.receive(p, time.Now(), r.patience(), 0)
	}
	for _, d := range e.after {
		if err := e.receive(p, time.Now(), d+r.tolerance(), d); err != nil {
			return err
		}
	}
	return nil
}

// early is how much earlier than said something may happen.
const early = 15 * time.Millisecond

// receive takes one message that comes within the time, and not before it is due.
func (e expect) receive(p *party, began time.Time, within, due time.Duration) error {
	a := p.run.next(p, began.Add(within))
	if a == nil {
		return fmt.Errorf("%s received nothing within %s", p.name, within)
	}
	if e.verb == "again" {
		if err := e.same(p, a); err != nil {
			return err
		}
	} else if err := e.compare(p, a); err != nil {
		return fmt.Errorf("%w\n  received:\n%s", err, indent(string(a.raw)))
	}
	if passed := a.time.Sub(began); passed < due-early {
		return fmt.Errorf("it came after %s already", passed)
	}
	return nil
}

// same compares a message with the last one received of the kind.
func (e expect) same(p *party, a *arrival) error {
	for i := len(p.received) - 1; i >= 0; i-- {
		if before := p.received[i]; p.means(before.sipText, e.what) {
			if !bytes.Equal(before.raw, a.raw) {
				return fmt.Errorf("not the same again:\n%s\n  but:\n%s", indent(string(before.raw)), indent(string(a.raw)))
			}
			return nil
		}
	}
	return fmt.Errorf("%s has received no %s before", p.name, orElse(e.what, "message"))
}

// compare checks a message against what is expected, and against what holds for every message.
func (e expect) compare(p *party, a *arrival) error {
	r := p.run
	if e.verb == "CRLF" && string(a.raw) == emptyLine {
		return nil
	}
	if err := e.compareStart(r, a); err != nil {
		return err
	}
	if e.over != "" && a.over != e.over {
		return fmt.Errorf("it came by %s", a.over)
	}
	if id := r.calls[e.call]; e.call != "" && id != a.get("call-id") {
		return fmt.Errorf("it is not of the call %q", e.call)
	}
	if err := e.compareHeaders(r, a.sipText); err != nil {
		return err
	}
	if err := r.lawful(p, a); err != nil {
		return err
	}
	p.received = append(p.received, a)
	d := p.dialogOf(a.get("call-id"))
	if a.request() {
		d.noteRequest(a.sipText)
	} else {
		d.noteResponse(a.sipText)
	}
	return nil
}

func (e expect) compareStart(r *run, a *arrival) error {
	what, err := r.expand(e.what, false)
	if err != nil {
		return err
	}
	if status, numeric := strconv.Atoi(e.verb); numeric == nil {
		isMethod := what != "" && what == strings.ToUpper(what)
		switch {
		case a.status() != status:
			return fmt.Errorf("it is %q", a.start)
		case isMethod && a.method() != what:
			return fmt.Errorf("it answers %s", a.method())
		case what != "" && !isMethod && a.uri() != what:
			return fmt.Errorf("its reason phrase is %q", a.uri())
		}
		return nil
	}
	if !a.request() || a.method() != e.verb {
		return fmt.Errorf("it is %q", a.start)
	}
	if what != "" && a.uri() != what {
		return fmt.Errorf("its Request-URI is %s", a.uri())
	}
	return nil
}

// compareHeaders checks the headers that a script names, all lines of each, and the body.
func (e expect) compareHeaders(r *run, m *sipText) error {
	seen := map[string]int{}
	var body []byte
	for _, one := range e.parts {
		name := canonical(one.name)
		values := m.all(name)
		i := seen[name]
		seen[name]++
		fail := func(format string, args ...any) error {
			return &Error{Line: one.line, Message: fmt.Sprintf(format, args...) + "\n  received:\n" + indent(string(m.raw))}
		}
		value, err := r.expand(one.value, one.kind == partMatch)
		if err != nil {
			return fail("%v", err)
		}
		switch one.kind {
		case partBody, partLiteral:
			body = append(body, value...)
			continue
		case partAbsent:
			if len(values) > 0 {
				return fail("there is a %s: %s", one.name, values[0])
			}
			continue
		case partPresent:
			if len(values) == 0 {
				return fail("there is no %s", one.name)
			}
			seen[name] = len(values)
			continue
		}
		if i >= len(values) {
			return fail("there are %d lines of %s", len(values), one.name)
		}
		if err := r.compareValue(one.kind, values[i], value); err != nil {
			return fail("%s: %v", one.name, err)
		}
	}
	for name, n := range seen {
		if got := len(m.all(name)); got > n {
			return fmt.Errorf("it has %d lines of %s, not %d", got, name, n)
		}
	}
	if body != nil && !bytes.Equal(body, m.body) {
		return errors.New("its body is another")
	}
	return nil
}

// compareValue compares a value with a text, or with a regexp whose named groups become variables.
func (r *run) compareValue(kind partKind, got, want string) error {
	if kind == partSet {
		if got != strings.ReplaceAll(want, "\r\n", "") {
			return fmt.Errorf("%s", got)
		}
		return nil
	}
	pattern, err := regexp.Compile("^(?:" + want + ")$")
	if err != nil {
		return err
	}
	match := pattern.FindStringSubmatch(got)
	if match == nil {
		return fmt.Errorf("%s", got)
	}
	for i, name := range pattern.SubexpNames() {
		if name != "" {
			r.vars[name] = match[i]
		}
	}
	return nil
}
