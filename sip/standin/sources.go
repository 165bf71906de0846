package standin

import (
	"sync"

	"github.com/emiago/sipgo/sip"
)

// maxSources bounds the UDP sources that an endpoint listens to in its life: sipgo keeps an entry
// for each of them for ever.
const maxSources = 16384

// sources is the set of UDP sources heard.
type sources struct {
	mu     sync.Mutex
	max    int
	seen   map[string]struct{}
	closed bool
}

func newSources(limit int) *sources { return &sources{max: limit, seen: make(map[string]struct{})} }

// filter is a sip.TransportReadFilter that drops what comes from one source too many, and everything
// once closed. (An error would end the listener.)
func (s *sources) filter(from sip.TransportReadProps, data []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil
	}
	if sip.IsReliable(from.Transport) {
		return data, nil
	}
	source := from.RemoteAddr.String()
	if _, known := s.seen[source]; !known {
		if len(s.seen) >= s.max {
			return nil, nil
		}
		s.seen[source] = struct{}{}
	}
	return data, nil
}

// close makes the filter drop everything.
func (s *sources) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
