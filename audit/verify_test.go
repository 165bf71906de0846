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
		{"column", `UPDATE records SET treatment = 'refuse' WHERE seq = 1`, "record 1: column treatment"},
		{"time", `UPDATE records SET time = time + 1 WHERE seq = 4`, "record 4: column time"},
		{"personal", `UPDATE personal SET data = replace(data, '+86138', '+86139') WHERE seq = 2`, "record 2: its personal data was altered"},
		{"salt", `UPDATE personal SET salt = zeroblob(32) WHERE seq = 2`, "record 2: its personal data was altered"},
		{"caller", `UPDATE personal SET caller = '+1' WHERE seq = 2`, "record 2: column caller"},
		{"call-id", `UPDATE personal SET call_id = '' WHERE seq = 2`, "record 2: column call_id"},
		{"personal removed", `DELETE FROM personal WHERE seq = 3`, "record 3: its personal data is missing, and no erase"},
		{"personal of another", `UPDATE personal SET seq = 99 WHERE seq = 3`, "personal data for record 99"},
		{"erased data again", `INSERT INTO personal VALUES (1, zeroblob(32), '{}', '', '', '')`, "record 1: its personal data was altered"},
		{"personal of no call", `INSERT INTO personal VALUES (13, zeroblob(32), '{}', '', '', '')`, "record 13: it is no call"},
		{"head", `DELETE FROM head`, "the head of the chain is missing"},
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

func TestVerifyAgainstAnAnchor(t *testing.T) {
	path := filled(t, 10)
	head := verify(t, path, nil).Head
	if report := verify(t, path, &head); !report.OK() {
		t.Errorf("its own head: %v", report.Findings)
	}
	// The last two records removed so that the log agrees with itself.
	db := plain(t, path)
	runSQL(t, db, `DELETE FROM personal WHERE seq > 8`)
	runSQL(t, db, `DELETE FROM records WHERE seq > 8`)
	runSQL(t, db, `UPDATE head SET seq = 8, hash = (SELECT hash FROM records WHERE seq = 8)`)
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
	count := 0
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
				e, bad := newEntry(fmt.Sprintf("%032x", count), sample(count))
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
		"records": {
			"seq", "uid", "kind", "time", "trunk", "class", "treatment", "rule", "reason", "status", "reference", "body", "hash",
		},
		"personal": {"seq", "salt", "data", "caller", "called", "call_id"},
		"head":     {"seq", "hash"},
	}
	table := rapid.SampledFrom([]string{"records", "personal", "head"}).Draw(rt, "table")
	column := rapid.SampledFrom(columns[table]).Draw(rt, "column")
	row := fmt.Sprintf("rowid = (SELECT rowid FROM %s ORDER BY rowid LIMIT 1 OFFSET %d)", table, rapid.IntRange(0, 12).Draw(rt, "row"))
	switch rapid.IntRange(0, 4).Draw(rt, "way") {
	case 0:
		return fmt.Sprintf(`DELETE FROM %s WHERE %s`, table, row)
	case 1: // beyond a row
		return fmt.Sprintf(`DELETE FROM %s WHERE rowid >= (SELECT max(rowid) FROM %s) - %d`, table, table, rapid.IntRange(0, 3).Draw(rt, "last"))
	case 2: // the value of another row
		return fmt.Sprintf(`UPDATE %[1]s AS t SET %[2]s = (SELECT o.%[2]s FROM %[1]s o WHERE o.%[2]s <> t.%[2]s LIMIT 1)
			WHERE t.%[3]s AND EXISTS (SELECT 1 FROM %[1]s o WHERE o.%[2]s <> t.%[2]s)`, table, column, row)
	case 3: // the sequence moved
		return fmt.Sprintf(`UPDATE %s SET seq = seq + %d WHERE %s`, table, rapid.SampledFrom([]int{-100, -1, 1, 100}).Draw(rt, "by"), row)
	}
	value := map[string]string{
		"seq": "seq + 1", "time": "time + 1", "status": "status + 1", "body": "body || ' '",
		"hash": "randomblob(32)", "salt": "randomblob(32)", "data": "replace(data, 'a', 'b')",
	}[column]
	if value == "" {
		value = column + " || 'x'"
	}
	return fmt.Sprintf(`UPDATE %s SET %s = %s WHERE %s`, table, column, value, row)
}

func TestFirstHashIsAsDocumented(t *testing.T) {
	// SHA-256 of 32 zero bytes, the number 1 in 8 bytes, and "{}".
	const want = "1bad765d926feacace97a8ddcd329a1f4254c208affc1ba86b3c7d59e8fba83e"
	if got := link(Hash{}, 1, []byte("{}")).String(); got != want {
		t.Errorf("hash %s", got)
	}
}
