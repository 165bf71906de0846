package callscript

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// option reads the value of one "name=value" behind a message.
type option func(l *line, value string) error

var sendOptions = map[string]option{
	"call": func(l *line, v string) error { l.call = v; return nil },
	"from": func(l *line, v string) error { l.from = v; return nil },
	"to":   func(l *line, v string) error { l.to = v; return nil },
	"name": func(l *line, v string) error { l.display = v; return nil },
	"body": func(l *line, v string) (err error) {
		if n, numeric := strconv.Atoi(v); v != "none" && v != "sdp" && v != "video" && (numeric != nil || n < 0 || n > 1<<16) {
			return fmt.Errorf("body is none, sdp, video, or a number of bytes, not %q", v)
		}
		l.body = v
		return nil
	},
	"bytes": func(l *line, v string) (err error) { l.bytes, err = parseCount(v); return err },
	"times": func(l *line, v string) (err error) { l.count, err = parseCount(v); return err },
}

var expectOptions = map[string]option{
	"call": sendOptions["call"],
	"over": func(l *line, v string) error {
		if v != "udp" && v != "tcp" {
			return fmt.Errorf("over is udp or tcp, not %q", v)
		}
		l.over = v
		return nil
	},
}

// maxCount bounds how often something happens in one statement.
const maxCount = 10_000

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxCount {
		return 0, fmt.Errorf("%q is not a number from 1 to %d", text, maxCount)
	}
	return n, nil
}

// message reads what follows "NAME>" or "NAME<".
func (p *parser) message(party string, words []string, block []sourceLine, options map[string]option) (line, error) {
	l := line{party: party}
	if !isName(party) {
		return l, fmt.Errorf("%q is not the name of a participant", party)
	}
	if len(words) == 0 {
		return l, errors.New("a method or a status is missing")
	}
	expected := options["over"] != nil
	l.verb, words = words[0], words[1:]
	if !validVerb(l.verb, expected) {
		return l, fmt.Errorf("%q is no method, no status from 100 to 699, and none of raw, again", l.verb)
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, value, _ := strings.Cut(word, "=")
		read, isOption := options[name]
		switch {
		case expected && word == "after":
			for ; len(words) > 0; words = words[1:] {
				d, err := parseDuration(words[0])
				if err != nil {
					return l, err
				}
				l.after = append(l.after, d)
			}
			if len(l.after) == 0 {
				return l, errors.New("after what time?")
			}
		case !expected && word == "hold":
			l.hold = true
		case isOption && strings.Contains(word, "="):
			if err := read(&l, value); err != nil {
				return l, err
			}
		case l.what == "":
			l.what = word
		case l.tail == "" && !expected && strings.HasPrefix(word, "SIP/"):
			l.tail = word
		default:
			return l, fmt.Errorf("%q is out of place here", word)
		}
	}
	return l, p.parts(&l, block, expected)
}

func validVerb(verb string, expected bool) bool {
	if status, err := strconv.Atoi(verb); err == nil {
		return len(verb) == 3 && status >= 100 && status <= 699
	}
	if verb == "raw" {
		return !expected
	}
	return verb == "again" || verb == strings.ToUpper(verb) && isToken(verb)
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	headerForm = regexp.MustCompile(`^[-.!%*_+` + "`" + `'~0-9A-Za-z]+$`)
)

func isName(text string) bool  { return nameForm.MatchString(text) }
func isToken(text string) bool { return headerForm.MatchString(text) }

// parts reads the lines under a message.
func (p *parser) parts(l *line, block []sourceLine, expected bool) error {
	for i, source := range block {
		p.current = source.number
		text := strings.TrimLeft(source.text, " \t")
		if i > 0 && source.indent() > block[0].indent() {
			last := &l.parts[len(l.parts)-1]
			if last.kind != partSet && last.kind != partAdd {
				return errors.New("only a header can be folded")
			}
			last.value += "\r\n " + text
			continue
		}
		if source.indent() < block[0].indent() {
			return errors.New("this line is indented less than the first under its message")
		}
		one, err := parsePart(text, expected)
		if err != nil {
			return err
		}
		if l.verb == "raw" && one.kind != partBody && one.kind != partLiteral {
			return errors.New(`a raw message is made of lines "| text" and quoted strings`)
		}
		one.line = source.number
		l.parts = append(l.parts, one)
	}
	return nil
}

// parsePart reads one line under a message that is sent or expected.
func parsePart(text string, expected bool) (part, error) {
	switch {
	case text[0] == '|':
		return part{kind: partBody, value: strings.TrimPrefix(text[1:], " ") + "\r\n"}, nil
	case text[0] == '"':
		value, err := strconv.Unquote(text)
		if err != nil {
			return part{}, errors.New("this quoted string does not end, or has a wrong escape")
		}
		return part{kind: partLiteral, value: value}, nil
	case expected:
		return parsePattern(text)
	case text[0] == '-' && isToken(text[1:]):
		return part{kind: partRemove, name: text[1:]}, nil
	}
	kind := partSet
	if text[0] == '+' {
		kind, text = partAdd, text[1:]
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok || !isToken(name) {
		return part{}, fmt.Errorf(`%q is none of: "Name: value", "+Name: value", "-Name", "| body", a quoted string`, text)
	}
	return part{kind: kind, name: name, value: strings.TrimPrefix(value, " ")}, nil
}

// parsePattern reads a line under a message that is expected.
func parsePattern(text string) (part, error) {
	if name, ok := strings.CutPrefix(text, "!"); ok && isToken(name) {
		return part{kind: partAbsent, name: name}, nil
	}
	if isToken(text) {
		return part{kind: partPresent, name: text}, nil
	}
	if name, value, ok := strings.Cut(text, " ~ "); ok && isToken(name) {
		return part{kind: partMatch, name: name, value: value}, nil
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok || !isToken(name) || name[0] == '+' {
		return part{}, fmt.Errorf(`%q is none of: "Name: value", "Name ~ regexp", "Name", "!Name", "| body"`, text)
	}
	return part{kind: partSet, name: name, value: strings.TrimPrefix(value, " ")}, nil
}

// maxDuration bounds every time in a script.
const maxDuration = 24 * time.Hour

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxDuration {
		return 0, fmt.Errorf("%q is not a time from 0s to %s, such as 500ms", text, maxDuration)
	}
	return d, nil
}
