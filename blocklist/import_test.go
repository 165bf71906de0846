package blocklist

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

func importOptions() ImportOptions {
	return ImportOptions{
		Defaults: Entry{Score: 50, Source: call.SourceFeed, Author: "weekly", Reason: "listed by the feed", Added: day},
	}
}

func TestParseImport(t *testing.T) {
	plain := importOptions()
	plain.HasList, plain.Defaults.List = true, call.ListBlock
	for name, c := range map[string]struct {
		text    string
		options ImportOptions
		want    []string // list, pattern, category, score, source, author, expires, reason of each entry
	}{
		"all columns": {
			"list,pattern,category,score,source,author,reason,expires\n" +
				`block,+8613800138000,officials,90,staff,wang,"claims ""police"", twice",2026-12-31` + "\n",
			importOptions(),
			[]string{`block +8613800138000 officials 90 staff wang 2026-12-31T00:00:00Z claims "police", twice`},
		},
		"other order, empty cells": {
			"pattern,score,list\n96110,,allow\n+44*,7,watch\n", importOptions(),
			[]string{"allow 96110 - 50 feed weekly - listed by the feed", "watch +44* - 7 feed weekly - listed by the feed"},
		},
		"mark, CRLF, empty lines, no last line break": {
			"\ufefflist,pattern\r\n\r\nblock,+861380\r\n,\r\n"[:len("\ufefflist,pattern\r\n\r\nblock,+861380\r\n")-2], importOptions(),
			[]string{"block +861380 - 50 feed weekly - listed by the feed"},
		},
		"pattern only": {
			"pattern\n+861380\n", plain,
			[]string{"block +861380 - 50 feed weekly - listed by the feed"},
		},
		"plain": {
			"\ufeff# numbers\r\n+861380\r\n\r\n +861381* \r\n", plain,
			[]string{"block +861380 - 50 feed weekly - listed by the feed", "block +861381* - 50 feed weekly - listed by the feed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := ParseImport(strings.NewReader(c.text), c.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				f := e.Fields()
				words := []string{f[0], f[1], f[2], f[3], f[4], f[5], f[7], f[8]}
				for i := range words {
					words[i] = strings.TrimSpace(words[i])
					if words[i] == "" {
						words[i] = none
					}
				}
				got = append(got, strings.Join(words, " "))
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseImportRefuses(t *testing.T) {
	const head = "list,pattern,category,score,source,author,reason,expires\n"
	for name, c := range map[string]struct {
		text string
		want []string // parts of the error
	}{
		"empty":            {"", []string{"no entry"}},
		"header only":      {head, []string{"no entry"}},
		"unknown column":   {"list,number\n", []string{`line 1: "number" is not a column`}},
		"column twice":     {"list,pattern,list\n", []string{`line 1: "list" is not a column, or stands twice`}},
		"no pattern":       {"list,score\n", []string{`line 1: the column "pattern" is missing`}},
		"plain, no list":   {"+861380\n", []string{"line 1: it does not say which list"}},
		"every bad line":   {head + "block,+861380\nblock,+86138x,,,,,,\nblock,+861380,,,,,,\nblock,+861381,,101,,,,\n", []string{"3 bad lines", "line 2: 2 cells, and not 8", "line 3: not a telephone number", "line 5: score"}},
		"00 prefix":        {head + "block,008613800138000,,,,,,\n", []string{"line 2:", "write an international number with +"}},
		"spaces in number": {head + "block,+86 138,,,,,,\n", []string{"line 2: not a telephone number"}},
		"unknown list":     {head + "grey,+86138,,,,,,\n", []string{`line 2: "grey" is not a list`}},
		"unknown source":   {head + "block,+86138,,,boss,,,\n", []string{`line 2: "boss" is not a source`}},
		"unknown category": {head + "block,+86138,aliens,,,,,\n", []string{`"aliens" is not a category`}},
		"bad expiry":       {head + "block,+86138,,,,,,soon\n", []string{`expires: "soon" is neither`}},
		"expired already":  {head + "block,+86138,,,,,,2020-01-01\n", []string{"before it was added"}},
		"twice":            {head + "block,+861380,,,,,,\nblock,+861380,,9,,,,\n", []string{"line 3: block +861380 feed stands on line 2 already"}},
		"lost quote":       {head + "block,+861380,,,,,\"oops,\nblock,+861381,,x,,,,\n", []string{"line 2: cell 7 has no closing quote", "line 3: score"}},
		"quote inside":     {head + "block,+861380,,,,,a\"b,\n", []string{"line 2: cell 7 has a quote in it"}},
		"after a quote":    {head + "block,\"+861380\"x,,,,,,\n", []string{"line 2: cell 2 goes on after"}},
		"not UTF-8":        {head + "block,+861380,,,,,\xb9\xab,\n", []string{"line 2: not UTF-8 text"}},
		"dangerous":        {head + "block,110,,,,,,\nblock,+86*,,,,,,\n", []string{"line 2: refused without --force", "line 3: refused without --force"}},
		"long line":        {head + strings.Repeat("x", maxImportLine+1), []string{"line 2: longer than 4096 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := ParseImport(strings.NewReader(c.text), importOptions())
			if err == nil || entries != nil {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not have %q", err, want)
				}
			}
		})
	}
}

func TestImportListsFiftyBadLinesAndTheCount(t *testing.T) {
	_, err := ParseImport(strings.NewReader("list,pattern\n"+strings.Repeat("block,x\n", 120)), importOptions())
	var lines *LinesError
	if !errors.As(err, &lines) || lines.Count != 120 || len(lines.Lines) != maxFaults {
		t.Fatalf("%v", err)
	}
	if text := err.Error(); !strings.Contains(text, "line 51:") || strings.Contains(text, "line 52:") || !strings.Contains(text, "and 70 more") {
		t.Errorf("%s", text)
	}
	if !errors.Is(err, call.ErrNumber) {
		t.Error("the error of a line is not wrapped")
	}
}

func TestForceAcceptsWhatIsDangerous(t *testing.T) {
	o := importOptions()
	o.Force = true
	entries, err := ParseImport(strings.NewReader("list,pattern\nblock,110\n"), o)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
}

func TestProgressIsTold(t *testing.T) {
	var told []int
	o := importOptions()
	o.Progress = func(lines int) { told = append(told, lines) }
	var text strings.Builder
	text.WriteString("list,pattern\n")
	for i := range progressLines + 10 {
		fmt.Fprintf(&text, "block,%s\n", mobile(i))
	}
	entries, err := ParseImport(strings.NewReader(text.String()), o)
	if err != nil || len(entries) != progressLines+10 || !slices.Equal(told, []int{progressLines}) {
		t.Fatalf("%d entries, told %v, %v", len(entries), told, err)
	}
}

func TestExportImportsAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Custom(genEntry), 1, 20, func(e Entry) Key { return e.Key() }).Draw(t, "entries")
		var out bytes.Buffer
		if err := ExportCSV(&out, want); err != nil {
			t.Fatal(err)
		}
		o := importOptions()
		o.Force = true
		got, err := ParseImport(&out, o)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v\n%v\n%v", err, got, want)
		}
	})
}

func TestParseExpiry(t *testing.T) {
	for text, want := range map[string]string{
		"": "never", "never": "never", "2026-12-31": "2026-12-31T00:00:00Z",
		"2026-12-31T18:00:00+08:00": "2026-12-31T10:00:00Z", "90d": "2027-02-21T09:00:00Z", "12h": "2026-11-23T21:00:00Z",
		"0d": "", "-5h": "", "d": "", "tomorrow": "", "1ns": "", "99999999d": "",
	} {
		got, err := ParseExpiry(text, day)
		if (err != nil) != (want == "") || err == nil && stamp(got) != want {
			t.Errorf("ParseExpiry(%q) = %s, %v; want %q", text, stamp(got), err, want)
		}
	}
	if at, err := ParseExpiry("1d", time.Date(2026, 3, 1, 0, 0, 0, 5, time.UTC)); err != nil || at.Nanosecond() != 0 {
		t.Errorf("%v, %v", at, err)
	}
}

func FuzzParseImport(f *testing.F) {
	f.Add([]byte("list,pattern,category,score,source,author,reason,expires\nblock,+8613800138000,officials,90,staff,wang,\"a, \"\"b\"\"\",2027-01-01\n"))
	f.Add([]byte("\ufeff# plain\r\n+861380\r\n+861381*\r\n"))
	f.Add([]byte("pattern\n\"+86\"\"1\"\n"))
	f.Add([]byte("list,pattern,added,expires\nwatch,12345678,2026-01-01T00:00:00+14:00,9d\n"))
	f.Add([]byte("block,\"\n\",\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o := importOptions()
		o.HasList, o.Force = true, true
		entries, err := ParseImport(bytes.NewReader(data), o)
		if err != nil {
			if entries != nil {
				t.Fatal("a refused file gave entries")
			}
			return
		}
		var out bytes.Buffer
		if err := ExportCSV(&out, entries); err != nil {
			t.Fatal(err)
		}
		again, err := ParseImport(&out, o)
		if err != nil || !slices.Equal(entries, again) {
			t.Fatalf("accepted entries are read differently when exported: %v", err)
		}
	})
}
