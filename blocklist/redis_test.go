package blocklist

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"ringfence/call"
)

func TestMirrorFollowsRedis(t *testing.T) {
	server := miniredis.RunT(t)
	url := "redis://" + server.Addr()
	m, _ := run(t, mustOpen(t, url, Options{}), MirrorOptions{})
	<-m.Ready()
	a := entry(t, call.ListBlock, "+8613800138000")
	writer := mustOpen(t, url, Options{})
	put(t, writer, a)
	eventually(t, "a is listed", listed(m, a.Pattern.Number))
	if _, err := writer.Remove(t.Context(), []Key{a.Key()}, signature()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is not listed", unlisted(m, a.Pattern.Number))
}

func TestRedisPrefixesKeepListsApart(t *testing.T) {
	server := miniredis.RunT(t)
	url := "redis://" + server.Addr()
	put(t, mustOpen(t, url, Options{Prefix: "a:"}), entry(t, call.ListBlock, "+861"))
	if entries, _ := contents(t, mustOpen(t, url, Options{Prefix: "b:"})); len(entries) != 0 {
		t.Fatalf("%v", entries)
	}
	for _, key := range []string{"a:entries", "a:changes", "a:generation"} {
		if !server.Exists(key) {
			t.Errorf("there is no key %s", key)
		}
	}
}

func TestRedisPasswordFileIsReadAtEachConnection(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireAuth("first")
	path := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	store := mustOpen(t, "redis://"+server.Addr(), Options{PasswordFile: path})
	err := store.Put(t.Context(), []Entry{entry(t, call.ListBlock, "+861")}, signature())
	if err == nil || strings.Contains(err.Error(), "wrong\n") || !strings.Contains(err.Error(), server.Addr()) {
		t.Fatalf("Put with a wrong password = %v", err)
	}
	write("first")
	put(t, store, entry(t, call.ListBlock, "+861"))
}

func TestRedisThatIsAwayIsNamedInTheError(t *testing.T) {
	server := miniredis.RunT(t)
	addr := server.Addr()
	server.Close()
	store := mustOpen(t, "redis://:secret@"+addr, Options{})
	_, err := store.Load(t.Context(), func(Entry) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "list store "+addr+" cannot be reached") || strings.Contains(err.Error(), "secret") {
		t.Fatalf("Load = %v", err)
	}
}

func TestRedisWithForeignContentIsRefusedAsAWhole(t *testing.T) {
	for name, spoil := range map[string]func(*miniredis.Miniredis){
		"foreign entry": func(s *miniredis.Miniredis) { s.HSet("ringfence:entries", "x", "y") },
		"entry misplaced": func(s *miniredis.Miniredis) {
			s.HSet("ringfence:entries", "x", s.HGet("ringfence:entries", "block +861 staff"))
		},
		"other format":   func(s *miniredis.Miniredis) { _ = s.Set("ringfence:generation", "2-ABC") },
		"stream missing": func(s *miniredis.Miniredis) { s.Del("ringfence:changes") },
		"other type":     func(s *miniredis.Miniredis) { s.Del("ringfence:entries"); _ = s.Set("ringfence:entries", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			store := mustOpen(t, "redis://"+server.Addr(), Options{})
			put(t, store, entry(t, call.ListBlock, "+861"))
			spoil(server)
			if _, err := store.Load(t.Context(), func(Entry) error { return nil }); err == nil || !strings.Contains(err.Error(), server.Addr()) {
				t.Fatalf("Load = %v", err)
			}
		})
	}
}

func TestRedisWatch(t *testing.T) {
	a, b := entry(t, call.ListBlock, "+861"), entry(t, call.ListBlock, "+862")
	for name, c := range map[string]struct {
		change func(*testing.T, *miniredis.Miniredis, Store)
		resync bool
		told   int
	}{
		"nothing":    {func(*testing.T, *miniredis.Miniredis, Store) {}, false, 0},
		"one change": {func(t *testing.T, _ *miniredis.Miniredis, s Store) { put(t, s, b) }, false, 1},
		"trimmed past us": {func(t *testing.T, m *miniredis.Miniredis, s Store) {
			put(t, s, b)
			put(t, s, a)
			trim(t, m, 1)
		}, true, 0},
		"emptied":                   {func(_ *testing.T, m *miniredis.Miniredis, _ Store) { m.FlushAll() }, true, 0},
		"emptied and written again": {func(t *testing.T, m *miniredis.Miniredis, s Store) { m.FlushAll(); put(t, s, b) }, true, 0},
		"restored without our last": {func(t *testing.T, m *miniredis.Miniredis, s Store) {
			trim(t, m, 0)
			// Else the next change could have the id of the last: this server forgets ids, unlike Redis.
			m.SetTime(time.Now().Add(time.Second))
			put(t, s, b)
		}, true, 0},
		"bulk": {func(t *testing.T, _ *miniredis.Miniredis, s Store) {
			batch := make([]Entry, bulkLimit+1)
			for i := range batch {
				batch[i] = a
				batch[i].Pattern.Number = mobile(i)
			}
			put(t, s, batch...)
		}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			store := mustOpen(t, "redis://"+server.Addr(), Options{})
			put(t, store, a)
			_, position := contents(t, store)
			c.change(t, server, store)
			changes, next, err := store.Watch(t.Context(), position)
			if errors.Is(err, ErrResync) != c.resync || err != nil && !c.resync || len(changes) != c.told {
				t.Fatalf("Watch = %v, %v", changes, err)
			}
			if (next != position) != (c.told > 0) {
				t.Errorf("position %q after %q", next, position)
			}
		})
	}
}

// trim cuts the stream of changes to its last entries.
func trim(t *testing.T, m *miniredis.Miniredis, keep int) {
	t.Helper()
	stream, err := m.Stream("ringfence:changes")
	if err != nil {
		t.Fatal(err)
	}
	m.Del("ringfence:changes")
	for _, e := range stream[len(stream)-keep:] {
		if _, err := m.XAdd("ringfence:changes", e.ID, e.Values); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedisWatchOfANewStore(t *testing.T) {
	server := miniredis.RunT(t)
	store := mustOpen(t, "redis://"+server.Addr(), Options{})
	if changes, next, err := store.Watch(t.Context(), ""); err != nil || len(changes) != 0 || next != "" {
		t.Fatalf("Watch = %v, %q, %v", changes, next, err)
	}
	put(t, store, entry(t, call.ListBlock, "+861"))
	if _, _, err := store.Watch(t.Context(), ""); !errors.Is(err, ErrResync) {
		t.Fatalf("Watch = %v, want ErrResync", err)
	}
}

func TestRedisEndsWithItsContext(t *testing.T) {
	server := miniredis.RunT(t)
	store := mustOpen(t, "redis://"+server.Addr(), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, _, err := store.Watch(ctx, ""); !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Fatalf("Watch = %v after %v", err, time.Since(began))
	}
}
