package audit

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"ringfence/call"
)

func TestAppendDoesNotAllocate(t *testing.T) {
	q := newQueue(1<<16, 1<<15)
	l := &Log{queue: q}
	r := sample(0)
	if n := testing.AllocsPerRun(1000, func() { l.Append(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAppend is the cost to a call: a place in the queue.
func BenchmarkAppend(b *testing.B) {
	q := newQueue(1024, 512)
	l := &Log{queue: q}
	r := sample(0)
	b.ReportAllocs()
	for b.Loop() {
		l.Append(r)
		if q.count == len(q.ring) {
			q.first, q.count = 0, 0
		}
	}
}

// BenchmarkEntry is the encoding of a record.
func BenchmarkEntry(b *testing.B) {
	c, r := newEncoder(), sample(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.entry(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit is the cost of a record to the gateway, with its encoding, by the number of records
// that come within one Options.Interval. cpu-us/row is processor time of all threads.
func BenchmarkCommit(b *testing.B) {
	for _, batch := range []int{20, 200, 400, 1000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) { benchmarkCommit(b, batch) })
	}
}

func benchmarkCommit(b *testing.B, batch int) {
	path := b.TempDir() + "/calls.db"
	d, err := openDatabase(context.Background(), path, 0)
	if err != nil {
		b.Fatal(err)
	}
	records := make([]*call.Record, batch)
	for i := range records {
		records[i] = sample(i)
	}
	entries := make([]entry, batch)
	c := newEncoder()
	n := 0
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		for i, r := range records {
			if entries[i], err = c.entry(r); err != nil {
				b.Fatal(err)
			}
		}
		n += batch
		_, err := d.extend(context.Background(), func(x *extension) error {
			_, err := x.addCalls(entries)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(n), "cpu-us/row")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	if err := d.close(); err != nil { // it empties the write-ahead log
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(n), "disk-B/row")
}

// cpuTime is the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSpool is the throughput of the spool in batches of 512.
func BenchmarkSpool(b *testing.B) {
	s, err := openSpool(b.TempDir()+"/spool", 1<<40)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	entries := make([]entry, 512)
	c := newEncoder()
	for i := range entries {
		if entries[i], err = c.entry(sample(i)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.append(entries); err != nil {
			b.Fatal(err)
		}
		s.size = 0 // the disk is not to be filled
	}
	b.ReportMetric(float64(len(entries)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkVerify is the speed of a full verification.
func BenchmarkVerify(b *testing.B) {
	const n = 5000
	path := filled(b, n)
	r := reader(b, path)
	for b.Loop() {
		if report, err := r.Verify(context.Background(), nil, nil); err != nil || !report.OK() {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}
