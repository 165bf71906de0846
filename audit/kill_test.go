package audit

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killedPath, when set in the environment, makes the test binary the process that is killed: it
// appends without end and says how many records are stored.
const killedPath = "RINGFENCE_AUDIT_KILLED_PATH"

func appendUntilKilled(path string) {
	l, err := Open(Options{Path: path, Retention: KeepForever, Interval: time.Millisecond, busy: 20 * time.Millisecond})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		l.Append(sample(i))
		if s := l.Stats(); i%10 == 0 {
			fmt.Println(s.Spooled + int(s.Written))
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// killed runs the process until it has stored at least n records, kills it as kill -9 does, and
// returns how many it last said were stored.
func killed(t *testing.T, path string, n int) (stored int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedPath+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for stored < n && lines.Scan() {
		if stored, err = strconv.Atoi(strings.TrimSpace(lines.Text())); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that the process was killed
	return stored
}

func TestKilledProcessLosesNothingStored(t *testing.T) {
	for name, locked := range map[string]bool{"while committing": false, "while spooling": true} {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 0)
			other := plain(t, path)
			if locked {
				runSQL(t, other, `BEGIN IMMEDIATE`)
			}
			stored := killed(t, path, 200)
			if locked {
				runSQL(t, other, `ROLLBACK`)
			}
			o := options(t)
			o.Path = path
			closeLog(t, open(t, o))
			all, err := reader(t, path).List(context.Background(), Filter{})
			if err != nil || len(all) < stored || stored < 200 {
				t.Fatalf("%d records, %d were stored before the kill: %v", len(all), stored, err)
			}
			intact(t, path, len(all))
		})
	}
}
