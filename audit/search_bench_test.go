package audit

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"ringfence/call"
)

// searched is the size of the log that is searched: the figures of docs/adr/0007 are of 10,000,000.
var searched = flag.Int("audit.searched", 50_000, "records in the log that BenchmarkSearch searches")

// inADay is the number of calls that the log of BenchmarkSearch gets in a day.
const inADay = 1_000_000

// BenchmarkSearch is what a person waits for who asks a large log, each time from a fresh Reader.
func BenchmarkSearch(b *testing.B) {
	n := *searched
	path := written(b, n)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	at := func(i int) time.Time { return many(i).Facts.Time }
	some := many(n / 3)
	for _, c := range []struct {
		name string
		f    Filter
		want int
	}{
		{"newest page", Filter{Limit: 100}, 100},
		{"caller, everything", Filter{Caller: some.Facts.Caller.Number.String()}, 1},
		{"caller, a day", Filter{Caller: some.Facts.Caller.Number.String(), From: at(n/3 - inADay/2), To: at(n/3 + inADay/2)}, 1},
		{"caller not there", Filter{Caller: "+999"}, 0},
		{"range of callers, a day", Filter{Caller: some.Facts.Caller.Number.Prefix(8).String() + "*", From: at(n / 3), To: at(n/3 + inADay), Limit: 100}, -1},
		{"reference", Filter{Reference: some.Reference}, 1},
		{"call-id", Filter{CallID: some.Facts.CallID}, 1},
		{"refused, newest page", Filter{Treatment: "refuse", Limit: 100}, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				r, err := OpenReader(path)
				if err != nil {
					b.Fatal(err)
				}
				found, err := r.List(context.Background(), c.f)
				if err != nil || c.want >= 0 && len(found) != c.want {
					b.Fatalf("%d found, want %d: %v", len(found), c.want, err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(info.Size())/float64(n), "disk-B/row")
		})
	}
}

// many is the i-th of many records, evenly over the days, in which no two callers are the same.
func many(i int) *call.Record {
	r := sample(i)
	f := &r.Facts
	f.Time = start.Add(time.Duration(i) * (24 * time.Hour / inADay))
	f.Caller.Number, _ = call.Global(fmt.Sprintf("86%011d", uint64(i)*61_803_398_877%1e11)) // scattered, as real ones are
	f.Caller.Text = f.Caller.Number.String()
	f.From, f.RawFrom = f.Caller, `"张三" <sip:`+f.Caller.Text+`@192.0.2.1>;tag=1`
	return r
}

// written is the path of a closed log with the first n of many records.
func written(b *testing.B, n int) string {
	b.Helper()
	const batch = 10_000
	path := b.TempDir() + "/calls.db"
	d, err := openDatabase(context.Background(), path, 0, "synchronous(OFF)")
	if err != nil {
		b.Fatal(err)
	}
	defer d.close()
	c := newEncoder()
	entries := make([]entry, 0, batch)
	for i := range n {
		e, err := c.entry(many(i))
		if err != nil {
			b.Fatal(err)
		}
		if entries = append(entries, e); len(entries) < batch && i < n-1 {
			continue
		}
		_, err = d.extend(context.Background(), func(x *extension) error {
			_, err := x.addCalls(entries)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		entries = entries[:0]
	}
	return path
}
