package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestGathering plays a socket at several rates: it is read at once until it is busy, and again when it is not any more.
func TestGathering(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration // between datagrams
		want  bool
	}{
		{"idle", time.Second, false},
		{"500 calls a second", time.Second / 3500, false},
		{"1000 calls a second", time.Second / 7000, true},
		{"a flood", 10 * time.Microsecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g gathering
				for range 50000 {
					time.Sleep(c.every)
					g.note(1, time.Now())
				}
				if g.busy != c.want {
					t.Errorf("busy is %t", g.busy)
				}
				time.Sleep(time.Minute)
				g.note(1, time.Now())
				if g.busy {
					t.Error("still busy after a minute without datagrams")
				}
			})
		})
	}
}

// TestGatheringWaits shows which reads are put off, by counting the naps.
func TestGatheringWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		busy  bool
		batch int
		naps  int
	}{
		{"idle", false, 1, 0},
		{"busy", true, 1, 1},
		{"busy, and more is waiting already", true, batchSize, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := gathering{busy: c.busy}
			naps := 0
			g.nap = func() { naps++ }
			g.wait(c.batch)
			if naps != c.naps {
				t.Errorf("%d naps, want %d", naps, c.naps)
			}
		})
	}
}
