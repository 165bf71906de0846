package audit

import (
	"context"
	"testing"
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

// BenchmarkCommit is the throughput of the database in batches of 512, with a record's encoding.
func BenchmarkCommit(b *testing.B) {
	d, err := openDatabase(context.Background(), b.TempDir()+"/calls.db", 0)
	if err != nil {
		b.Fatal(err)
	}
	defer d.close()
	const batch = 512
	ids := newIDs()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		entries := make([]entry, batch)
		for i := range entries {
			if entries[i], err = newEntry(ids.next(), sample(n)); err != nil {
				b.Fatal(err)
			}
			n++
		}
		_, err := d.extend(context.Background(), func(x *extension) error {
			_, err := x.addCalls(entries)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSpool is the throughput of the spool in batches of 512.
func BenchmarkSpool(b *testing.B) {
	s, err := openSpool(b.TempDir()+"/spool", 1<<40)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	entries := make([]entry, 512)
	ids := newIDs()
	for i := range entries {
		if entries[i], err = newEntry(ids.next(), sample(i)); err != nil {
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
