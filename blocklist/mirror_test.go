package blocklist

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// scripted is a Store whose answers a test sets, in memory and in virtual time. Only Load and Watch
// are asked of it.
type scripted struct {
	Store
	mu       sync.Mutex
	entries  []Entry
	position Position
	changes  []Change // told by the next Watch
	gap      bool     // the next Watch tells ErrResync
	down     error    // given by every call
	loads    int
}

func (s *scripted) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *scripted) Load(_ context.Context, visit func(Entry) error) (Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return "", s.down
	}
	s.loads++
	s.gap, s.changes = false, nil
	for _, e := range s.entries {
		if err := visit(e); err != nil {
			return "", err
		}
	}
	return s.position, nil
}

func (s *scripted) Watch(ctx context.Context, after Position) ([]Change, Position, error) {
	pause(ctx, quiet)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.down != nil:
		return nil, after, s.down
	case s.gap || s.position != after:
		return nil, after, ErrResync
	}
	changes := s.changes
	s.changes = nil
	return changes, s.position, ctx.Err()
}

func TestMirrorRetriesGentlyAndKeepsItsList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := entry(t, call.ListBlock, "+861380")
		store := &scripted{entries: []Entry{a}, position: "1"}
		m, stop := run(t, store, MirrorOptions{})
		defer stop()
		<-m.Ready()
		version := m.Version()

		store.set(func() { store.down = errors.New("line 12: +8613800138000 is bad") })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s := m.State()
		if s.Connected || s.Error != "line 12: +861********00 is bad" || time.Since(s.Synced) < 9*time.Minute {
			t.Errorf("state of a lost store: %+v", s)
		}
		// Ten minutes at 2.5 to 5 s a try, and half a second a watch.
		if s.Failures < 90 || s.Failures > 250 {
			t.Errorf("%d tries in ten minutes", s.Failures)
		}
		if !listed(m, a.Pattern.Number)() || m.Version() != version {
			t.Error("the list was lost with the store")
		}

		b := entry(t, call.ListBlock, "+861390")
		store.set(func() { store.down, store.changes = nil, changesOf([]Entry{b}, nil, signature()) })
		time.Sleep(maxRetry + quiet)
		synctest.Wait()
		if s := m.State(); !s.Connected || s.Error != "" || s.Block != 2 || s.Changes != 1 || s.Resyncs != 1 {
			t.Errorf("state after the return: %+v", s)
		}
	})
}

func TestMirrorLoadsAnewAfterAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &scripted{entries: []Entry{entry(t, call.ListBlock, "+861")}, position: "1"}
		m, stop := run(t, store, MirrorOptions{})
		defer stop()
		<-m.Ready()
		store.set(func() {
			store.entries, store.gap, store.position = []Entry{entry(t, call.ListAllow, "+862")}, true, "2"
		})
		time.Sleep(2 * quiet)
		synctest.Wait()
		if s := m.State(); s.Resyncs != 2 || s.Block != 0 || s.Allow != 1 || s.Entries() != 1 {
			t.Errorf("state %+v", s)
		}
		m.Resync()
		m.Resync() // asked for twice, done once
		time.Sleep(2 * quiet)
		synctest.Wait()
		if s := m.State(); s.Resyncs != 3 {
			t.Errorf("%d loads, want 3", s.Resyncs)
		}
	})
}

// TestEmptyStoreDoesNotEmptyTheMirror: a store that came back without its data keeps screening on.
func TestEmptyStoreDoesNotEmptyTheMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := entry(t, call.ListBlock, "+861380")
		store := &scripted{entries: []Entry{a}, position: "1"}
		m, stop := run(t, store, MirrorOptions{})
		defer stop()
		<-m.Ready()
		store.set(func() { store.entries, store.position = nil, "" })
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := m.State(); s.Block != 1 || !s.Connected || !strings.Contains(s.Error, "this node has 1 entries") || store.loads != 2 {
			t.Errorf("state %+v after %d loads", s, store.loads)
		}
		store.set(func() { store.position = "2" }) // written to, and meant to be empty
		time.Sleep(2 * quiet)
		synctest.Wait()
		if s := m.State(); s.Block != 0 || s.Error != "" {
			t.Errorf("state %+v", s)
		}
	})
}

// TestMirrorAgreesWithNaiveModel follows random changes, gaps and losses of the store.
func TestMirrorAgreesWithNaiveModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 12).Draw(rt, "steps")
		entries := rapid.SliceOfN(rapid.Custom(genEntry), len(steps), len(steps)).Draw(rt, "entries")
		synctest.Test(t, func(t *testing.T) {
			store, model := &scripted{position: "1"}, naive{}
			m, stop := run(t, store, MirrorOptions{})
			defer stop()
			<-m.Ready()
			for i, step := range steps {
				e := entries[i]
				store.set(func() {
					switch step {
					case 0, 1:
						model[e.Key()] = e
						store.changes = changesOf([]Entry{e}, nil, signature())
					case 2:
						delete(model, e.Key())
						store.changes = changesOf(nil, []Entry{e}, signature())
					case 3: // changes that the stream no longer tells
						model[e.Key()] = e
						store.gap = true
					case 4:
						store.down = errors.New("away")
					}
					store.entries = nil
					for _, e := range model {
						store.entries = append(store.entries, e)
					}
				})
				time.Sleep(time.Second)
				store.set(func() { store.down = nil })
				time.Sleep(2 * maxRetry)
				synctest.Wait()
				at := day.Add(time.Duration(i*100) * time.Second)
				for _, other := range entries {
					if got, want := m.Lookup(other.Pattern.Number, at), model.lookup(other.Pattern.Number, at); got != want {
						t.Fatalf("step %d: Lookup(%s) = %+v, want %+v", i, other.Pattern, got, want)
					}
				}
				if fresh := NewMirror(nil, MirrorOptions{}); true {
					fresh.publish(model.fresh())
					if fresh.Version() != m.Version() {
						t.Fatalf("step %d: version %s, want %s", i, m.Version(), fresh.Version())
					}
				}
			}
		})
	})
}

func TestSnapshotGivesAListBeforeTheStoreAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirror")
	a, r := entry(t, call.ListBlock, "+8613800138000"), entry(t, call.ListBlock, "+8610123*")
	store := &scripted{entries: []Entry{a, r}, position: "1"}
	m, stop := run(t, store, MirrorOptions{Snapshot: path})
	<-m.Ready()
	stop()

	away := &scripted{down: errors.New("cannot be reached")}
	again := NewMirror(away, MirrorOptions{Snapshot: path, Log: quietLog()})
	if again.Version() != m.Version() || !listed(again, a.Pattern.Number)() || !listed(again, number(t, "+861012399"))() {
		t.Fatal("the list on disk is another")
	}
	if s := again.State(); s.Block != 2 || s.Snapshot.IsZero() || s.Connected {
		t.Errorf("state %+v", s)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	// With the store at the same position, nothing need be loaded.
	same := &scripted{entries: []Entry{a, r}, position: "1"}
	m, _ = run(t, same, MirrorOptions{Snapshot: path})
	<-m.Ready()
	if s := m.State(); s.Resyncs != 0 || s.Block != 2 {
		t.Errorf("state %+v", s)
	}
}

func TestDamagedSnapshotIsIgnoredAndReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirror")
	good, err := encodeSnapshot(million(t, 100), "1")
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)/2] ^= 1
	for name, data := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-1], "flipped": flipped, "other file": []byte(wholeFile), "head only": []byte(snapshotMark),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			m := NewMirror(&scripted{}, MirrorOptions{Snapshot: path, Log: quietLog()})
			if s := m.State(); s.Entries() != 0 || !strings.Contains(s.DiskError, path+": the snapshot of the lists is damaged") {
				t.Errorf("state %+v", s)
			}
		})
	}
}

// TestSnapshotIsWrittenAtABoundedRate: a list that changes all the time is not written all the time.
func TestSnapshotIsWrittenAtABoundedRate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirror")
	synctest.Test(t, func(t *testing.T) {
		store := &scripted{entries: []Entry{entry(t, call.ListBlock, "+861380")}, position: "1"}
		m, stop := run(t, store, MirrorOptions{Snapshot: path, SnapshotEvery: time.Minute})
		<-m.Ready()
		written := map[time.Time]bool{}
		for i := range 100 {
			e := entry(t, call.ListBlock, "+86")
			e.Pattern.Number = mobile(i)
			store.set(func() { store.changes = changesOf([]Entry{e}, nil, signature()) })
			time.Sleep(2 * time.Second)
			written[m.State().Snapshot] = true
		}
		if len(written) < 3 || len(written) > 6 {
			t.Errorf("%d snapshots in 200 s", len(written))
		}
		stop()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if x, _, err := decodeSnapshot(data); err != nil || x.size() != 101 {
			t.Errorf("the last snapshot: %v", err)
		}
	})
}

func TestSnapshotThatCannotBeWrittenIsReported(t *testing.T) {
	store := &scripted{entries: []Entry{entry(t, call.ListBlock, "+861")}, position: "1"}
	m, stop := run(t, store, MirrorOptions{Snapshot: filepath.Join(t.TempDir(), "no", "dir", "mirror")})
	<-m.Ready()
	stop()
	if s := m.State(); s.DiskError == "" || s.Block != 1 || s.Error != "" {
		t.Errorf("state %+v", s)
	}
}
