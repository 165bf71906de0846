package locate

import "math/rand/v2"

// Standing is what is known of a destination when the next one is chosen.
type Standing uint8

// The standings.
const (
	Open  Standing = iota // it may be tried
	Tried                 // this request was there
	Shut                  // it is known to be dead
)

// Next chooses the destination to try next (RFC 2782): of the lowest rank that is open, the further
// addresses of a record that was begun, else a record drawn by weight. list is that of an Answer. It
// returns an index into it, -1 when none is open. It allocates nothing.
func Next(list []Destination, standing func(i int) Standing, random *rand.Rand) int {
	best := -1
	for i := range list {
		if (best < 0 || list[i].Rank < list[best].Rank) && standing(i) == Open {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	var drawable [MaxDestinations]int // the first open destination of each record
	n, total, begun, drawn := 0, 0, -1, -1
	for i := range list {
		if list[i].Rank != list[best].Rank {
			continue
		}
		record := int(list[i].Record)
		switch standing(i) {
		case Tried:
			begun = record
		case Open:
			if record == begun {
				return i
			}
			if record != drawn && n < len(drawable) {
				drawable[n], drawn = i, record
				total += int(list[i].Weight)
				n++
			}
		case Shut:
		}
	}
	if n == 1 {
		return drawable[0]
	}
	draw := random.IntN(total + 1)
	if draw == 0 { // records of weight 0 stand before the others: they have a small chance
		for _, i := range drawable[:n] {
			if list[i].Weight == 0 {
				return i
			}
		}
	}
	for _, i := range drawable[:n] {
		if draw -= int(list[i].Weight); draw <= 0 {
			return i
		}
	}
	return drawable[0]
}
