package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/call"
)

// treatmentText is a treatment with what a person wants to know of it.
func treatmentText(t call.Treatment) string {
	switch t := t.(type) {
	case call.Label:
		return t.Name() + " " + strings.TrimSpace(t.Prefix) + nameless(t.HideName)
	case call.Warn:
		text := t.Name()
		if t.AudioOnly {
			text += ", audio only"
		}
		if t.Prefix != "" {
			text += ", label " + strings.TrimSpace(t.Prefix)
		}
		return text + nameless(t.HideName)
	case call.Announce:
		if t.Refuse != nil {
			return t.Name() + ", then " + treatmentText(*t.Refuse)
		}
		return t.Name()
	case call.Challenge:
		after := treatmentText(t.Refuse)
		if t.Divert != nil {
			after = treatmentText(*t.Divert)
		}
		return fmt.Sprintf("%s with digits: %d, else %s", t.Name(), t.Digits, after)
	case call.Refuse:
		return fmt.Sprintf("%s %s (SIP %d)", t.Name(), t.Class, t.Class.Status())
	case call.Divert:
		return t.Name() + " " + t.Target
	default:
		return t.Name()
	}
}

func nameless(hidden bool) string {
	if hidden {
		return ", name hidden"
	}
	return ""
}

// treatedItem is one thing to tell of a treated call.
type treatedItem struct{ name, text string }

// treatedItems tell what came of a treatment, in the order it came about; nothing of a call that had none.
func treatedItems(t *call.Treated) (items []treatedItem) {
	if t == nil {
		return nil
	}
	add := func(name, format string, args ...any) {
		items = append(items, treatedItem{name, fmt.Sprintf(format, args...)})
	}
	if t.Announcement != "" {
		add("announcement", "%s (%s)", t.Announcement, t.Language)
	}
	if t.Heard > 0 {
		add("heard", "%s of it", seconds(t.Heard))
	}
	if t.CallerKeys != "" {
		add("caller keys", "%s", t.CallerKeys)
	}
	if t.CalledKeys != "" {
		add("called keys", "%s", t.CalledKeys)
	}
	if text := choiceText(t.Choice); text != "" {
		add("choice", "%s", text)
	}
	if t.Reported != "" {
		add("reported", "the call with the reference %s", t.Reported)
	}
	switch {
	case t.Connected > 0 && t.HungUp != "":
		add("connected", "for %s; %s hung up", seconds(t.Connected), t.HungUp)
	case t.Connected > 0:
		add("connected", "for %s", seconds(t.Connected))
	case t.HungUp != "":
		add("hung up by", "%s", t.HungUp)
	}
	return items
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + "s"
}

// choices says each choice in words.
var choices = map[call.Choice]string{
	call.ChoiceTaken:         "the person called took the call",
	call.ChoiceVoicemail:     "sent to the voicemail",
	call.ChoiceReported:      "refused and reported by the person called",
	call.ChoiceReportingLine: "the person called talked to the reporting line instead",
	call.ChoiceListenedIn:    "the person called took the call, and the reporting line listened in",
	call.ChoicePassed:        "the caller passed the challenge",
	call.ChoiceRemembered:    "the caller passed a challenge lately and was not asked",
	call.ChoiceFailed:        "the caller failed the challenge",
}

// choiceText is a choice in words; one that a later version made stands as it is.
func choiceText(c call.Choice) string {
	if text, ok := choices[c]; ok {
		return text
	}
	return string(c)
}
