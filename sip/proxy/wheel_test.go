package proxy

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWheel compares the wheel with a list of deadlines: every timer fires once, in the tick it is
// due or the first advance after it, and never early.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		timers := make([]timer, 40)
		due := map[int]int64{}
		now := int64(0)
		for i := range timers {
			timers[i].handle = handle(i)
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, len(timers)-1).Draw(t, "timer")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				at := now + rapid.Int64Range(-100, 200_000).Draw(t, "delay")
				w.arm(&timers[i], at)
				due[i] = max(at, now+1)
			case 2:
				w.stop(&timers[i])
				delete(due, i)
			case 3:
				now += rapid.Int64Range(0, 100_000).Draw(t, "advance")
				w.advance(now, func(f *timer) {
					i := int(f.handle)
					if at, ok := due[i]; !ok || at > now {
						t.Fatalf("timer %d fired at %d, due %d, armed %v", i, now, at, ok)
					}
					delete(due, i)
				})
				for i, at := range due {
					if at+tickMillis < now {
						t.Fatalf("timer %d, due %d, did not fire by %d", i, at, now)
					}
				}
			}
			if next, ok := w.next(); ok != (len(due) > 0) {
				t.Fatalf("next: %v, with %d timers armed", ok, len(due))
			} else if ok {
				for i, at := range due {
					if next > at+tickMillis {
						t.Fatalf("next is %d, but timer %d is due %d", next, i, at)
					}
				}
			}
		}
	})
}

func BenchmarkTimerArmAndStop(b *testing.B) {
	var w wheel
	timers := make([]timer, 1024)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		t := &timers[i%len(timers)]
		w.arm(t, int64(i%32000))
		if i%2 == 0 {
			w.stop(t)
		}
	}
}
