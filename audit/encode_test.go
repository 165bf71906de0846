package audit

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/call"
)

func encoded(t interface{ Fatal(...any) }, r *call.Record) entry {
	e, err := newEncoder().entry(r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEveryFieldIsReadBack finds a field of a record that is forgotten on the way to the database or back.
func TestEveryFieldIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := records().Draw(t, "record")
		e := encoded(t, r)
		stored := row{seq: 1, body: []byte(e.body), hash: make([]byte, len(Hash{})), personal: []byte(e.personal)}
		got, err := stored.entry()
		if err != nil {
			t.Fatal(err)
		}
		readable(reflect.ValueOf(r).Elem())
		if !reflect.DeepEqual(got.Record, r) {
			t.Fatalf("\n got %+v\nwant %+v\nof %s\n%s", got.Record, r, e.body, e.personal)
		}
		again, err := readSpooled([]byte(e.body + "\t" + e.personal))
		if err != nil || again != e {
			t.Fatalf("from the spool: %+v, %v\nwant %+v", again, err, e)
		}
	})
}

// TestJSONIsThatOfTheStructs compares what is written by hand with what encoding/json writes.
func TestJSONIsThatOfTheStructs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := records().Draw(t, "record")
		e := encoded(t, r)
		s, err := summarize(r)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, e.body, body{Version: bodyVersion, Kind: KindCall, Run: e.run, N: 1, Time: r.Facts.Time, Call: &s})
		written, err := readPersonal([]byte(e.personal))
		if err != nil {
			t.Fatal(err)
		}
		p := personal{Salt: written.Salt, Facts: r.Facts, From: &r.Facts.From, Match: r.Verdict.Match, Failures: r.Verdict.Failures}
		if r.Facts.From == r.Facts.Caller {
			p.From = nil
		}
		if r.Treated != nil {
			treated := *r.Treated
			treated.Announcement, treated.Language, treated.Choice, treated.Connected = "", "", "", 0
			p.Treated = &treated
		}
		sameJSON(t, e.personal, p, "time", "trunk", "class")
	})
}

// sameJSON compares JSON with that of value, of which members are elsewhere.
func sameJSON(t *rapid.T, text string, value any, elsewhere ...string) {
	t.Helper()
	other, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(other, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range elsewhere {
		delete(want, name)
	}
	if !reflect.DeepEqual(shorter(got), shorter(want)) {
		t.Fatalf("\n got %s\nwant %s", text, other)
	}
}

// shorter leaves out what says nothing; what remains of an absent party is its form.
func shorter(members map[string]any) map[string]any {
	for name, value := range members {
		if inner, ok := value.(map[string]any); ok && name != "treated" {
			if inner = shorter(inner); len(inner) == 0 || reflect.DeepEqual(inner, map[string]any{"form": "none"}) {
				delete(members, name)
			}
			continue
		}
		switch value {
		case "", 0.0, false, nil:
			delete(members, name)
		}
	}
	return members
}

func FuzzQuoted(f *testing.F) {
	for _, text := range []string{"", "张三", "\"\\/\t\x00\x7f", "\xff\xfe", "\u2028<&>", "\xed\xb2\x80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got string
		quoted := appendQuoted(nil, text)
		if err := json.Unmarshal(quoted, &got); err != nil || got != string([]rune(text)) {
			t.Fatalf("%q is written %s and read %q, %v", text, quoted, got, err)
		}
		if strings.ContainsAny(string(quoted), "\t\n") {
			t.Fatalf("%s would end a line of the spool", quoted)
		}
	})
}

// A display name in GBK stays what it was: its bytes stand in the escapes.
func TestBytesThatAreNotUTF8CanBeToldFromTheRecord(t *testing.T) {
	if got, want := string(appendQuoted(nil, "\xb9\xab\xb0\xb2a")), `"\udcb9\udcab\udcb0\udcb2a"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
