package audit

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
)

// spoolOf writes the samples from first to last-1 as a spool left behind by a killed process.
func spoolOf(t testing.TB, path string, first, last int) {
	t.Helper()
	s, err := openSpool(path, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	c := newEncoder()
	for i := first; i < last; i++ {
		e, err := c.entry(sample(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.append([]entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolLeftBehindIsReplayedOnce(t *testing.T) {
	o := options(t)
	spoolOf(t, o.Path+".spool", 0, 20)
	left, err := os.ReadFile(o.Path + ".spool")
	if err != nil {
		t.Fatal(err)
	}
	closeLog(t, open(t, o))
	intact(t, o.Path, 20)
	// Killed after the commit and before the file was emptied: it is all there again.
	if err := os.WriteFile(o.Path+".spool", left, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	l.Append(sample(20))
	closeLog(t, l)
	if report := intact(t, o.Path, 21); report.Head.Seq != 21 {
		t.Errorf("head %s, want 21", report.Head)
	}
	if info, err := os.Stat(o.Path + ".spool"); err != nil || info.Size() != 0 {
		t.Errorf("the spool must be empty: %v, %v", info, err)
	}
}

func TestTornAndDamagedLinesLoseNothingElse(t *testing.T) {
	o := options(t)
	path := o.Path + ".spool"
	spoolOf(t, path, 0, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte{'\n'})
	damaged := bytes.Clone(lines[1])
	damaged[60] ^= 1
	torn := lines[2][:len(lines[2])/2]
	content := bytes.Join([][]byte{damaged, lines[0], []byte("garbage\n"), lines[1], lines[2], torn}, nil)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	if s := l.Stats(); s.DatabaseError != "" {
		t.Errorf("stats %+v", s)
	}
	eventually(t, "spool replayed", func() bool { return l.Stats().Spooled == 0 })
	closeLog(t, l)
	if s := l.Stats(); s.Damaged != 3 || s.Written != 3 {
		t.Errorf("stats %+v, want 3 damaged lines and 3 records", s)
	}
	intact(t, o.Path, 3)
	aside, err := os.ReadFile(path + ".damaged")
	if err != nil || !bytes.Equal(aside, append(append(bytes.Clone(damaged), "garbage\n"...), append(bytes.Clone(torn), '\n')...)) {
		t.Errorf("damaged lines must be set aside (%v): %q", err, aside)
	}
}

func TestLockedDatabaseSpoolsInOrder(t *testing.T) {
	o := options(t)
	l := open(t, o)
	defer l.Close(context.Background())
	l.Append(sample(0))
	eventually(t, "first record written", func() bool { return l.Stats().Written == 1 })
	other := plain(t, o.Path)
	runSQL(t, other, `BEGIN IMMEDIATE`)
	for i := 1; i < 40; i++ {
		l.Append(sample(i))
		if i%10 == 0 {
			eventually(t, "queue empty", func() bool { return l.Stats().Queued == 0 })
		}
	}
	eventually(t, "39 records spooled", func() bool { return l.Stats().Spooled == 39 })
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "locked") || !strings.Contains(err.Error(), "39 records wait in") {
		t.Errorf("health %v", err)
	}
	runSQL(t, other, `ROLLBACK`)
	eventually(t, "spool replayed", func() bool { return l.Stats().Written == 40 })
	eventually(t, "healthy", func() bool { return l.Health() == nil })
	closeLog(t, l)
	intact(t, o.Path, 40)
}

func TestDatabaseLockedAtOpenDoesNotStopCalls(t *testing.T) {
	path := filled(t, 5)
	other := plain(t, path)
	runSQL(t, other, `BEGIN IMMEDIATE`)
	o := options(t)
	o.Path = path
	l := open(t, o)
	l.Append(sample(5))
	eventually(t, "spooled", func() bool { return l.Stats().Spooled == 1 })
	if l.Health() == nil {
		t.Error("health must tell")
	}
	closeLog(t, l) // still locked: the record stays in the spool
	runSQL(t, other, `ROLLBACK`)
	closeLog(t, open(t, o))
	intact(t, path, 6)
}

func TestFullDatabaseSpools(t *testing.T) {
	o := options(t)
	o.pragmas = []string{"max_page_count(20)"}
	l := open(t, o)
	const n = 400
	for i := range n {
		l.Append(sample(i))
	}
	eventually(t, "the rest spooled", func() bool { s := l.Stats(); return s.Queued == 0 && s.Spooled > 0 && s.DatabaseError != "" })
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("health %v", err)
	}
	closeLog(t, l)
	if s := l.Stats(); s.Dropped != 0 {
		t.Errorf("stats %+v: nothing may be lost", s)
	}
	o.pragmas = nil
	closeLog(t, open(t, o))
	intact(t, o.Path, n)
}

func TestFullDatabaseIsReportedOnceAndUntilItHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := options(t)
		o.Logger = slog.New(slog.NewTextHandler(&out, nil))
		o.pragmas = []string{"max_page_count(10)"}
		l := open(t, o)
		for i := range 100 {
			l.Append(sample(i))
		}
		for range 100 {
			time.Sleep(97 * time.Millisecond)
			if l.Health() == nil {
				t.Fatal("health must not come and go")
			}
		}
		closeLog(t, l)
		if n := strings.Count(out.String(), "audit database fails"); n != 1 || strings.Contains(out.String(), "works again") {
			t.Errorf("reported %d times:\n%s", n, out.String())
		}
	})
}

func TestMissingDirectorySpoolsUntilItIsThere(t *testing.T) {
	o := options(t)
	o.Spool = o.Path + ".spool"
	o.Path = filepath.Join(filepath.Dir(o.Path), "later", "calls.db")
	l := open(t, o)
	defer l.Close(context.Background())
	for i := range 10 {
		l.Append(sample(i))
	}
	eventually(t, "spooled", func() bool { return l.Stats().Spooled == 10 })
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("health %v", err)
	}
	if err := os.Mkdir(filepath.Dir(o.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "written", func() bool { return l.Stats().Written == 10 })
	closeLog(t, l)
	intact(t, o.Path, 10)
}

func TestRemovedDatabaseIsNoticed(t *testing.T) {
	o := options(t)
	l := open(t, o)
	defer l.Close(context.Background())
	l.Append(sample(0))
	eventually(t, "written", func() bool { return l.Stats().Written == 1 })
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(o.Path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	l.Append(sample(1))
	eventually(t, "a new database", func() bool { return l.Stats().Written == 2 })
	closeLog(t, l)
	r := reader(t, o.Path)
	if all, err := r.List(context.Background(), Filter{}); err != nil || len(all) != 1 || all[0].Call.Reference != call.Reference(1) {
		t.Errorf("the record after the removal must be in the new database: %+v, %v", all, err)
	}
}

func TestMissingHeadIsNoNewLog(t *testing.T) {
	path := filled(t, 3)
	db := plain(t, path)
	runSQL(t, db, `CREATE TABLE kept AS SELECT * FROM heads`)
	runSQL(t, db, `DELETE FROM heads`)
	o := options(t)
	o.Path = path
	l := open(t, o)
	l.Append(sample(3))
	eventually(t, "spooled", func() bool { return l.Stats().Spooled == 1 })
	if err := l.Health(); err == nil || !strings.Contains(err.Error(), "head of the chain is missing") {
		t.Errorf("health %v", err)
	}
	closeLog(t, l)
	runSQL(t, db, `INSERT INTO heads SELECT * FROM kept`)
	closeLog(t, open(t, o))
	intact(t, path, 4)
}

func TestNeitherDatabaseNorSpool(t *testing.T) {
	dir := t.TempDir()
	o := options(t)
	o.Spool = filepath.Join(dir, "spool")
	o.Path = filepath.Join(dir, "later", "calls.db")
	o.MaxSpool, o.Queue, o.Batch = 1, 8, 4
	l := open(t, o)
	defer l.Close(context.Background())
	for i := range 4 {
		l.Append(sample(i))
	}
	eventually(t, "the first batch is held", func() bool { return l.Stats().SpoolError != "" })
	for i := 4; i < 20; i++ {
		l.Append(sample(i))
	}
	s := l.Stats()
	if s.Dropped != 8 || s.Queued != 8 {
		t.Errorf("stats %+v, want 4 held, 8 queued, 8 dropped", s)
	}
	err := l.Health()
	for _, want := range []string{"no such file", "limit of 1 bytes", "lost"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("health %v, want %q", err, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "later"), 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "written", func() bool { return l.Stats().Written == 12 })
	closeLog(t, l)
	intact(t, o.Path, 12)
}

func TestNearlyFullQueueKeepsOrder(t *testing.T) {
	o := options(t)
	o.Queue, o.Batch, o.busy = 64, 8, 10*time.Second
	l := open(t, o)
	other := plain(t, o.Path)
	runSQL(t, other, `BEGIN IMMEDIATE`) // the writer waits for the lock
	for i := range 60 {
		l.Append(sample(i))
	}
	runSQL(t, other, `ROLLBACK`)
	eventually(t, "written", func() bool { return l.Stats().Written == 60 })
	closeLog(t, l)
	intact(t, o.Path, 60)
}
