//go:build e2e

// Package e2e_test runs the real binary against SIP peers that share no code with it: sipp, baresip
// and the stand-ins, with the lists in a real Redis. Everything listens on loopback, at ports chosen
// when the test runs, and is ended by the test that started it.
package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packages names, for each program that the tests drive, the Debian package it is in.
var packages = []struct{ program, name string }{
	{"sipp", "sip-tester"},
	{"baresip", "baresip-core"},
	{"redis-server", "redis-server"},
}

// executable is the gateway, built once for all tests.
var executable string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var missing []string
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "The end-to-end tests drive programs that are not installed here. On Debian or Ubuntu run:\n"+
			"    sudo apt-get install --no-install-recommends %s\n", strings.Join(missing, " "))
		return 1
	}
	dir, err := os.MkdirTemp("", "ringfence-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	executable = filepath.Join(dir, "ringfence")
	if out, err := exec.Command("go", "build", "-o", executable, "ringfence/cmd/ringfence").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// freePort returns a port that is free on ip for UDP and TCP. It is below those that the system gives
// to outgoing connections (32768 and up), so that it is still free when a program binds it.
func freePort(t *testing.T, ip string) int {
	t.Helper()
	for range 100 {
		port := 16384 + rand.IntN(16384)
		udp, err := net.ListenPacket("udp", address(ip, port))
		if err != nil {
			continue
		}
		tcp, err := net.Listen("tcp", address(ip, port))
		udp.Close()
		if err == nil {
			tcp.Close()
			return port
		}
	}
	t.Fatalf("no port of %s is free for both UDP and TCP", ip)
	return 0
}

func address(ip string, port int) string { return net.JoinHostPort(ip, fmt.Sprint(port)) }

// eventually waits for a condition, and fails the test when it does not come true in time.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// ringfence runs a command of the binary to its end and returns its standard output.
func ringfence(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, executable, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ringfence %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// write makes a file of a test.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
