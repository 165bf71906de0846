package call

import (
	"fmt"
	"strings"
)

// nameOf returns the word for an enum value, "unknown" for a value outside the enum.
func nameOf[E ~uint8](names []string, v E) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// parseName sets dst to the value that text names; the error lists the words there are.
func parseName[E ~uint8](names []string, what string, text []byte, dst *E) error {
	for i, name := range names {
		if name == string(text) {
			*dst = E(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a %s (one of %s)", text, what, strings.Join(names, ", "))
}
