package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/call"
)

func TestListFilters(t *testing.T) {
	path := filled(t, 20)
	if _, err := Erase(context.Background(), path, Erasure{Number: erasable, Author: "dpo", Reason: "asked"}); err != nil {
		t.Fatal(err)
	}
	r := reader(t, path)
	for name, c := range map[string]struct {
		f    Filter
		want []int // the samples, in order
	}{
		"newest first":  {Filter{Limit: 3}, []int{19, 18, 17}},
		"oldest first":  {Filter{Limit: 3, OldestFirst: true}, []int{0, 1, 2}},
		"next page":     {Filter{Limit: 2, Before: 18}, []int{16, 15}},
		"time":          {Filter{From: start.Add(4 * time.Second), To: start.Add(6 * time.Second)}, []int{5, 4}},
		"caller":        {Filter{Caller: "+8613800000005"}, []int{5}},
		"callers":       {Filter{Caller: "+861380000001*", Limit: 3}, []int{18, 17, 16}},
		"called":        {Filter{Called: "+862155550000", Limit: 1}, []int{19}},
		"trunk":         {Filter{Trunk: "abroad", Limit: 2}, []int{18, 14}},
		"treatment":     {Filter{Treatment: "refuse", Limit: 2}, []int{17, 13}},
		"rule":          {Filter{Rule: "block", Limit: 1}, []int{17}},
		"reason":        {Filter{Reason: "watch-listed", Limit: 1}, []int{18}},
		"status":        {Filter{Status: 603, Limit: 1}, []int{17}},
		"reference":     {Filter{Reference: call.Reference(7)}, []int{7}},
		"call-id":       {Filter{CallID: "call-9@192.0.2.1"}, []int{9}},
		"all of them":   {Filter{Trunk: "voip-a", Treatment: "allow", Status: 200, Limit: 2}, []int{16, 12}},
		"erased caller": {Filter{Caller: erasable.String()}, nil},
		"quote":         {Filter{Caller: `' OR 1=1 --`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := r.List(context.Background(), c.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range found {
				got = append(got, e.Call.Reference)
			}
			var want []string
			for _, i := range c.want {
				want = append(want, call.Reference(uint64(i)))
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	if notes, err := r.List(context.Background(), Filter{Notes: true, Limit: 1}); err != nil || notes[0].Kind != KindErase {
		t.Errorf("notes %+v, %v", notes, err)
	}
}

func TestScanGoesOverManyPages(t *testing.T) {
	const n = 2*page + 7
	r := reader(t, filled(t, n))
	for _, up := range []bool{false, true} {
		var last uint64
		count := 0
		for e, err := range r.Scan(context.Background(), Filter{OldestFirst: up}) {
			if err != nil {
				t.Fatal(err)
			}
			if count++; last != 0 && (e.Seq > last) != up {
				t.Fatalf("%d after %d", e.Seq, last)
			}
			last = e.Seq
		}
		if count != n {
			t.Errorf("%d records, want %d", count, n)
		}
	}
}

func TestFindTakesWhatAPersonHas(t *testing.T) {
	r := reader(t, filled(t, 5))
	for _, key := range []string{"3", call.Reference(2), "call-2@192.0.2.1"} {
		found, err := r.Find(context.Background(), key)
		if err != nil || len(found) != 1 || found[0].Seq != 3 {
			t.Errorf("%s: %+v, %v", key, found, err)
		}
	}
	for _, key := range []string{"0", "6", call.Reference(99), "x", ""} {
		if found, err := r.Find(context.Background(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %+v, %v", key, found, err)
		}
	}
}

func TestOpenReaderRefuses(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	runSQL(t, plain(t, foreign), `CREATE TABLE other (x)`)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file", foreign: "holds no audit log", text: "not a database",
	} {
		if _, err := OpenReader(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestExportCSVIsInertInASpreadsheet(t *testing.T) {
	for field, want := range map[string]string{
		"": "", "603": "603", "voip-a": "voip-a", "张三": "张三", "a=1": "a=1",
		"=1+1": "'=1+1", "+8613800000001": "'+8613800000001", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "|cmd": "'|cmd",
		"\u00a0=1": "'\u00a0=1", "\t=1": "'\t=1", "\r=1": "'\r=1", "\u200b=1": "'\u200b=1", "＝1": "'＝1",
	} {
		if got := inert(field); got != want {
			t.Errorf("%q: %q, want %q", field, got, want)
		}
	}
	o := options(t)
	l := open(t, o)
	evil := sample(0)
	evil.Facts.Caller = call.Party{Text: `=HYPERLINK("http://x","y")`, Form: call.FormInvalid}
	evil.Facts.CallID = "a\n=b,\"c"
	l.Append(evil)
	closeLog(t, l)
	var out bytes.Buffer
	if n, err := reader(t, o.Path).Export(context.Background(), &out, FormatCSV, Filter{}, false); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%v, %v", rows, err)
	}
	if rows[1][6] != `'=HYPERLINK("http://x","y")` || rows[1][8] != evil.Facts.CallID {
		t.Errorf("row %q", rows[1])
	}
}

func TestExportJSONLines(t *testing.T) {
	r := reader(t, filled(t, 6))
	var out bytes.Buffer
	if n, err := r.Export(context.Background(), &out, FormatJSONLines, Filter{OldestFirst: true}, false); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	decoder := json.NewDecoder(&out)
	for i := range 6 {
		var e Entry
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Record.Facts.Caller.Number != sample(i).Facts.Caller.Number {
			t.Errorf("entry %d: %+v", i, e.Record)
		}
	}
}

var hashes = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

func TestMaskedShowsNoNumberAndNoName(t *testing.T) {
	for _, format := range []Format{FormatJSONLines, FormatCSV} {
		var out bytes.Buffer
		if _, err := reader(t, filled(t, 8)).Export(context.Background(), &out, format, Filter{}, true); err != nil {
			t.Fatal(err)
		}
		text := hashes.ReplaceAllString(out.String(), "HASH") // any digits may stand in a hash
		for _, secret := range []string{"380000", "02155550000", "5555", "张三", "call-1"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q:\n%s", format, secret, text)
			}
		}
		if !strings.Contains(out.String(), "*") {
			t.Errorf("%s must show masked numbers:\n%s", format, out.String())
		}
	}
}

func TestParseHead(t *testing.T) {
	h := Head{7, Hash{0xab}}
	if got, err := ParseHead(h.String()); err != nil || got != h {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "7", "7:", "7:ab", "x:" + Hash{}.String(), "-1:" + Hash{}.String()} {
		if _, err := ParseHead(bad); err == nil {
			t.Errorf("%q must be refused", bad)
		}
	}
}

func TestParseFormat(t *testing.T) {
	if f, err := ParseFormat("csv"); f != FormatCSV || err != nil {
		t.Error(f, err)
	}
	if _, err := ParseFormat("xlsx"); err == nil {
		t.Error("xlsx must be refused")
	}
}
