package agent

import (
	"net/netip"

	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/treatment"
)

// port is the media of a leg. It implements treatment.Port over the media engine.
type port struct {
	*media.Leg
	session *session
}

// openPort opens a port whose events go to the session's treatment.
func (s *session) openPort(id treatment.LegID, peer netip.Addr) (treatment.Port, error) {
	o := &s.agent.options
	if !peer.IsValid() {
		peer = o.PBX
	}
	leg, err := o.Media.Open(peer, func(e media.Event) { s.receiveMedia(id, e) })
	if err != nil {
		return nil, err
	}
	p := &port{Leg: leg, session: s}
	s.ports = append(s.ports, p)
	return p, nil
}

// receiveMedia takes an event of the media engine. It is called on goroutines of the engine.
func (s *session) receiveMedia(id treatment.LegID, e media.Event) {
	switch e.Kind {
	case media.EventKey:
		if !s.mailbox.post(func() { s.legs[id].keyed(keysByRTP, e.Key) }) {
			s.agent.counts.overflow.Add(1)
		}
	case media.EventPlayed:
		s.handle(treatment.Played{Leg: id, Playback: e.Playback, Heard: e.Heard})
	case media.EventSilent:
		s.handle(treatment.Silent{Leg: id})
	case media.EventSpoke:
		s.handle(treatment.Spoke{Leg: id})
	}
}

// Local implements treatment.Port: it is the address by which the peer reaches the port.
func (p *port) Local() netip.AddrPort {
	local := p.Leg.Local()
	if reached, ok := p.session.agent.options.Advertise[local.Addr()]; ok {
		return netip.AddrPortFrom(reached, local.Port())
	}
	return local
}

// Play implements treatment.Port with the announcements as they were when the call began.
func (p *port) Play(language string, prompts []string, times int) uint64 {
	all := p.session.prompts
	found := make([]*media.Prompt, 0, len(prompts))
	for _, id := range prompts {
		prompt, ok := all.Get(id, language)
		if !ok {
			prompt, ok = all.Get(id, p.session.options.Language)
		}
		if ok {
			found = append(found, prompt)
		}
	}
	return p.Leg.Play(found, times)
}

// Hear implements treatment.Port.
func (p *port) Hear(others ...treatment.Port) {
	legs := make([]*media.Leg, len(others))
	for i, other := range others {
		legs[i] = other.(*port).Leg // all ports of a call are made by openPort
	}
	p.Leg.Hear(legs...)
}

// Report implements treatment.Reporter.
func (s *session) Report(r *call.Record) { s.agent.options.Reporter.Report(r) }

// ReportLast implements treatment.Reporter.
func (s *session) ReportLast(r *call.Record) {
	done := func(reference string) { s.handle(treatment.Reported{Found: reference != "", Reference: reference}) }
	if !s.agent.options.Reporter.ReportLast(r, done) {
		done("")
	}
}
