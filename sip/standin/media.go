package standin

import (
	"net/netip"
	"time"

	"ringfence/media"
)

// firstPort and lastPort are where the stand-ins' RTP is, below the ports that systems give to clients.
// Several stand-ins share them: a port that another has is passed over.
const (
	firstPort = 10000
	lastPort  = 19999
)

// elsewhere is how long a peer's RTP may begin to come from another address than it said: on one machine
// many send from whichever loopback address the system chooses.
const elsewhere = 5 * time.Second

// openMedia starts the media engine of an endpoint.
func openMedia(local netip.Addr) (*media.Engine, error) {
	options := media.Options{Local4: local, First: firstPort, Last: lastPort, NAT: elsewhere}
	if local.Is6() {
		options.Local4, options.Local6 = netip.Addr{}, local
	}
	return media.NewEngine(options)
}

// openEcho opens the media of a call that is answered: a tone, and then whatever is heard.
func (e *endpoint) openEcho() (leg *media.Leg, err error) {
	leg, err = e.media.Open(e.addr.Addr(), func(event media.Event) {
		if event.Kind == media.EventPlayed {
			leg.Hear(leg)
		}
	})
	if err == nil {
		leg.Play([]*media.Prompt{media.Tone()}, 1)
	}
	return leg, err
}

// openMute opens the media of a call that is placed: silence.
func (e *endpoint) openMute() (*media.Leg, error) {
	return e.media.Open(e.addr.Addr(), func(media.Event) {})
}
