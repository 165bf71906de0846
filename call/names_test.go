package call_test

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"ringfence/call"
)

// word is an enum value that is written as a word.
type word interface {
	fmt.Stringer
	encoding.TextMarshaler
}

// checkWords tests that every value reads back from its word and that the error for any other word
// lists them all.
func checkWords[E any, P interface {
	*E
	encoding.TextUnmarshaler
}](t *testing.T, values ...word,
) {
	t.Helper()
	var read E
	err := P(&read).UnmarshalText([]byte("no such word"))
	if err == nil {
		t.Fatalf("%T accepts any word", read)
	}
	for _, v := range values {
		text, marshalErr := v.MarshalText()
		if marshalErr != nil || string(text) != v.String() || !strings.Contains(err.Error(), v.String()) {
			t.Errorf("%T %v is written %q (%v), and the words there are: %v", v, v, text, marshalErr, err)
		}
		if unmarshalErr := P(&read).UnmarshalText(text); unmarshalErr != nil || any(read) != any(v) {
			t.Errorf("%q reads as %v, %v", text, read, unmarshalErr)
		}
	}
}

func TestWordsRoundTrip(t *testing.T) {
	checkWords[call.Class](t, call.ClassVoIP, call.ClassInternational, call.ClassDomestic, call.ClassInternal)
	checkWords[call.Form](t, call.FormNone, call.FormPlus, call.FormInternational, call.FormNational, call.FormSubscriber, call.FormShort, call.FormInvalid)
	checkWords[call.Format](t, call.FormatAny, call.FormatPlus, call.FormatE164, call.FormatNational)
	checkWords[call.Identity](t, call.IdentityFrom, call.IdentityAsserted)
	checkWords[call.List](t, call.ListAllow, call.ListBlock, call.ListWatch)
	checkWords[call.Source](t, call.SourceStaff, call.SourceReport, call.SourceFeed)
	checkWords[call.Refusal](t, call.RefusalDeclined, call.RefusalUnwanted, call.RefusalRejected)
	checkWords[call.Ender](t, call.EndedByGateway, call.EndedByCalled, call.EndedByCaller, call.EndedByTimeout)
}

func TestUnknownValueHasAWord(t *testing.T) {
	if got := call.Class(99).String(); got != "unknown" {
		t.Errorf("a class that does not exist is %q", got)
	}
}
