package report

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// killed, when set in the environment, makes the test binary the process that is killed: it stores
// reports in its folder without end, says how many are stored, and buries every third.
const killed = "RINGFENCE_REPORT_KILLED"

func TestMain(m *testing.M) {
	if os.Getenv(killed) != "" {
		if err := storeUntilKilled(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func storeUntilKilled() error {
	s, err := openSpool(".")
	for i := 1; err == nil; i++ {
		if err = s.put(fmt.Sprintf("id-%06d", i), []byte(strings.Repeat("x", i)), time.Now()); err != nil {
			break
		}
		if i%3 == 0 {
			names, _ := s.waiting()
			err = s.bury(names[0], errors.New("refused"), time.Now())
		}
		fmt.Println(i)
	}
	return err
}

func TestKilledProcessLosesNothingStored(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(program)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), killed+"=yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for lines := bufio.NewScanner(out); stored < 200 && lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &stored); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that the process was killed
	if _, err := openSpool(dir); err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, folder := range []string{dir, filepath.Join(dir, deadFolder)} {
		names, err := list(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := readBounded(filepath.Join(folder, name))
			if err != nil || fmt.Sprintf("id-%06d", len(body)) != idOf(name) {
				t.Errorf("%s holds %d bytes, %v", name, len(body), err)
			}
			whole++
		}
	}
	if whole < stored || stored < 200 {
		t.Errorf("%d reports are there, %d were stored before the kill", whole, stored)
	}
	if leftovers, err := filepath.Glob(filepath.Join(dir, unfinished+"*")); err != nil || len(leftovers) != 0 {
		t.Errorf("left over: %v, %v", leftovers, err)
	}
}

func newSpool(t *testing.T) *spool {
	t.Helper()
	s, err := openSpool(filepath.Join(t.TempDir(), "way"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *spool, id string, at time.Time) {
	t.Helper()
	if err := s.put(id, []byte("{}"), at); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolKeepsTheOrder(t *testing.T) {
	s := newSpool(t)
	put(t, s, "c", noon)
	put(t, s, "b", noon)                      // in the same nanosecond
	put(t, s, "a", noon.Add(-24*time.Hour))   // the clock was set back
	put(t, s, "d", noon.Add(100*time.Second)) // and forward
	names, err := s.waiting()
	var ids []string
	for _, name := range names {
		ids = append(ids, idOf(name))
	}
	if err != nil || !slices.Equal(ids, []string{"c", "b", "a", "d"}) {
		t.Errorf("order %v, %v", ids, err)
	}
}

func TestSpoolHoldsAReportOnce(t *testing.T) {
	s := newSpool(t)
	for range 3 {
		put(t, s, "a", noon)
	}
	names, err := s.waiting()
	if err != nil || len(names) != 1 {
		t.Fatalf("waiting = %v, %v", names, err)
	}
	if err := s.bury(names[0], errors.New("refused"), noon); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", noon)
	if names, err := s.waiting(); err != nil || len(names) != 0 {
		t.Errorf("a dead report waits again: %v, %v", names, err)
	}
	put(t, s, "b", noon)
	names, _ = s.waiting()
	if err := s.remove(names[0]); err != nil {
		t.Fatal(err)
	}
	put(t, s, "b", noon) // it was sent: made again, it is sent again
	if queued, dead := s.counts(); queued != 1 || dead != 1 {
		t.Errorf("%d wait, %d are dead", queued, dead)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	s := newSpool(t)
	put(t, s, "a", noon)
	if err := s.put("b", make([]byte, maxBody+1), noon); err == nil {
		t.Error("a huge report is accepted")
	}
	s.queued, s.dead = maxSpooled-1, 1
	if err := s.put("b", []byte("{}"), noon); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("put in a full spool = %v", err)
	}
	if names, err := s.waiting(); err != nil || len(names) != 1 || s.queued != 1 || s.dead != 0 {
		t.Errorf("%v, %v", names, err)
	}
	put(t, s, "b", noon)
}

func TestSpoolPassesOverWhatIsNotItsOwn(t *testing.T) {
	s := newSpool(t)
	put(t, s, "a", noon)
	for _, name := range []string{"notes.txt", "x.json", "20261124-x.json", ".tmp-123"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := s.waiting()
	if err != nil || len(names) != 1 || idOf(names[0]) != "a" {
		t.Errorf("waiting = %v, %v", names, err)
	}
	if err := os.Remove(filepath.Join(s.dir, names[0])); err != nil { // by an operator
		t.Fatal(err)
	}
	if err := s.remove(names[0]); err != nil {
		t.Errorf("remove of what is gone: %v", err)
	}
	if items, err := List(filepath.Join(s.dir, "nowhere")); err != nil || items != nil {
		t.Errorf("List of no folder = %v, %v", items, err)
	}
}

func TestSpoolThatCannotBeWritten(t *testing.T) {
	s := newSpool(t)
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.put("a", []byte("{}"), noon); err == nil {
		t.Error("put into no folder gave no error")
	}
	if _, err := s.waiting(); err == nil {
		t.Error("waiting in no folder gave no error")
	}
}
