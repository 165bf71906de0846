package report

import (
	"errors"
	"fmt"
)

// Stats is the state of a Reporter at one moment.
type Stats struct {
	Score   WayStats // into the shared score
	Webhook WayStats // to the reporting centre; zero without a webhook
	Lost    uint64   // reports that could not be stored, on one way at least, or for which there was no room, since the start
}

// Stats returns the state of r.
func (r *Reporter) Stats() Stats {
	s := Stats{Score: r.score.update(func(*WayStats) {}), Lost: r.lost.Load()}
	if r.webhook != nil {
		s.Webhook = r.webhook.update(func(*WayStats) {})
	}
	return s
}

// Health returns nil while reports are taken, and otherwise says what is wrong and where they wait.
// Calls go on in any case.
func (r *Reporter) Health() error {
	err := r.score.health()
	if r.webhook != nil {
		err = errors.Join(err, r.webhook.health())
	}
	if lost := r.lost.Load(); lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d reports were lost since the start; the call log has their calls", lost))
	}
	return err
}
