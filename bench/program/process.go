//go:build linux

// Package program runs the programs that benchmarks compare: it installs them, starts and stops them, and
// reads what they use of the machine.
package program

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a program that this one started.
type Process struct {
	name string
	cmd  *exec.Cmd
	Log  string // file of its output
	done chan struct{}
}

// Start starts a program in the folder scratch, where its output goes to NAME.log. It dies with this one.
func Start(scratch, name string, command ...string) (*Process, error) {
	p := &Process{name: name, cmd: exec.Command(command[0], command[1:]...), Log: filepath.Join(scratch, name+".log"), done: make(chan struct{})}
	output, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = output, output, scratch
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended does not matter: it was told to
		close(p.done)
	}()
	return p, nil
}

// Stop ends the program and what it started: politely, then by force.
func (p *Process) Stop() {
	tree := p.tree()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		for _, pid := range tree {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-p.done
	}
}

// Ended reports whether the program has ended, and shows why.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.Log)
		return fmt.Errorf("%s ended:\n%s", p.name, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

// tree lists the program and its descendants.
func (p *Process) tree() []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended since
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		// PID (NAME) STATE PARENT ...: only the name can hold spaces and parentheses.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(string(fields[1]))
			children[parent] = append(children[parent], pid)
		}
	}
	tree := []int{p.cmd.Process.Pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}

// CPU is the processor time, of user and system, that the tree has used. It is read from each process's
// CPU clock: what /proc/PID/stat shows as utime and stime, in nanoseconds instead of hundredths.
func (p *Process) CPU() (time.Duration, error) {
	total := time.Duration(0)
	for _, pid := range p.tree() {
		const schedClock = 2 // CPUCLOCK_SCHED, see clock_getcpuclockid(3)
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|schedClock), &t); err != nil {
			return 0, fmt.Errorf("CPU time of %s (process %d): %w", p.name, pid, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// Memory is what the tree holds of the machine's memory, in bytes. Each page that several processes
// share counts once (the sum of their PSS).
func (p *Process) Memory() (int64, error) {
	total := int64(0)
	for _, pid := range p.tree() {
		kilobytes, err := pss(pid)
		if err != nil {
			return 0, fmt.Errorf("memory of %s: %w", p.name, err)
		}
		total += kilobytes << 10
	}
	return total, nil
}

func pss(pid int) (kilobytes int64, err error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if rest, ok := strings.CutPrefix(scanner.Text(), "Pss:"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("%s has no Pss", file.Name()), scanner.Err())
}
