package console

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on loopback and returns its address and what ends it: the error of Run.
func start(t *testing.T, h http.Handler) (address string, stop func() error) {
	t.Helper()
	s, err := Listen("127.0.0.1:0", h, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

// A request that is being answered when the server is told to stop is answered.
func TestServerStopsGracefully(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	address, stop := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "answered")
	}))
	answer := make(chan string, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		response, err := client.Get("http://" + address)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answer <- string(body)
	}()
	<-entered
	time.AfterFunc(50*time.Millisecond, func() { close(leave) })
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := <-answer; got != "answered" {
		t.Errorf("got %q", got)
	}
}

func TestServerAddressTaken(t *testing.T) {
	address, stop := start(t, http.NotFoundHandler())
	if _, err := Listen(address, http.NotFoundHandler(), nil); err == nil || !strings.Contains(err.Error(), "admin listener") {
		t.Errorf("got %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A client beyond the places waits until one is free, and a full house can be shut.
func TestServerBoundsConnections(t *testing.T) {
	address, stop := start(t, newConsole(t, Options{}))
	conns := make([]net.Conn, maxConnections+1)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	last := conns[maxConnections]
	if _, err := io.WriteString(last, "GET /healthz HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = last.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := last.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes for one client too many", n)
	}
	_ = conns[0].Close()
	_ = last.SetReadDeadline(time.Now().Add(10 * time.Second))
	if body, err := io.ReadAll(last); err != nil || !strings.HasSuffix(string(body), "ok\n") {
		t.Errorf("after a place was free: %q, %v", body, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServerBoundsHeaders(t *testing.T) {
	address, stop := start(t, newConsole(t, Options{}))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")
	line := make([]byte, 12)
	if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 431" {
		t.Errorf("got %q, %v", line, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
