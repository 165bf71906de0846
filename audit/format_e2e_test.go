//go:build e2e

package audit

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// verifier is the program in docs/audit-format.md, written to a file.
func verifier(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal(`python3 is missing: "make deps" installs it`)
	}
	page, err := os.ReadFile("../docs/audit-format.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/audit-format.md shows no program in Python")
	}
	path := filepath.Join(t.TempDir(), "verify.py")
	if err := os.WriteFile(path, found[1], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDocumentedVerifierAgrees runs the program of the documentation on a log with everything in it, and
// on logs that were tampered with.
func TestDocumentedVerifierAgrees(t *testing.T) {
	program := verifier(t)
	path := everything(t)
	report := verify(t, path, nil)
	if !report.OK() || report.Erased != 1 || report.Pruned == nil {
		t.Fatalf("the test must make a log with all kinds of records: %+v", report)
	}
	out, err := exec.Command("python3", program, path).CombinedOutput()
	if want := "ok " + strings.Replace(report.Head.String(), ":", " ", 1) + "\n"; err != nil || string(out) != want {
		t.Errorf("%s%v, want %s", out, err, want)
	}
	for statement, want := range map[string]string{
		`UPDATE records SET body = replace(body, '"status":603', '"status":200')`:                                 "was altered",
		`UPDATE records SET personal = replace(personal, '+86138', '+86139') WHERE length(personal) > 64`:         "was altered",
		`DELETE FROM records WHERE seq = 20`:                                                                      "record 20 is missing",
		`DELETE FROM records WHERE seq = (SELECT max(seq) FROM records)`:                                          "the end was removed",
		`DELETE FROM records WHERE seq = (SELECT min(seq) FROM records)`:                                          "is missing",
		`UPDATE heads SET n = n + 1`:                                                                              "the end was removed",
		`UPDATE records SET personal = '` + commit([]byte(personalOf(t, path, 21))).String() + `' WHERE seq = 21`: "without an erasure",
	} {
		changed := copyOf(t, path)
		runSQL(t, plain(t, changed), statement)
		if out, err := exec.Command("python3", program, changed).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s\nsays %s, want %q", statement, out, want)
		}
	}
}

// everything is the path of a closed log with calls of two runs, a prune and an erasure.
func everything(t *testing.T) string {
	t.Helper()
	path := filled(t, 12)
	appendSamples(t, path, newEncoder(), 12, 30)
	d, err := openDatabase(context.Background(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, n, _, err := d.prune(context.Background(), start.Add(10*time.Second), time.Hour)
	if n != 10 || err != nil {
		t.Fatalf("%d pruned, %v", n, err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	order := Erasure{Number: sample(16).Facts.Caller.Number, Author: "dpo", Reason: "request 7"}
	if n, err := Erase(context.Background(), path, order); n != 1 || err != nil {
		t.Fatalf("%d erased, %v", n, err)
	}
	return path
}

func personalOf(t *testing.T, path string, seq int) (text string) {
	t.Helper()
	if err := plain(t, path).QueryRow(`SELECT personal FROM records WHERE seq = ?`, seq).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
