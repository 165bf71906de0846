package screening

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"ringfence/call"
)

// maxLabel bounds a label, in characters: a telephone's display shows little more.
const maxLabel = 48

// labels are the built-in labels, put before the display name of a caller.
var labels = map[call.Category]string{
	call.CategoryOfficials:     "[疑似冒充公检法 Suspected fake officials] ",
	call.CategoryService:       "[疑似冒充客服 Suspected fake service] ",
	call.CategoryLoan:          "[疑似贷款诈骗 Suspected loan scam] ",
	call.CategoryHighRisk:      "[高风险来电 High-risk call] ",
	call.CategoryInternational: "[来源未验证 Unverified origin] ",
}

// checkLabels reports what is wrong with labels written in a file.
func checkLabels(written map[call.Category]string, problem func(path, format string, args ...any)) {
	for category, label := range written {
		at := "labels." + string(category)
		if !knownCategory(category) {
			problem(at, "%q is not a category (one of %s)", category, categoryNames())
			continue
		}
		if utf8.RuneCountInString(label) > maxLabel || !displayable(label) {
			problem(at, "a label has at most %d characters, all printable, and neither quotes nor backslashes", maxLabel)
		}
	}
}

// displayable reports whether label can stand inside a quoted display name (RFC 3261 §25.1).
func displayable(label string) bool {
	return label != "" && utf8.ValidString(label) && !strings.ContainsFunc(label, func(r rune) bool {
		return !unicode.IsPrint(r) || r == '"' || r == '\\'
	})
}

func knownCategory(c call.Category) bool {
	_, ok := labels[c]
	return ok
}

func categoryNames() string {
	names := make([]string, len(call.Categories))
	for i, c := range call.Categories {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
