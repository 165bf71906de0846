//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that a test started. It is ended with the test, if it has not ended before.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of its end, once done is closed

	mu     sync.Mutex
	output []byte
}

// maxOutput bounds what is kept of a program's output: its last part.
const maxOutput = 1 << 20

// Write takes the program's output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output = append(p.output, b...)
	p.output = p.output[max(0, len(p.output)-maxOutput):]
	return len(b), nil
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.output)
}

// start starts a program. Its output is shown if the test fails.
func start(t *testing.T, name string, command ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.Dir = t.TempDir() // where some leave their files
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			text := p.text()
			t.Logf("output of %s ended with:\n%s", name, text[max(0, len(text)-6000):])
		}
	})
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("%s: %v", p.name, err)
	}
}

// stop ends the program: politely, then by force.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.signal(t, os.Kill)
		<-p.done
	}
}

// wait waits for the program to end by itself; any exit code but 0 fails the test.
func (p *process) wait(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-p.done:
		if p.err != nil {
			t.Errorf("%s: %v", p.name, p.err)
		}
	case <-time.After(within):
		t.Fatalf("%s did not end within %s", p.name, within)
	}
}

// says waits until the program's output contains a text.
func (p *process) says(t *testing.T, within time.Duration, text string) {
	t.Helper()
	eventually(t, within, p.name+" says "+text, func() bool { return strings.Contains(p.text(), text) })
}
