package audit

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

func verify(t interface{ Fatal(...any) }, path string, anchor *Head) *Report {
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(context.Background(), anchor, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// copyOf copies a closed database.
func copyOf(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// erasable is the caller of sample(0) and of each thousandth after it.
var erasable, _ = call.Global("8613800000000")

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	original := filled(t, 12)
	if n, err := Erase(context.Background(), original, Erasure{Number: erasable, Author: "dpo", Reason: "request 7"}); n != 1 || err != nil {
		t.Fatalf("erased %d: %v", n, err)
	}
	if report := verify(t, original, nil); !report.OK() || report.Erased != 1 || report.Records != 13 || report.Head.Seq != 13 {
		t.Fatalf("untouched: %+v", report)
	}
	for _, c := range []struct{ name, sql, want string }{
		{"body", `UPDATE records SET body = replace(body, '"status":603', '"status":200') WHERE seq = 2`, "record 2: altered"},
		{"hash", `UPDATE records SET hash = zeroblob(32) WHERE seq = 5`, "record 5: altered"},
		{"short hash", `UPDATE records SET hash = x'01' WHERE seq = 5`, "record 5: altered"},
		{"middle", `DELETE FROM records WHERE seq = 5`, "record 5: missing: what"},
		{"range", `DELETE FROM records WHERE seq BETWEEN 5 AND 7`, "record 5: missing up to 7"},
		{"first", `DELETE FROM records WHERE seq = 1`, "record 1: missing"},
		{"last", `DELETE FROM records WHERE seq = 13`, "removed or added at the end"},
		{"all", `DELETE FROM records`, "removed or added at the end"},
		{"order", `UPDATE records SET seq = CASE seq WHEN 3 THEN -3 ELSE 3 END WHERE seq IN (3, 4)`, "record -3 should not be there"},
		{"kind", `UPDATE records SET body = replace(body, '"kind":"erase"', '"kind":"prune"') WHERE seq = 13`, `record 13: of kind "prune" without`},
		{"version", `UPDATE records SET body = replace(body, '"v":1', '"v":2') WHERE seq = 13`, "record 13: of format version 2"},
		{"personal", `UPDATE records SET personal = replace(personal, '+86138', '+86139') WHERE seq = 2`, "record 2: altered"},
		{"salt", `UPDATE records SET personal = replace(personal, '"salt":"', '"salt":"0') WHERE seq = 2`, "record 2: altered"},
		{"personal erased by hand", `UPDATE records SET personal = printf('%064d', 0) WHERE seq = 3`, "record 3: its personal data is missing, and no erase"},
		{"personal removed", `UPDATE records SET personal = '' WHERE seq = 3`, "record 3: altered"},
		{"no hash", `UPDATE records SET personal = printf('%064d', 0) || 'x' WHERE seq = 3`, "record 3: unreadable in its personal data"},
		{"no digits", `UPDATE records SET personal = replace(printf('%064d', 0), '0', 'x') WHERE seq = 3`, "record 3: its personal data was altered"},
		{"erased data again", `UPDATE records SET personal = '{}' WHERE seq = 1`, "record 1: it was erased, but has personal data again"},
		{"personal of no call", `UPDATE records SET personal = '{}' WHERE seq = 13`, "record 13: altered"},
		{"erased personal of no call", `UPDATE records SET personal = '` + commit(nil).String() + `' WHERE seq = 13`, "record 13: it is no call, but"},
		{"caller's key", writeKey(2, 4, "ff"), "record 2: its search key for caller"},
		{"erased caller's key", writeKey(1, 4, "ff"), "record 1: its search key for caller"},
		{"call-id's key", writeKey(2, 20, "ffffffff"), "record 2: its search key for call_id"},
		{"key of a note", writeKey(13, 36, "0001"), "record 13: its search key for status"},
		{"key of none", writeKey(0, 0, "00000001"), "there is a search key of record 0, which does not exist"},
		{"key removed", writeKey(2, 0, strings.Repeat("00", keySize)), "record 2: its search key is missing"},
		{"keys cut", `UPDATE keys SET keys = substr(keys, 1, length(keys) - 1)`, "not whole"},
		{"keys removed", `DELETE FROM keys`, "the search keys of the records from 0 on are missing"},
		{"keys added", `INSERT INTO keys VALUES (7, 0, 0, x'')`, "1 rows of search keys that belong to no record"},
		{"times", `UPDATE keys SET last = last + 1`, "the times of the search keys of the records from 0 on"},
		{"heads", `DELETE FROM heads`, "the head of the chain is 0:"},
		{"head of a run", `UPDATE heads SET n = n + 1 WHERE run <> ''`, "is not its last record, 12:"},
		{"head of no run", `INSERT INTO heads VALUES ('x', 1, 2, x'')`, `there is a head of run "x", which has no records`},
		{"trigger", `CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END`, "trigger t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := copyOf(t, original)
			runSQL(t, plain(t, path), c.sql)
			report := verify(t, path, nil)
			for _, f := range report.Findings {
				if strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("%s\nfound %v, want %q", c.sql, report.Findings, c.want)
		})
	}
}

// writeKey is the statement that writes over part of a record's search key, whose first row of keys is meant.
func writeKey(seq, offset int, hex string) string {
	at := seq*keySize + offset
	return fmt.Sprintf(`UPDATE keys SET keys = unhex(substr(hex(keys), 1, %d) || '%s' || substr(hex(keys), %d))`, 2*at, hex, 2*at+len(hex)+1)
}

func TestVerifyAgainstAnAnchor(t *testing.T) {
	path := filled(t, 10)
	head := verify(t, path, nil).Head
	if report := verify(t, path, &head); !report.OK() {
		t.Errorf("its own head: %v", report.Findings)
	}
	// The last two records removed so that the log agrees with itself.
	db := plain(t, path)
	runSQL(t, db, `DELETE FROM records WHERE seq > 8`)
	runSQL(t, db, `UPDATE heads SET seq = 8, n = 8, hash = (SELECT hash FROM records WHERE seq = 8)`)
	runSQL(t, db, `UPDATE keys SET keys = substr(keys, 1, ?), last = last - 2`, 9*keySize)
	if report := verify(t, path, nil); !report.OK() {
		t.Fatalf("the test must make a consistent log: %v", report.Findings)
	}
	other := Head{Seq: 4, Hash: Hash{1}}
	for want, anchor := range map[string]*Head{
		"ends at 8, before the anchor 10": &head,
		"differs from the anchor":         &other,
	} {
		if report := verify(t, path, anchor); len(report.Findings) != 1 || !strings.Contains(report.Findings[0].String(), want) {
			t.Errorf("%s: %v", want, report.Findings)
		}
	}
}

// TestAnyTamperingIsFound changes any row and column by plain SQL, after any course of commits,
// prunes and erasures. What was not touched is never reported.
func TestAnyTamperingIsFound(t *testing.T) {
	empty, err := os.ReadFile(filled(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, changed := filepath.Join(dir, "log.db"), filepath.Join(dir, "changed.db")
	rapid.Check(t, func(rt *rapid.T) {
		write(rt, path, empty)
		course(rt, path)
		report := verify(rt, path, nil)
		if !report.OK() {
			rt.Fatalf("untouched, but found %v", report.Findings)
		}
		anchor := report.Head
		content, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		for _, statement := range rapid.SliceOfN(rapid.Custom(tampering), 4, 4).Draw(rt, "statements") {
			write(rt, changed, content)
			if tamper(rt, changed, statement) && verify(rt, changed, &anchor).OK() {
				rt.Fatalf("not found: %s", statement)
			}
		}
	})
}

func write(rt *rapid.T, path string, content []byte) {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		rt.Fatal(err)
	}
}

// tamper runs the statement and reports whether it touched anything.
func tamper(rt *rapid.T, path, statement string) bool {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		rt.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement)
	if err != nil {
		return false // a constraint forbids it
	}
	n, err := result.RowsAffected()
	return err == nil && n > 0
}

// course writes a log at path: records from the year 2026 in batches, with prunes and erasures between.
func course(rt *rapid.T, path string) {
	d, err := openDatabase(context.Background(), path, time.Second, "synchronous(OFF)")
	if err != nil {
		rt.Fatal(err)
	}
	defer d.close()
	c, count := newEncoder(), 0
	for range rapid.IntRange(1, 6).Draw(rt, "steps") {
		var err error
		switch rapid.IntRange(0, 3).Draw(rt, "step") {
		case 0:
			_, _, _, err = d.prune(context.Background(), start.Add(time.Duration(count/2)*time.Second), time.Hour)
		case 1:
			_, err = Erase(context.Background(), path, Erasure{
				Number: sample(4 * rapid.IntRange(0, 3).Draw(rt, "of")).Facts.Caller.Number, Author: "dpo", Reason: "asked",
			})
		default:
			var entries []entry
			for range rapid.IntRange(1, 6).Draw(rt, "calls") {
				e, bad := c.entry(sample(count))
				if bad != nil {
					rt.Fatal(bad)
				}
				entries = append(entries, e)
				count++
			}
			_, err = d.extend(context.Background(), func(x *extension) error {
				_, err := x.addCalls(entries)
				return err
			})
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
}

// tampering is one statement that changes, removes, moves or adds rows of one table.
func tampering(rt *rapid.T) string {
	columns := map[string][]string{
		"records": {"seq", "body", "hash", "personal"},
		"keys":    {"block", "first", "last", "keys"},
		"heads":   {"run", "n", "seq", "hash"},
	}
	table := rapid.SampledFrom([]string{"records", "keys", "heads"}).Draw(rt, "table")
	column := rapid.SampledFrom(columns[table]).Draw(rt, "column")
	id := map[string]string{"records": "seq", "keys": "block", "heads": "run"}[table]
	row := fmt.Sprintf("%[2]s = (SELECT %[2]s FROM %[1]s ORDER BY %[2]s LIMIT 1 OFFSET %[3]d)", table, id, rapid.IntRange(0, 12).Draw(rt, "row"))
	switch rapid.IntRange(0, 4).Draw(rt, "way") {
	case 0:
		return fmt.Sprintf(`DELETE FROM %s WHERE %s`, table, row)
	case 1: // beyond a row
		return fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s IN (SELECT %[2]s FROM %[1]s ORDER BY %[2]s DESC LIMIT %[3]d)`,
			table, id, rapid.IntRange(1, 4).Draw(rt, "last"))
	case 2: // the value of another row
		return fmt.Sprintf(`UPDATE %[1]s AS t SET %[2]s = (SELECT o.%[2]s FROM %[1]s o WHERE o.%[2]s <> t.%[2]s LIMIT 1)
			WHERE t.%[3]s AND EXISTS (SELECT 1 FROM %[1]s o WHERE o.%[2]s <> t.%[2]s)`, table, column, row)
	case 3: // the sequence moved
		number := map[string]string{"records": "seq", "keys": "block", "heads": "seq"}[table]
		return fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[2]s + %[3]d WHERE %[4]s`,
			table, number, rapid.SampledFrom([]int{-100, -1, 1, 100}).Draw(rt, "by"), row)
	}
	at := 2 * rapid.IntRange(0, 40*keySize).Draw(rt, "at")
	value := map[string]string{
		"seq": "seq + 1", "block": "block + 1", "first": "first + 1", "last": "last - 1", "n": "n + 1",
		"body": "body || ' '", "hash": "randomblob(32)", "run": "run || 'x'",
		"personal": "personal || ' '",
		"keys":     fmt.Sprintf("unhex(substr(hex(keys), 1, %d) || '0123' || substr(hex(keys), %d))", at, at+5),
	}[column]
	return fmt.Sprintf(`UPDATE %s SET %s = %s WHERE %s`, table, column, value, row)
}

func TestFirstHashIsAsDocumented(t *testing.T) {
	// SHA-256 of 32 zero bytes, the number 1 in 8 bytes, SHA-256 of nothing, and "{}".
	const want = "32dfc4c9f6120e262100c44028a38d987ce943441ba07e8e6f25c494566ce8fe"
	var l linker
	if got := l.link(Hash{}, 1, commit(nil), "{}").String(); got != want {
		t.Errorf("hash %s", got)
	}
}

// TestCutOffRecordsAreFoundWhileTheRunGoesOn cuts off the last records so that the log agrees with itself,
// as TestVerifyAgainstAnAnchor does, but the gateway goes on: its numbers tell without an anchor.
func TestCutOffRecordsAreFoundWhileTheRunGoesOn(t *testing.T) {
	path := filled(t, 0)
	c := newEncoder()
	appendSamples(t, path, c, 0, 5)
	db := plain(t, path)
	runSQL(t, db, `DELETE FROM records WHERE seq > 3`)
	runSQL(t, db, `UPDATE heads SET seq = 3, n = 3, hash = (SELECT hash FROM records WHERE seq = 3)`)
	runSQL(t, db, `UPDATE keys SET keys = substr(keys, 1, ?), last = last - 2`, 4*keySize)
	if report := verify(t, path, nil); !report.OK() {
		t.Fatalf("the test must make a consistent log: %v", report.Findings)
	}
	appendSamples(t, path, c, 5, 7)
	want := "record 4: it is number 6 of run " + c.run + ", and the one before is 3"
	if report := verify(t, path, nil); len(report.Findings) != 1 || !strings.HasPrefix(report.Findings[0].String(), want) {
		t.Errorf("found %v, want %s", report.Findings, want)
	}
}

// appendSamples adds the samples from first to last-1 to the log at path as one batch.
func appendSamples(t *testing.T, path string, c *encoder, first, last int) {
	t.Helper()
	d, err := openDatabase(context.Background(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	var entries []entry
	for i := first; i < last; i++ {
		e, err := c.entry(sample(i))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	_, err = d.extend(context.Background(), func(x *extension) error {
		_, err := x.addCalls(entries)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
