package callscript

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxScript bounds a script, in bytes.
const maxScript = 1 << 20

// Parse reads a script. file is its name in errors, which are of type *Error.
func Parse(file string, source []byte) (*Script, error) {
	p := parser{script: &Script{file: file}}
	if len(source) > maxScript {
		return nil, &Error{file, 1, "a script has at most 1 MiB"}
	}
	if !utf8.Valid(source) {
		return nil, &Error{file, 1, `a script is UTF-8; write other bytes as "\xff"`}
	}
	number := 0
	for text := range bytes.Lines(source) {
		number++
		p.lines = append(p.lines, sourceLine{number, strings.TrimRight(string(text), " \t\r\n")})
	}
	for p.at < len(p.lines) {
		if err := p.statement(); err != nil {
			var e *Error
			if !errors.As(err, &e) {
				err = &Error{file, p.current, err.Error()}
			}
			return nil, err
		}
	}
	if len(p.script.steps) == 0 {
		return nil, &Error{file, 1, "nothing happens in this script"}
	}
	return p.script, nil
}

type sourceLine struct {
	number int
	text   string
}

func (l sourceLine) blank() bool {
	text := strings.TrimLeft(l.text, " \t")
	return text == "" || text[0] == '#'
}

func (l sourceLine) indent() int { return len(l.text) - len(strings.TrimLeft(l.text, " \t")) }

type parser struct {
	script  *Script
	lines   []sourceLine
	at      int
	current int // the line at fault, if there is an error
}

// statement reads one statement with the lines that belong to it.
func (p *parser) statement() error {
	l := p.lines[p.at]
	p.current = l.number
	p.at++
	if l.blank() {
		return nil
	}
	if l.indent() > 0 {
		return errors.New("this line is indented, but belongs to no statement")
	}
	var block []sourceLine
	for ; p.at < len(p.lines) && (p.lines[p.at].blank() || p.lines[p.at].indent() > 0); p.at++ {
		if !p.lines[p.at].blank() {
			block = append(block, p.lines[p.at])
		}
	}
	words, err := splitWords(l.text)
	if err != nil {
		return err
	}
	a, err := p.action(words, block)
	if err != nil {
		return err
	}
	if a != nil {
		p.script.steps = append(p.script.steps, step{l.number, l.text, a})
		return nil
	}
	s, err := parseSetting(words)
	if err != nil {
		return err
	}
	if len(block) > 0 {
		return errors.New("nothing may be indented under this statement")
	}
	if len(p.script.steps) > 0 {
		return fmt.Errorf("%s comes before the first message; later it belongs under reload", words[0])
	}
	p.script.settings = append(p.script.settings, s)
	return nil
}

// action reads a statement that runs; it is nil for a setting.
func (p *parser) action(words []string, block []sourceLine) (action, error) {
	if party, ok := strings.CutSuffix(words[0], ">"); ok {
		l, err := p.message(party, words[1:], block, sendOptions)
		return send{l}, err
	}
	if party, ok := strings.CutSuffix(words[0], "<"); ok {
		l, err := p.message(party, words[1:], block, expectOptions)
		return expect{l}, err
	}
	if words[0] == "reload" {
		return p.reload(words, block)
	}
	a, err := parseAction(words)
	if err == nil && a != nil && len(block) > 0 {
		err = errors.New("nothing may be indented under this statement")
	}
	return a, err
}

// reload reads the settings under a reload.
func (p *parser) reload(words []string, block []sourceLine) (action, error) {
	if len(words) > 1 || len(block) == 0 {
		return nil, errors.New("reload stands alone, with what changes indented under it")
	}
	var a reload
	for _, l := range block {
		p.current = l.number
		words, err := splitWords(l.text)
		if err != nil {
			return nil, err
		}
		s, err := parseSetting(words)
		if err != nil {
			return nil, err
		}
		a.settings = append(a.settings, s)
	}
	return a, nil
}

// splitWords splits a line at blanks. A word, or its value after "=", may be quoted as in Go.
func splitWords(text string) (words []string, err error) {
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		if text[0] == '#' {
			break
		}
		end := strings.IndexAny(text, " \t\"")
		switch {
		case end < 0:
			return append(words, text), nil
		case text[end] != '"':
			words, text = append(words, text[:end]), text[end:]
			continue
		case end > 0 && text[end-1] != '=':
			return nil, fmt.Errorf("a quote within the word %q", text)
		}
		quoted, err := strconv.QuotedPrefix(text[end:])
		if err != nil {
			return nil, fmt.Errorf("this quoted string does not end, or has a wrong escape: %s", text[end:])
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, text = append(words, text[:end]+value), text[end+len(quoted):]
	}
	return words, nil
}
