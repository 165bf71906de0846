package blocklist

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"ringfence/call"
)

// newStore opens the same home again at each call.
type newStore func() Store

func homes(t *testing.T) map[string]func(t *testing.T) newStore {
	return map[string]func(t *testing.T) newStore{
		"file": func(t *testing.T) newStore {
			path := filepath.Join(t.TempDir(), "lists.tsv")
			return func() Store { return mustOpen(t, "file:"+path, Options{}) }
		},
		"redis": func(t *testing.T) newStore {
			server := miniredis.RunT(t)
			return func() Store { return mustOpen(t, "redis://"+server.Addr(), Options{}) }
		},
	}
}

func mustOpen(t testing.TB, url string, o Options) Store {
	t.Helper()
	store, err := Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

func TestStores(t *testing.T) {
	for name, home := range homes(t) {
		t.Run(name, func(t *testing.T) { testStore(t, home(t)) })
	}
}

// contents loads the whole list.
func contents(t testing.TB, store Store) (map[Key]Entry, Position) {
	t.Helper()
	entries := map[Key]Entry{}
	position, err := store.Load(t.Context(), func(e Entry) error {
		entries[e.Key()] = e
		return nil
	})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return entries, position
}

func put(t testing.TB, store Store, entries ...Entry) {
	t.Helper()
	if err := store.Put(t.Context(), entries, signature()); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

// testStore is what every home of a Store must do.
func testStore(t *testing.T, open newStore) {
	ctx := t.Context()
	store, other := open(), open()

	if entries, position := contents(t, store); len(entries) != 0 || position != "" {
		t.Fatalf("a new store has %d entries and position %q", len(entries), position)
	}
	a := entry(t, call.ListBlock, "+8613800138000")
	a.Expires = day.AddDate(0, 3, 0)
	feed := a
	feed.Source, feed.Score, feed.Author = call.SourceFeed, 10, "weekly"
	r := entry(t, call.ListAllow, "+8610123*")
	put(t, store, a, feed, r)

	// The other process sees all of it, the staff entry beside the feed's.
	want := map[Key]Entry{a.Key(): a, feed.Key(): feed, r.Key(): r}
	entries, position := contents(t, other)
	if !maps.Equal(entries, want) || position == "" {
		t.Fatalf("the other store has %v at %q, want %v", entries, position, want)
	}
	got, err := other.Get(ctx, []Key{feed.Key(), {call.ListWatch, a.Pattern, call.SourceStaff}, r.Key()})
	slices.SortFunc(got, Compare)
	if err != nil || !slices.Equal(got, []Entry{r, feed}) {
		t.Fatalf("Get = %v, %v", got, err)
	}

	// All or nothing: a bad entry spoils its batch, and so does one that stands there twice.
	good, bad := entry(t, call.ListWatch, "+861"), entry(t, call.ListWatch, "+862")
	bad.Reason = ""
	for _, batch := range [][]Entry{{good, bad}, {good, good}} {
		if err := store.Put(ctx, batch, signature()); !errors.Is(err, ErrEntry) {
			t.Fatalf("Put(bad batch) = %v, want ErrEntry", err)
		}
	}
	if err := store.Put(ctx, []Entry{good}, Signature{Author: "wang", Time: day}); !errors.Is(err, ErrEntry) {
		t.Fatalf("Put without a reason = %v, want ErrEntry", err)
	}
	if entries, _ := contents(t, other); !maps.Equal(entries, want) {
		t.Fatalf("after refused batches there is %v", entries)
	}

	// Removal gives the entry as it was; what is not there is passed over, and records nothing.
	gone, err := store.Remove(ctx, []Key{a.Key(), good.Key()}, Signature{"li", "appeal upheld", day.Add(time.Hour)})
	if err != nil || !slices.Equal(gone, []Entry{a}) {
		t.Fatalf("Remove = %v, %v", gone, err)
	}
	if gone, err := store.Remove(ctx, []Key{a.Key()}, signature()); err != nil || len(gone) != 0 {
		t.Fatalf("second Remove = %v, %v", gone, err)
	}

	// A feed that is read again: one entry says the same, one is new, one is gone.
	stays, news := feed, feed
	stays.Added = day.AddDate(0, 0, 7)
	news.Pattern = pattern(t, "+8613900139000")
	put(t, store, func() Entry { e := feed; e.Pattern = pattern(t, "+861777"); return e }())
	done, err := store.Replace(ctx, call.SourceFeed, []Entry{stays, news}, Signature{"cron", "weekly", day.Add(2 * time.Hour)})
	if err != nil || done != (Replaced{Added: 1, Removed: 1, Kept: 1}) {
		t.Fatalf("Replace = %+v, %v", done, err)
	}
	want = map[Key]Entry{feed.Key(): feed, news.Key(): news, r.Key(): r}
	if entries, _ := contents(t, other); !maps.Equal(entries, want) {
		t.Fatalf("after Replace there is %v, want %v", entries, want)
	}
	if _, err := store.Replace(ctx, call.SourceFeed, []Entry{r}, signature()); !errors.Is(err, ErrEntry) {
		t.Fatalf("Replace with an entry of staff = %v, want ErrEntry", err)
	}

	history, err := other.History(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range history {
		lines = append(lines, strings.Join([]string{string(c.Op), c.Author, c.Reason, c.Entry.Key().String()}, "|"))
	}
	wantLines := []string{
		"add|cron|weekly|block +8613900139000 feed", "remove|cron|weekly|block +861777 feed",
		"add|wang|test|block +861777 feed", "remove|li|appeal upheld|block +8613800138000 staff",
		"add|wang|test|allow +8610123* staff", "add|wang|test|block +8613800138000 feed", "add|wang|test|block +8613800138000 staff",
	}
	if !slices.Equal(lines, wantLines) {
		t.Fatalf("History:\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(wantLines, "\n"))
	}
	if history, err := other.History(ctx, 2); err != nil || len(history) != 2 || history[0].Author != "cron" {
		t.Fatalf("History(2) = %v, %v", history, err)
	}
}

// TestBulkIsOneLineOfHistory puts more than is recorded one by one.
func TestBulkIsOneLineOfHistory(t *testing.T) {
	for name, home := range homes(t) {
		t.Run(name, func(t *testing.T) {
			store := home(t)()
			entries := make([]Entry, bulkLimit+1)
			for i := range entries {
				entries[i] = entry(t, call.ListBlock, "+86")
				entries[i].Pattern.Number = mobile(i)
			}
			put(t, store, entries...)
			if loaded, _ := contents(t, store); len(loaded) != len(entries) {
				t.Fatalf("%d entries, want %d", len(loaded), len(entries))
			}
			history, err := store.History(t.Context(), 10)
			if err != nil || len(history) != 1 || history[0].Op != OpBulk || history[0].Added != len(entries) {
				t.Fatalf("History = %+v, %v", history, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                             "is not a scheme known here",
		"lists.tsv":                    "is not a scheme known here",
		"file:":                        "has no path",
		"mysql://localhost":            "is not a scheme known here",
		"redis://u:secret@h:1/2/3":     "list store",
		"redis://:secret@host:bad/0":   "list store",
		"redis://host/0?no_such_key=1": "no_such_key",
	} {
		store, err := Open(url, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, %v; want an error with %q and no password", url, store, err, want)
		}
	}
}

func quietLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// run runs a mirror of the store until the test ends or stop is called, whichever is first.
func run(t testing.TB, store Store, o MirrorOptions) (m *Mirror, stop func()) {
	t.Helper()
	o.Log = quietLog()
	m = NewMirror(store, o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		m.Run(ctx)
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return m, stop
}

// eventually waits until is holds, and tells how long that took.
func eventually(t testing.TB, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited 20 s in vain until %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func listed(m *Mirror, n call.Number) func() bool {
	return func() bool { return m.Lookup(n, day).Block.Pattern != call.Pattern{} }
}

func unlisted(m *Mirror, n call.Number) func() bool {
	is := listed(m, n)
	return func() bool { return !is() }
}
