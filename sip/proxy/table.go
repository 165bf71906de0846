package proxy

// handle names a transaction: its place in the slab and the generation of that place, so that a
// handle that outlived its transaction finds nothing.
type handle uint64

// slab holds transactions of one kind in pages that never move, and reuses freed ones.
type slab[T any] struct {
	pages []*[pageSize]slot[T]
	free  []uint32
	live  int
}

const pageSize = 256

type slot[T any] struct {
	value T
	gen   uint32 // 0 while free
}

// take returns a zeroed value; gen must be random and not 0, since it also guards the handle
// against being guessed.
func (s *slab[T]) take(gen uint32) (handle, *T) {
	if len(s.free) == 0 {
		base := uint32(len(s.pages) * pageSize)
		s.pages = append(s.pages, new([pageSize]slot[T]))
		for i := uint32(pageSize); i > 0; i-- {
			s.free = append(s.free, base+i-1)
		}
	}
	i := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.live++
	e := &s.pages[i/pageSize][i%pageSize]
	e.gen = gen
	return handle(uint64(i)<<32 | uint64(gen)), &e.value
}

// get returns the value of h, nil if it is gone.
func (s *slab[T]) get(h handle) *T {
	i, gen := uint32(h>>32), uint32(h)
	if gen == 0 || int(i) >= len(s.pages)*pageSize {
		return nil
	}
	if e := &s.pages[i/pageSize][i%pageSize]; e.gen == gen {
		return &e.value
	}
	return nil
}

// release frees the value of h and zeroes it.
func (s *slab[T]) release(h handle) {
	i := uint32(h >> 32)
	e := &s.pages[i/pageSize][i%pageSize]
	*e = slot[T]{}
	s.free = append(s.free, i)
	s.live--
}

// each calls f for every live value.
func (s *slab[T]) each(f func(*T)) {
	for _, page := range s.pages {
		for i := range page {
			if page[i].gen != 0 {
				f(&page[i].value)
			}
		}
	}
}

// table finds server transactions by the hash of what identifies them (RFC 3261 §17.2.3). The hash
// has 64 bits and a secret key, so that two transactions do not meet by chance or by design. Open
// addressing with backward shift: no tombstones, no allocation while the size holds.
type table struct {
	keys    []uint64 // 0 marks a free place
	handles []handle
	n       int
}

func (t *table) find(key uint64) handle {
	if len(t.keys) == 0 {
		return 0
	}
	mask := uint64(len(t.keys) - 1)
	for i := key & mask; t.keys[i] != 0; i = (i + 1) & mask {
		if t.keys[i] == key {
			return t.handles[i]
		}
	}
	return 0
}

func (t *table) insert(key uint64, h handle) {
	if t.n*4 >= len(t.keys)*3 {
		t.grow()
	}
	mask := uint64(len(t.keys) - 1)
	i := key & mask
	for t.keys[i] != 0 && t.keys[i] != key {
		i = (i + 1) & mask
	}
	if t.keys[i] == 0 {
		t.n++
	}
	t.keys[i], t.handles[i] = key, h
}

func (t *table) remove(key uint64) {
	if len(t.keys) == 0 {
		return
	}
	mask := uint64(len(t.keys) - 1)
	i := key & mask
	for t.keys[i] != key {
		if t.keys[i] == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.n--
	for j := i; ; {
		j = (j + 1) & mask
		if t.keys[j] == 0 {
			break
		}
		// The entry at j may move to i unless its home lies behind i, seen around the ring.
		if home := t.keys[j] & mask; (j-home)&mask >= (j-i)&mask {
			t.keys[i], t.handles[i] = t.keys[j], t.handles[j]
			i = j
		}
	}
	t.keys[i], t.handles[i] = 0, 0
}

func (t *table) grow() {
	old := *t
	size := max(1024, 2*len(old.keys))
	*t = table{keys: make([]uint64, size), handles: make([]handle, size)}
	for i, key := range old.keys {
		if key != 0 {
			t.insert(key, old.handles[i])
		}
	}
}
