package locate_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ringfence/sip/locate"
)

// place makes a destination that is told apart by its port alone.
func place(port, rank, weight, record uint16) locate.Destination {
	return locate.Destination{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port), Rank: rank, Weight: weight, Record: record}
}

// order takes every destination of a list, as a request does that fails everywhere.
func order(list []locate.Destination, random *rand.Rand) (taken []int) {
	tried := map[int]bool{}
	for {
		i := locate.Next(list, func(i int) locate.Standing {
			if tried[i] {
				return locate.Tried
			}
			return locate.Open
		}, random)
		if i < 0 {
			return taken
		}
		tried[i] = true
		taken = append(taken, i)
	}
}

// Of records of one priority each is drawn as often as its weight says (RFC 2782).
func TestWeights(t *testing.T) {
	const draws = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	list := []locate.Destination{
		place(1, 10, 60, 0), place(2, 10, 60, 0), // two addresses of one record: still 60
		place(3, 10, 30, 1),
		place(4, 10, 10, 2),
		place(5, 10, 0, 3),
		place(6, 20, 1000, 4), // never first
	}
	first := map[int]int{}
	for range draws {
		first[order(list, random)[0]]++
	}
	for i, weight := range map[int]float64{0: 60, 2: 30, 3: 10} {
		if share := float64(first[i]) / draws; math.Abs(share-weight/101) > 0.02 {
			t.Errorf("destination %d comes first in %.3f of all, want about %.3f", i, share, weight/101)
		}
	}
	if n := first[4]; n == 0 || n > draws/50 {
		t.Errorf("weight 0 comes first %d times of %d, want a few", n, draws)
	}
	if first[1]+first[5] != 0 {
		t.Errorf("first were also %v", first)
	}
}

// The same source of chance gives the same order.
func TestOrderIsDeterministic(t *testing.T) {
	list := []locate.Destination{place(1, 1, 5, 0), place(2, 1, 5, 1), place(3, 1, 5, 2), place(4, 1, 5, 3)}
	for seed := range uint64(20) {
		a, b := order(list, rand.New(rand.NewPCG(seed, 0))), order(list, rand.New(rand.NewPCG(seed, 0)))
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("seed %d: %v and %v", seed, a, b)
			}
		}
	}
}

// Destinations that are known to be dead are passed over, with the next priority if need be.
func TestShut(t *testing.T) {
	list := []locate.Destination{place(1, 1, 0, 0), place(2, 1, 0, 1), place(3, 2, 0, 2)}
	random := rand.New(rand.NewPCG(1, 1))
	for _, test := range []struct {
		standing [3]locate.Standing
		want     int
	}{
		{[3]locate.Standing{locate.Open, locate.Open, locate.Open}, 0},
		{[3]locate.Standing{locate.Shut, locate.Open, locate.Open}, 1},
		{[3]locate.Standing{locate.Shut, locate.Tried, locate.Open}, 2},
		{[3]locate.Standing{locate.Shut, locate.Shut, locate.Shut}, -1},
	} {
		if got := locate.Next(list, func(i int) locate.Standing { return test.standing[i] }, random); got != test.want {
			t.Errorf("%v: %d, want %d", test.standing, got, test.want)
		}
	}
}

// Whatever the records: each destination comes once, lower ranks come first, and the addresses of a
// record stay together.
func TestOrderIsAPermutation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []locate.Destination
		rank := uint16(0)
		for record := range uint16(rapid.IntRange(0, 8).Draw(rt, "records")) {
			rank += uint16(rapid.IntRange(0, 1).Draw(rt, "step"))
			weight := rapid.SampledFrom([]uint16{0, 0, 1, 10, math.MaxUint16}).Draw(rt, "weight")
			for range rapid.IntRange(1, 2).Draw(rt, "addresses") {
				list = append(list, place(uint16(len(list)), rank, weight, record))
			}
		}
		taken := order(list, rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)))
		if len(taken) != len(list) {
			rt.Fatalf("%d of %d destinations: %v", len(taken), len(list), taken)
		}
		seen := map[int]bool{}
		left := map[uint16]bool{} // records whose addresses were left for another record
		for n, i := range taken {
			if seen[i] {
				rt.Fatalf("%d comes twice: %v", i, taken)
			}
			seen[i] = true
			if n == 0 {
				continue
			}
			before := list[taken[n-1]]
			if list[i].Rank < before.Rank {
				rt.Fatalf("rank %d after %d: %v", list[i].Rank, before.Rank, taken)
			}
			if before.Record != list[i].Record {
				left[before.Record] = true
			}
			if left[list[i].Record] {
				rt.Fatalf("the addresses of record %d are apart: %v", list[i].Record, taken)
			}
		}
	})
}

// A choice is made for every request: it must cost no memory.
func TestNextDoesNotAllocate(t *testing.T) {
	list := []locate.Destination{place(1, 1, 5, 0), place(2, 1, 5, 1), place(3, 2, 5, 2)}
	random := rand.New(rand.NewPCG(1, 1))
	tried := 0
	if n := testing.AllocsPerRun(100, func() {
		tried = locate.Next(list, func(i int) locate.Standing {
			if i == tried {
				return locate.Tried
			}
			return locate.Open
		}, random)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
