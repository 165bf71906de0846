package media

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A wheel gives every turn back at its tick, in the order of adding, and sees the next one.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := new(wheel)
		planned := map[int64][]*turn{}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "add") {
				turn := new(turn)
				w.add(turn, w.position+rapid.Int64Range(-5, 2*wheelTicks).Draw(rt, "ahead"))
				if turn.due < w.position || turn.due >= w.position+wheelTicks {
					rt.Fatalf("planned for %d at %d", turn.due, w.position)
				}
				planned[turn.due] = append(planned[turn.due], turn)
				continue
			}
			want, found := int64(0), false
			for due := range planned {
				if !found || due < want {
					want, found = due, true
				}
			}
			due, ok := w.next()
			if ok != found || due != want {
				rt.Fatalf("next is %d, %v, want %d, %v", due, ok, want, found)
			}
			if !ok {
				w.skip(w.position + rapid.Int64Range(0, 5000).Draw(rt, "pause"))
				continue
			}
			var taken []*turn
			for t := w.take(due); t != nil; t = t.next {
				taken = append(taken, t)
			}
			if !slices.Equal(taken, planned[due]) {
				rt.Fatalf("%d turns taken, want %d in order", len(taken), len(planned[due]))
			}
			delete(planned, due)
		}
	})
}
