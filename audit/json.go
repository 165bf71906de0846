package audit

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// The members of a JSON object are appended one by one behind its opening brace. One that is empty, 0 or
// false is left out.

func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, `":`...)
}

func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendQuoted(appendName(dst, name), value)
}

func appendInt(dst []byte, name string, value int64) []byte {
	if value == 0 {
		return dst
	}
	return strconv.AppendInt(appendName(dst, name), value, 10)
}

func appendFlag(dst []byte, name string, value bool) []byte {
	if !value {
		return dst
	}
	return append(appendName(dst, name), "true"...)
}

// appendRare appends what few calls have, in the way of encoding/json.
func appendRare(dst []byte, name string, value any, empty bool) ([]byte, error) {
	if empty {
		return dst, nil
	}
	text, err := json.Marshal(value)
	return append(appendName(dst, name), text...), err
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string. A byte that is not UTF-8 is written as the lone surrogate
// U+DC00 plus the byte, so that what was received can be told from the record (Python calls that
// surrogateescape); encoding/json reads it as U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		} else if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, '\\', 'u', 'd', 'c', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
