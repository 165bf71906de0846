package configs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// maxDuration is the longest time a configuration may state: a hundred years.
const maxDuration = 36500 * day

// Duration is a span of time, written as Go writes it ("4s", "1m30s", "500ms") or in whole days
// ("180d"). It is never negative.
type Duration time.Duration

// UnmarshalText reads the forms that Duration describes.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	v, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 31)
		v = time.Duration(min(n, uint64(maxDuration/day)+1)) * day
	}
	if err != nil || v < 0 || v > maxDuration {
		return fmt.Errorf(`%q is not a duration (write a number with its unit: "500ms", "4s", "10m", "12h", "180d")`, s)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes d as UnmarshalText reads it, whole days as days.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is d as MarshalText writes it.
func (d Duration) String() string {
	v := time.Duration(d)
	if v > 0 && v%day == 0 {
		return strconv.FormatInt(int64(v/day), 10) + "d"
	}
	text := v.String() // 1h0m0s
	if s, ok := strings.CutSuffix(text, "m0s"); ok {
		text = s + "m"
	}
	if s, ok := strings.CutSuffix(text, "h0m"); ok {
		text = s + "h"
	}
	return text
}
