package proxy

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTable compares the table with a map. Few distinct homes make many meet.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table table
		model := map[uint64]handle{}
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			key := rapid.Uint64Range(1, 60).Draw(t, "key") << rapid.SampledFrom([]int{0, 10, 20}).Draw(t, "shift")
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0, 1:
				h := handle(rapid.Uint64Min(1).Draw(t, "handle"))
				table.insert(key, h)
				model[key] = h
			case 2:
				table.remove(key)
				delete(model, key)
			}
			for k, h := range model {
				if table.find(k) != h {
					t.Fatalf("key %d is lost", k)
				}
			}
			if table.n != len(model) {
				t.Fatalf("%d entries, want %d", table.n, len(model))
			}
		}
	})
}

func TestSlabForgetsOldHandles(t *testing.T) {
	var s slab[int]
	first, v := s.take(7)
	*v = 1
	s.release(first)
	second, _ := s.take(9)
	if s.get(first) != nil {
		t.Error("a handle found the value of another")
	}
	if s.get(second) == nil || s.get(0) != nil || s.get(handle(1<<40|9)) != nil {
		t.Error("a handle did not find its own value, or one that never was found something")
	}
}

func TestBuffersKeepWhatTheyGet(t *testing.T) {
	var b buffers
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 65535} {
		buf := b.hold(make([]byte, n))
		if len(buf) != n || cap(buf) < n {
			t.Errorf("%d bytes: length %d, capacity %d", n, len(buf), cap(buf))
		}
		b.release(buf)
		if again := b.hold(make([]byte, n)); cap(again) != cap(buf) {
			t.Errorf("%d bytes: not reused", n)
		}
	}
}
