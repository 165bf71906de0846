//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// rates is a flag of calls a second, separated by commas; empty for none.
type rates []float64

// String implements flag.Value.
func (r *rates) String() string {
	words := make([]string, len(*r))
	for i, rate := range *r {
		words[i] = strconv.FormatFloat(rate, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

// Set implements flag.Value.
func (r *rates) Set(text string) error {
	*r = nil
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		rate, err := strconv.ParseFloat(word, 64)
		if err != nil || rate < 1 || rate > 100_000 {
			return fmt.Errorf("%q is no number of calls a second from 1 to 100,000", word)
		}
		*r = append(*r, rate)
	}
	return nil
}
