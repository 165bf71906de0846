//go:build e2e

package blocklist

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"ringfence/call"
)

// server is a real redis-server of this test, on a Unix socket and on a loopback port.
type server struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

func startRedis(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("this test drives a real Redis, which is not installed; run: sudo apt-get install --no-install-recommends redis-server")
	}
	// Not t.TempDir: its path can be longer than the 107 bytes of a socket's.
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: dir, port: port, args: args}
	t.Cleanup(func() {
		s.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	s.start()
	return s
}

func (s *server) socket() string { return filepath.Join(s.dir, "redis.sock") }

func (s *server) urls() map[string]string {
	return map[string]string{"tcp": fmt.Sprintf("redis://127.0.0.1:%d", s.port), "unix": "unix://" + s.socket()}
}

func (s *server) start() {
	s.t.Helper()
	args := append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--unixsocket", s.socket(), "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no",
	}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	client := s.client()
	eventually(s.t, "redis-server answers", func() bool { return client.Ping(s.t.Context()).Err() == nil })
}

// stop ends the server as a crash does: nothing but what it has on disk stays.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		s.t.Errorf("kill redis-server: %v", err)
	}
	_ = s.cmd.Wait() // "signal: killed" is what was asked for
	s.cmd = nil
}

func (s *server) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (s *server) open(t *testing.T) Store { return mustOpen(t, s.urls()["unix"], Options{}) }

func TestRealRedisStores(t *testing.T) {
	s := startRedis(t)
	for name, url := range s.urls() {
		t.Run(name, func(t *testing.T) {
			testStore(t, func() Store { return mustOpen(t, url, Options{Prefix: name + ":"}) })
		})
	}
}

// TestRealRedisChangeTakesEffectAtOnce: two processes, one changes and the other's calls see it.
func TestRealRedisChangeTakesEffectAtOnce(t *testing.T) {
	s := startRedis(t)
	m, _ := run(t, s.open(t), MirrorOptions{})
	<-m.Ready()
	writer := s.open(t)
	var took []time.Duration
	for i := range 50 {
		e := entry(t, call.ListBlock, "+86")
		e.Pattern.Number = mobile(i)
		began := time.Now()
		put(t, writer, e)
		eventually(t, "the entry is listed", listed(m, mobile(i)))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("from Put to Lookup: median %v, longest %v", took[25], took[49])
	if took[49] > time.Second {
		t.Errorf("the longest took %v", took[49])
	}
	if s := m.State(); s.Resyncs > 2 || s.Changes < 49 {
		t.Errorf("changes were not followed one by one: %+v", s)
	}
}

// TestRealRedisVanishesAndReturns: the mirror goes on, and catches up without a full load.
func TestRealRedisVanishesAndReturns(t *testing.T) {
	s := startRedis(t)
	writer := s.open(t)
	a, b := entry(t, call.ListBlock, "+861380"), entry(t, call.ListBlock, "+861390")
	put(t, writer, a)
	m, _ := run(t, s.open(t), MirrorOptions{})
	<-m.Ready()
	s.stop()
	eventually(t, "the loss is noticed", func() bool { return !m.State().Connected })
	if !listed(m, a.Pattern.Number)() {
		t.Fatal("the list was lost with the store")
	}
	if err := writer.Put(t.Context(), []Entry{b}, signature()); err == nil {
		t.Fatal("Put to a stopped server gave no error")
	}
	s.start()
	put(t, writer, b)
	eventually(t, "b is listed", listed(m, b.Pattern.Number))
	if s := m.State(); s.Resyncs != 1 || !s.Connected || s.Error != "" {
		t.Errorf("state %+v", s)
	}
}

// TestRealRedisThatHangs: a server that is there and does not answer is noticed by time limits.
func TestRealRedisThatHangs(t *testing.T) {
	s := startRedis(t)
	a := entry(t, call.ListBlock, "+861380")
	store := mustOpen(t, s.urls()["unix"]+"?read_timeout=200ms&dial_timeout=200ms", Options{})
	put(t, store, a)
	m, _ := run(t, store, MirrorOptions{})
	<-m.Ready()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	took := eventually(t, "the hang is noticed", func() bool { return !m.State().Connected })
	t.Logf("noticed after %v", took)
	if !listed(m, a.Pattern.Number)() {
		t.Error("the list was lost with the store")
	}
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the return is noticed", func() bool { return m.State().Connected })
}

// TestRealRedisGap: while the node is away, more changes than the stream keeps.
func TestRealRedisGap(t *testing.T) {
	s := startRedis(t)
	writer := s.open(t)
	path := filepath.Join(t.TempDir(), "mirror")
	a := entry(t, call.ListBlock, "+861380")
	put(t, writer, a)
	m, stop := run(t, s.open(t), MirrorOptions{Snapshot: path})
	<-m.Ready()
	stop()
	if _, err := writer.Remove(t.Context(), []Key{a.Key()}, signature()); err != nil {
		t.Fatal(err)
	}
	for batch := range 2 * streamLimit / bulkLimit {
		entries := make([]Entry, bulkLimit)
		for i := range entries {
			entries[i] = a
			entries[i].Pattern.Number = mobile(batch*bulkLimit + i)
		}
		put(t, writer, entries...)
	}
	length, err := s.client().XLen(t.Context(), "ringfence:changes").Result()
	if err != nil || length > streamLimit+1000 {
		t.Fatalf("the stream has %d changes, %v", length, err)
	}
	m, _ = run(t, s.open(t), MirrorOptions{Snapshot: path})
	<-m.Ready()
	if s := m.State(); s.Resyncs != 1 || s.Block != 2*streamLimit || s.Changes != 0 {
		t.Errorf("state %+v", s)
	}
	if listed(m, a.Pattern.Number)() {
		t.Error("an entry removed during the gap is still listed")
	}
}

// TestRealRedisLosesItsData: restarted empty, the node's list stays; written to again, it is the
// store's that counts.
func TestRealRedisLosesItsData(t *testing.T) {
	s := startRedis(t)
	writer := s.open(t)
	a, b := entry(t, call.ListBlock, "+861380"), entry(t, call.ListBlock, "+861390")
	put(t, writer, a)
	m, _ := run(t, s.open(t), MirrorOptions{})
	<-m.Ready()
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	s.start()
	eventually(t, "the loss is reported", func() bool { return strings.Contains(m.State().Error, "empty, as if new") })
	if !listed(m, a.Pattern.Number)() {
		t.Fatal("the list was lost with the store's data")
	}
	put(t, writer, b)
	eventually(t, "b is listed", listed(m, b.Pattern.Number))
	if listed(m, a.Pattern.Number)() || m.State().Error != "" {
		t.Errorf("state %+v", m.State())
	}
}

// TestRealRedisRestoredToAnOlderState: same generation, and our last change was never made.
func TestRealRedisRestoredToAnOlderState(t *testing.T) {
	s := startRedis(t)
	writer := s.open(t)
	a, b := entry(t, call.ListBlock, "+861380"), entry(t, call.ListBlock, "+861390")
	put(t, writer, a)
	s.stop()
	backup := filepath.Join(s.dir, "backup")
	if err := os.CopyFS(backup, os.DirFS(filepath.Join(s.dir, "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	s.start()
	m, _ := run(t, s.open(t), MirrorOptions{})
	<-m.Ready()
	put(t, writer, b)
	eventually(t, "b is listed", listed(m, b.Pattern.Number))
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(backup, filepath.Join(s.dir, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	s.start()
	eventually(t, "b is not listed", unlisted(m, b.Pattern.Number))
	if !listed(m, a.Pattern.Number)() {
		t.Error("a is not listed")
	}
}

// TestRealRedisNodesAgree: two nodes, one that followed the changes and one that loaded, have the
// same version.
func TestRealRedisNodesAgree(t *testing.T) {
	s := startRedis(t)
	writer := s.open(t)
	follower, _ := run(t, s.open(t), MirrorOptions{})
	<-follower.Ready()
	for i := range 300 {
		e := entry(t, call.List(i%3), "+86")
		e.Pattern.Number, e.Pattern.Range = mobile(i%100), i%7 == 0
		e.Score = uint8(i % 100)
		put(t, writer, e)
		if i%5 == 0 {
			if _, err := writer.Remove(t.Context(), []Key{e.Key()}, signature()); err != nil {
				t.Fatal(err)
			}
		}
	}
	loader, _ := run(t, s.open(t), MirrorOptions{})
	<-loader.Ready()
	eventually(t, "the versions agree", func() bool { return follower.Version() == loader.Version() })
	want, _ := contents(t, writer)
	if got := loader.State(); got.Entries() != len(want) {
		t.Errorf("%d entries, want %d", got.Entries(), len(want))
	}
}

// TestRealRedisLargeList writes and loads many entries, and asks the server what loading cost it.
func TestRealRedisLargeList(t *testing.T) {
	s := startRedis(t, "--appendfsync", "no")
	store := s.open(t)
	const total = 300_000
	entries := make([]Entry, total)
	e := entry(t, call.ListBlock, "+86")
	e.Source = call.SourceFeed
	for i := range entries {
		e.Pattern.Number = mobile(i)
		entries[i] = e
	}
	began := time.Now()
	put(t, store, entries...)
	t.Logf("Put of %d entries: %v", total, time.Since(began))

	began = time.Now()
	m, _ := run(t, store, MirrorOptions{})
	<-m.Ready()
	state := m.State()
	t.Logf("load: %v, %d entries, %.1f bytes an entry", time.Since(began), state.Entries(), float64(state.Bytes)/total)
	if state.Entries() != total {
		t.Errorf("%d entries", state.Entries())
	}
	stats, err := s.client().InfoMap(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	var calls, usec int
	if _, err := fmt.Sscanf(stats["Commandstats"]["cmdstat_hscan"], "calls=%d,usec=%d", &calls, &usec); err != nil {
		t.Fatalf("%v: %v", err, stats)
	}
	t.Logf("HSCAN: %d calls, %d µs each", calls, usec/calls)
	if calls < total/scanCount/2 || usec/calls > 20_000 {
		t.Error("loading kept Redis from others")
	}
}

// TestRealRedisReportsFromManyNodes: nodes report at once; every report counts, none twice, and all
// nodes come to see one score.
func TestRealRedisReportsFromManyNodes(t *testing.T) {
	s := startRedis(t)
	const nodes, people = 4, 8
	var wg sync.WaitGroup
	for node := range nodes {
		store := s.open(t)
		wg.Go(func() {
			for i := range people {
				r := reportOf(t, suspect, (i+node)%people, day) // every node tells of every person
				for {
					_, err := store.Report(t.Context(), r, usual)
					if err == nil {
						break
					}
					if !strings.Contains(err.Error(), "other writers came between") {
						t.Errorf("Report: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	store := s.open(t)
	e, _ := reported(t, store, suspect)
	if want := usual.Score(slices.Repeat([]time.Time{day}, people), day); e.Score != want {
		t.Errorf("entry %+v, want score %d", e, want)
	}
	changes, err := store.History(t.Context(), 100)
	if err != nil || len(changes) != people {
		t.Errorf("%d changes for %d reports, %v", len(changes), people, err)
	}
	spent, err := s.client().Get(t.Context(), "ringfence:reporter:"+person(0)+":20261123").Int()
	if err != nil || spent != 1 {
		t.Errorf("a person spent %d reports, %v", spent, err)
	}
}

// TestRealRedisReportTakesEffectAtOnce: one node takes a report, and the calls of another see it.
func TestRealRedisReportTakesEffectAtOnce(t *testing.T) {
	s := startRedis(t)
	m, _ := run(t, s.open(t), MirrorOptions{})
	<-m.Ready()
	node := s.open(t)
	var took []time.Duration
	for i := range 20 {
		r := reportOf(t, suspect, i, time.Now())
		r.Number = mobile(i)
		began := time.Now()
		mustReport(t, node, r, OutcomeCounted)
		eventually(t, "the number is watched", func() bool { return m.Lookup(r.Number, time.Now()).Watch.Score == usual.Weight })
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("from Report to Lookup: median %v, longest %v", took[10], took[19])
	if took[19] > time.Second {
		t.Errorf("the longest took %v", took[19])
	}
}
