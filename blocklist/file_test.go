package blocklist

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/call"
)

const wholeFile = fileHead + `
#list	pattern	category	score	source	author	added	expires	reason
block	+8613800138000	officials	90	staff	wang	2026-11-23T09:00:00Z	-	claims to be the police
allow	+4930*	-	0	feed	weekly	2026-11-23T09:00:00Z	2027-01-01T00:00:00Z	partner
#history
bulk	2026-11-23T09:00:00Z	wang	first import	2	0
#end
`

func TestFileFormat(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string // the change made in wholeFile
		want     string // part of the error; "" is none
	}{
		"whole":             {"", "", ""},
		"no column head":    {"#list\tpattern\tcategory\tscore\tsource\tauthor\tadded\texpires\treason\n", "", ""},
		"empty":             {wholeFile, "", "it is empty"},
		"other file":        {fileHead, "list,pattern", "line 1 is not"},
		"other version":     {fileHead, "#ringfence-lists 2", "line 1 is not"},
		"cut short":         {"#end\n", "", "line 6: the file ends here, without the line #end"},
		"cut in a line":     {"wang\tfirst import\t2\t0\n#end\n", "", "2 bad lines"},
		"more after end":    {"#end\n", "#end\nblock", "line 8: there is more after #end"},
		"remark":            {"#history", "# why\n#history", "line 5: remarks are not kept here"},
		"bad field":         {"90", "190", "line 3: not a valid list entry: score"},
		"two bad lines":     {"staff", "boss", "line 3: "},
		"missing field":     {"\t-\tclaims", "\tclaims", "line 3: not a valid list entry: it has 8 tab-separated fields"},
		"twice":             {"#history", "block	+8613800138000	-	1	staff	li	2026-11-23T09:00:00Z	-	again\n#history", "line 5: block +8613800138000 staff stands on line 3 already"},
		"bad history":       {"bulk", "melt", "line 6: not a recorded change"},
		"long line":         {"partner", strings.Repeat("x", maxFileLine), "line 4 is longer than 4096 bytes"},
		"history only once": {"#end", "#history\n#end", "line 7: not a recorded change"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(wholeFile, c.old, c.new, 1)
			if c.old != "" && text == wholeFile {
				t.Fatal("the test changes nothing")
			}
			err := readFile(strings.NewReader(text), nil, nil)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("readFile = %v, want %q", err, c.want)
			}
		})
	}
}

func TestWrittenFileIsTheDocumentedOne(t *testing.T) {
	var entries []Entry
	var history []Change
	err := readFile(strings.NewReader(wholeFile), func(e Entry) error {
		entries = append(entries, e)
		return nil
	}, func(c Change) { history = append(history, c) })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writeFile(&out, entries, history); err != nil || out.String() != wholeFile {
		t.Fatalf("writeFile (%v):\n%s\nwant\n%s", err, out.String(), wholeFile)
	}
}

// TestDamagedFileIsNeverReplaced: a write must not make good a file that could not be read.
func TestDamagedFileIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists.tsv")
	damaged := wholeFile[:200]
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	err := OpenFile(path).Put(t.Context(), []Entry{entry(t, call.ListBlock, "+861")}, signature())
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Fatalf("Put = %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != damaged {
		t.Fatalf("the file is now %q, %v", now, err)
	}
}

func TestFileKeepsItsPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists.tsv")
	store := OpenFile(path)
	put(t, store, entry(t, call.ListBlock, "+861"))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, store, entry(t, call.ListBlock, "+862"))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 2 { // the list and its lock; no temporary file is left
		t.Fatalf("%v, %v", names, err)
	}
}

func TestFileHistoryIsBounded(t *testing.T) {
	store := OpenFile(filepath.Join(t.TempDir(), "lists.tsv"))
	for range 3 {
		var batch []Entry
		for i := range fileHistory/2 + 1 {
			e := entry(t, call.ListBlock, "+86")
			e.Pattern.Number = mobile(i)
			batch = append(batch, e)
		}
		put(t, store, batch...)
	}
	history, err := store.History(t.Context(), 1<<20)
	if err != nil || len(history) != fileHistory {
		t.Fatalf("%d changes, %v; want %d", len(history), err, fileHistory)
	}
}

// TestFileWritersTakeTurns: no writer may undo what another wrote.
func TestFileWritersTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists.tsv")
	const writers, each = 4, 10
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			store := OpenFile(path)
			for i := range each {
				e := entry(t, call.ListBlock, "+86")
				e.Pattern.Number = mobile(w*each + i)
				if err := store.Put(t.Context(), []Entry{e}, signature()); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
	}
	group.Wait()
	if entries, _ := contents(t, OpenFile(path)); len(entries) != writers*each {
		t.Fatalf("%d entries, want %d", len(entries), writers*each)
	}
}

func TestFileLockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists.tsv")
	store := OpenFile(path)
	unlock, err := store.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	err = store.Put(ctx, []Entry{entry(t, call.ListBlock, "+861")}, signature())
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process is still writing") {
		t.Fatalf("Put = %v", err)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	err := OpenFile(filepath.Join(t.TempDir(), "no", "such", "dir", "lists.tsv")).
		Put(t.Context(), []Entry{entry(t, call.ListBlock, "+861")}, signature())
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("Put = %v", err)
	}
}

// TestMirrorFollowsFile: a change through one store takes effect in another's mirror; a file that is
// broken, or vanishes, leaves the list as it was, and is reported.
func TestMirrorFollowsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists.tsv")
	m, _ := run(t, OpenFile(path), MirrorOptions{})
	<-m.Ready()
	a := entry(t, call.ListBlock, "+8613800138000")
	writer := OpenFile(path)
	put(t, writer, a)
	if took := eventually(t, "a is listed", listed(m, a.Pattern.Number)); took > time.Second {
		t.Errorf("a change of the file took %v", took)
	}
	version := m.Version()

	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, good[:len(good)-8], 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broken file is reported", func() bool { return strings.Contains(m.State().Error, "line 5") })
	if m.Version() != version || !listed(m, a.Pattern.Number)() {
		t.Error("a broken file changed the list")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the missing file is reported", func() bool { return strings.Contains(m.State().Error, "empty, as if new") })
	if m.Version() != version {
		t.Error("a file that vanished changed the list")
	}
	if err := os.WriteFile(path, slices.Concat(good), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the error is gone", func() bool { return m.State().Error == "" })
	if _, err := writer.Remove(t.Context(), []Key{a.Key()}, signature()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is not listed", unlisted(m, a.Pattern.Number))
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(wholeFile))
	f.Add([]byte(wholeFile[:120]))
	f.Add([]byte(strings.ReplaceAll(wholeFile, "\t", ",")))
	f.Add([]byte(strings.ReplaceAll(wholeFile, "\n", "\r\n")))
	f.Add([]byte(fileHead + "\n#history\n#end\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var entries []Entry
		var history []Change
		err := readFile(bytes.NewReader(data), func(e Entry) error {
			entries = append(entries, e)
			return nil
		}, func(c Change) { history = append(history, c) })
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := writeFile(&out, entries, history); err != nil {
			t.Fatal(err)
		}
		var again []Entry
		err = readFile(&out, func(e Entry) error {
			again = append(again, e)
			return nil
		}, nil)
		if err != nil || !slices.Equal(entries, again) {
			t.Fatalf("an accepted file is read differently when written again: %v", err)
		}
	})
}
