package blocklist

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// naive is the list as its definition has it: what the index must agree with.
type naive map[Key]Entry

func (l naive) lookup(n call.Number, at time.Time) (found call.Listings) {
	for list, to := range map[call.List]*call.Listing{
		call.ListAllow: &found.Allow, call.ListBlock: &found.Block, call.ListWatch: &found.Watch,
	} {
		var best *Entry
		for _, e := range slices.SortedFunc(maps.Values(l), Compare) {
			if e.List != list || !e.Pattern.Covers(n) || e.Expired(at) {
				continue
			}
			if best == nil || beats(&e, best) {
				best = &e
			}
		}
		if best != nil {
			*to = call.Listing{Pattern: best.Pattern, Category: best.Category, Score: best.Score, Source: best.Source}
		}
	}
	return found
}

// beats compares two entries on one list: the longer match, then the source, then the number itself.
func beats(a, b *Entry) bool {
	if la, lb := a.Pattern.Number.Len(), b.Pattern.Number.Len(); la != lb {
		return la > lb
	}
	if a.Source != b.Source {
		return a.Source < b.Source
	}
	return !a.Pattern.Range && b.Pattern.Range
}

func (l naive) fresh() *index {
	x := newIndex(0)
	for _, e := range l {
		x.put(e.Pattern, packEntry(&e))
	}
	return x
}

// TestIndexAgreesWithNaiveModel adds, changes, removes and expires entries at random.
func TestIndexAgreesWithNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model, x := naive{}, newIndex(0)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := genEntry(t)
				model[e.Key()] = e
				x.put(e.Pattern, packEntry(&e))
			},
			"remove": func(t *rapid.T) {
				var key Key
				if known := slices.SortedFunc(maps.Values(model), Compare); len(known) > 0 && rapid.Bool().Draw(t, "known") {
					e := rapid.SampledFrom(known).Draw(t, "entry")
					key = e.Key()
				} else {
					e := genEntry(t)
					key = e.Key()
				}
				delete(model, key)
				x.remove(key)
			},
			"snapshot": func(t *rapid.T) {
				data, err := encodeSnapshot(x, "p")
				if err != nil {
					t.Fatal(err)
				}
				y, position, err := decodeSnapshot(data)
				if err != nil || position != "p" {
					t.Fatalf("decodeSnapshot: %q, %v", position, err)
				}
				x = y
			},
			"": func(t *rapid.T) {
				digits := rapid.StringMatching(`[12]{1,7}`).Draw(t, "looked up")
				n, _ := call.Global(digits)
				if rapid.Bool().Draw(t, "local") {
					n, _ = call.Local(digits)
				}
				at := day.Add(time.Duration(rapid.IntRange(-1, 2001).Draw(t, "at")) * time.Second)
				if got, want := x.lookup(n, at), model.lookup(n, at); got != want {
					t.Fatalf("lookup(%s, %s) = %+v, want %+v", n, at, got, want)
				}
				if x.size() != len(model) || x.lists[0]+x.lists[1]+x.lists[2] != len(model) {
					t.Fatalf("size %d, lists %v, want %d", x.size(), x.lists, len(model))
				}
				if fresh := model.fresh(); fresh.sum != x.sum {
					t.Fatalf("version %x, want %x as of the same entries added in another order", x.sum, fresh.sum)
				}
				if x.lookup(0, at) != (call.Listings{}) {
					t.Fatal("no number is listed")
				}
			},
		})
	})
}

func TestVersionTellsListsApart(t *testing.T) {
	base := entry(t, call.ListBlock, "+861")
	seen := map[uint64]string{newIndex(0).sum: "empty"}
	for name, change := range map[string]func(*Entry){
		"as is":    func(*Entry) {},
		"list":     func(e *Entry) { e.List = call.ListWatch },
		"number":   func(e *Entry) { e.Pattern = pattern(t, "+862") },
		"local":    func(e *Entry) { e.Pattern = pattern(t, "861") },
		"range":    func(e *Entry) { e.Pattern.Range = true },
		"score":    func(e *Entry) { e.Score = 1 },
		"category": func(e *Entry) { e.Category = "" },
		"source":   func(e *Entry) { e.Source = call.SourceFeed },
		"expiry":   func(e *Entry) { e.Expires = day.AddDate(1, 0, 0) },
	} {
		e := base
		change(&e)
		sum := naive{e.Key(): e}.fresh().sum
		if other, twice := seen[sum]; twice {
			t.Errorf("%s and %s have the same version", name, other)
		}
		seen[sum] = name
	}
}

// TestReadersDuringChanges lets readers look up while the list grows and shrinks: what stays listed
// must be found at every moment. The race detector watches.
func TestReadersDuringChanges(t *testing.T) {
	x := newIndex(0)
	stays := entry(t, call.ListBlock, "+8699")
	x.put(stays.Pattern, packEntry(&stays))
	stop, done := make(chan struct{}), make(chan string)
	go func() {
		for {
			select {
			case <-stop:
				done <- ""
				return
			default:
			}
			if x.lookup(stays.Pattern.Number, day).Block.Pattern != stays.Pattern {
				done <- "an entry that was never removed was not found"
				return
			}
		}
	}()
	for i := range 20_000 {
		e := entry(t, call.ListBlock, fmt.Sprintf("+86%d*", i%3000))
		if i%2 == 0 {
			x.put(e.Pattern, packEntry(&e))
		} else {
			x.remove(e.Key())
		}
	}
	close(stop)
	if problem := <-done; problem != "" {
		t.Fatal(problem)
	}
}

// million returns an index of n Chinese mobile numbers, and ten ranges.
func million(tb testing.TB, n int) *index {
	x := newIndex(0)
	e := entry(tb, call.ListBlock, "+86")
	for i := range n {
		e.Pattern.Number = mobile(i)
		x.put(e.Pattern, packEntry(&e))
	}
	for i := range 10 {
		e.Pattern = pattern(tb, "+861"+"2345678901"[:i+1]+"*")
		x.put(e.Pattern, packEntry(&e))
	}
	return x
}

func mobile(i int) call.Number {
	n, _ := call.Global(fmt.Sprintf("8613%09d", i*997%1_000_000_000))
	return n
}

func TestLookupAllocatesNothing(t *testing.T) {
	m := NewMirror(nil, MirrorOptions{})
	m.publish(million(t, 1000))
	hit, miss := mobile(7), mobile(5000)
	if a := testing.AllocsPerRun(100, func() {
		m.Lookup(hit, day)
		m.Lookup(miss, day)
		_ = m.Version()
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkLookup(b *testing.B) {
	const entries = 1_000_000
	x := million(b, entries)
	numbers := make([]call.Number, 1<<16)
	// "again" looks one number up over and over: the cost without waiting for memory.
	for name, c := range map[string]struct{ from, step int }{"hit": {0, 13}, "miss": {entries, 13}, "again": {7, 0}} {
		for i := range numbers {
			numbers[i] = mobile(c.from + i*c.step)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			listed := 0
			for i := 0; b.Loop(); i++ {
				if x.lookup(numbers[i&0xffff], day).Block.Score > 0 {
					listed++
				}
			}
			b.ReportMetric(float64(x.bytes())/float64(x.size()), "bytes/entry")
			if (listed > 0) != (name != "miss") {
				b.Fatalf("%d found", listed)
			}
		})
	}
}

func BenchmarkChangeOneOfAMillion(b *testing.B) {
	x := million(b, 1_000_000)
	e := entry(b, call.ListBlock, "+8613800138000")
	b.ReportAllocs()
	for b.Loop() {
		x.put(e.Pattern, packEntry(&e))
		x.remove(e.Key())
	}
}
