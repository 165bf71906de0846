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
	mu   sync.Mutex
	max  int
	seen map[string]struct{}
}

func newSources(limit int) *sources { return &sources{max: limit, seen: make(map[string]struct{})} }

// filter is a sip.TransportReadFilter that drops what comes from one source too many. (An error
// would end the listener.)
func (s *sources) filter(from sip.TransportReadProps, data []byte) ([]byte, error) {
	if sip.IsReliable(from.Transport) {
		return data, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source := from.RemoteAddr.String()
	if _, known := s.seen[source]; !known {
		if len(s.seen) >= s.max {
			return nil, nil
		}
		s.seen[source] = struct{}{}
	}
	return data, nil
}
