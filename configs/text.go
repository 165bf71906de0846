package configs

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Digits is a string of digits that belongs to a numbering plan, such as 86, 00 or 021. It keeps
// its leading zeros.
type Digits string

// UnmarshalText reads up to 8 digits, or none.
func (d *Digits) UnmarshalText(text []byte) error {
	for _, c := range text {
		if !digit(c) {
			return fmt.Errorf("%q is not made of digits alone", text)
		}
	}
	if len(text) > 8 {
		return fmt.Errorf("%q has more than 8 digits", text)
	}
	*d = Digits(text)
	return nil
}

// StoreURL says where the lists live. It may hold a password, which is not shown: every way of
// printing it but Reveal stars the password.
type StoreURL struct{ text string }

// storeSchemes are the homes of lists that there are.
var storeSchemes = []string{"file", "redis", "rediss", "unix"}

// UnmarshalText reads file:PATH, redis://HOST[:PORT][/DB], rediss://... or unix://PATH. Its errors
// do not repeat the text, for there may be a password in it.
func (s *StoreURL) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	_, err := url.Parse(string(text))
	if !ok || rest == "" || err != nil || !slices.Contains(storeSchemes, scheme) {
		return fmt.Errorf("is not a list store (write file:PATH, redis://HOST:6379/0, rediss://HOST:6379/0 or unix:///PATH)")
	}
	s.text = string(text)
	return nil
}

// Reveal is the URL with its password.
func (s StoreURL) Reveal() string { return s.text }

// String is the URL with its password starred.
func (s StoreURL) String() string {
	u, err := url.Parse(s.text)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

// GoString is String, so that %#v does not tell more.
func (s StoreURL) GoString() string { return s.String() }

// MarshalText is String.
func (s StoreURL) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for logs.
func (s StoreURL) LogValue() slog.Value { return slog.StringValue(s.String()) }

// OnFailure says what becomes of a call when a check fails.
type OnFailure string

// The ways to fail.
const (
	FailOpen   OnFailure = "open"   // the call goes on: telephony comes before screening
	FailClosed OnFailure = "closed" // the call is refused
)

// UnmarshalText reads open or closed.
func (o *OnFailure) UnmarshalText(text []byte) error {
	return oneOf(o, text, "way to fail", FailOpen, FailClosed)
}

// LargeRequests says how requests are sent that do not fit one packet.
type LargeRequests string

// The ways to send them.
const (
	LargeUDP      LargeRequests = "udp"
	LargeTCPFirst LargeRequests = "tcp-first"
)

// UnmarshalText reads udp or tcp-first.
func (l *LargeRequests) UnmarshalText(text []byte) error {
	return oneOf(l, text, "way to send large requests", LargeUDP, LargeTCPFirst)
}

// LogLevel is the least level that is logged.
type LogLevel string

// UnmarshalText reads debug, info, warn or error.
func (l *LogLevel) UnmarshalText(text []byte) error {
	return oneOf(l, text, "log level", "debug", "info", "warn", "error")
}

// Level is l as log/slog knows it.
func (l LogLevel) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l)); err != nil {
		return slog.LevelInfo // the zero LogLevel
	}
	return level
}

// LogFormat is how log lines are written: "text" (key=value) or "json".
type LogFormat string

// UnmarshalText reads text or json.
func (f *LogFormat) UnmarshalText(text []byte) error {
	return oneOf(f, text, "log format", "text", "json")
}

// oneOf sets dst to the word that text is; the error lists the words there are.
func oneOf[W ~string](dst *W, text []byte, what string, words ...W) error {
	if !slices.Contains(words, W(text)) {
		names := make([]string, len(words))
		for i, w := range words {
			names[i] = string(w)
		}
		return fmt.Errorf("%q is not a %s (one of %s)", text, what, strings.Join(names, ", "))
	}
	*dst = W(text)
	return nil
}
