package callscript

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ringfence/call"
)

// parseAction reads a statement without lines of its own; it is nil for a setting.
func parseAction(words []string) (action, error) {
	arguments := words[1:]
	switch words[0] {
	case "wait", "quiet", "drain":
		if len(arguments) != 1 {
			return nil, fmt.Errorf("%s has one argument, a time", words[0])
		}
		d, err := parseDuration(arguments[0])
		switch words[0] {
		case "wait":
			return wait{d}, err
		case "quiet":
			return quiet{d}, err
		}
		return drain{d}, err
	case "lose":
		return parseLose(arguments)
	case "record":
		fields, err := parseFields(arguments, recordFields())
		return expected{fields}, err
	case "count":
		fields, err := parseFields(arguments, counterNames())
		if err == nil && len(fields) == 0 {
			err = errors.New("count what?")
		}
		return counts{fields}, err
	case "restart":
		if len(arguments) > 1 || len(arguments) == 1 && arguments[0] != "new-secret" {
			return nil, errors.New("restart has no argument but new-secret")
		}
		return restart{len(arguments) == 1}, nil
	case "stopped":
		if len(arguments) > 1 || len(arguments) == 1 && arguments[0] != "early" {
			return nil, errors.New("stopped has no argument but early")
		}
		return stopped{len(arguments) == 1}, nil
	case "verdict":
		return parseVerdict(arguments)
	case "list", "unlist":
		return parseListing(words)
	}
	if len(words) > 1 && isName(words[0]) {
		return parseDeed(words)
	}
	return nil, nil
}

// parseDeed reads what a participant does apart from sending: "pbx answers OPTIONS 200".
func parseDeed(words []string) (action, error) {
	party, rest := words[0], words[2:]
	if party == agentName {
		return parseAgent(words[1:])
	}
	switch words[1] {
	case "answers", "ignores":
		a := answers{party: party, status: 200}
		if len(rest) == 0 || !isToken(rest[0]) {
			return nil, fmt.Errorf("%s what method?", words[1])
		}
		a.method, rest = rest[0], rest[1:]
		switch {
		case words[1] == "ignores":
			a.status = 0
		case len(rest) == 1:
			status, err := strconv.Atoi(rest[0])
			if err != nil || status < 200 || status > 699 {
				return nil, fmt.Errorf("%q is not a final status", rest[0])
			}
			a.status, rest = status, nil
		}
		if len(rest) > 0 {
			return nil, fmt.Errorf("%q is out of place here", rest[0])
		}
		return a, nil
	case "closes", "goes":
		switch strings.Join(words[1:], " ") {
		case "closes":
			return closes{party: party}, nil
		case "goes down":
			return closes{party: party, down: true}, nil
		case "goes up":
			return comesUp{party}, nil
		}
	case "is":
		if len(rest) == 1 && (rest[0] == "up" || rest[0] == "down") {
			return state{party, rest[0] == "up"}, nil
		}
	default:
		return nil, nil
	}
	return nil, fmt.Errorf("%q is none of: closes, goes down, goes up, is up, is down", strings.Join(words[1:], " "))
}

// parseLose reads "lose [N] NAME<".
func parseLose(arguments []string) (action, error) {
	a := lose{count: 1}
	if len(arguments) == 2 {
		n, err := parseCount(arguments[0])
		if err != nil {
			return nil, err
		}
		a.count, arguments = n, arguments[1:]
	}
	name, ok := "", false
	if len(arguments) == 1 {
		name, ok = strings.CutSuffix(arguments[0], "<")
	}
	if !ok || !isName(name) {
		return nil, errors.New(`lose wants a number, if it is not one, and "NAME<"`)
	}
	a.party = name
	return a, nil
}

// parseFields reads "name=value" words, whose names must be among those known.
func parseFields(words, known []string) ([]field, error) {
	var fields []field
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(known, name) {
			return nil, fmt.Errorf("%q is not NAME=VALUE with one of the names %s", word, strings.Join(known, ", "))
		}
		fields = append(fields, field{name, value})
	}
	return fields, nil
}

var treatments = []string{"screen", "allow", "label", "refuse", "divert", "warn", "announce", "challenge", "take-report"}

// parseVerdict reads "verdict TREATMENT [ARGUMENT] [name=value...]".
func parseVerdict(arguments []string) (action, error) {
	if len(arguments) == 0 || !slices.Contains(treatments, arguments[0]) {
		return nil, fmt.Errorf("verdict is one of %s", strings.Join(treatments, ", "))
	}
	v := wordsOfVerdict{treatment: arguments[0], reason: "scripted"}
	arguments = arguments[1:]
	if len(arguments) > 0 && !strings.Contains(arguments[0], "=") {
		v.argument, arguments = arguments[0], arguments[1:]
	}
	fields, err := parseFields(arguments, []string{"reason", "category", "prefix", "score"})
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		switch f.name {
		case "reason":
			v.reason = f.value
		case "category":
			v.category = f.value
		case "prefix":
			v.prefix = f.value
		case "score":
			if v.score, err = strconv.Atoi(f.value); err != nil {
				return nil, fmt.Errorf("score=%s is no number", f.value)
			}
		}
	}
	_, err = v.verdict()
	return verdict{v}, err
}

// parseListing reads "list LIST PATTERN [category=C]" and "unlist LIST PATTERN".
func parseListing(words []string) (action, error) {
	a := listing{remove: words[0] == "unlist"}
	if len(words) < 3 {
		return nil, fmt.Errorf("%s wants a list and a number", words[0])
	}
	a.list, a.pattern = words[1], words[2]
	var list call.List
	if err := list.UnmarshalText([]byte(a.list)); err != nil {
		return nil, err
	}
	if _, err := call.ParsePattern(a.pattern); err != nil {
		return nil, err
	}
	fields, err := parseFields(words[3:], []string{"category"})
	for _, f := range fields {
		a.category = f.value
	}
	return a, err
}
