package proxy

import (
	"ringfence/call"
	"ringfence/media"
	"ringfence/sip/wire"
)

// insists reports whether a call is treated even if it has to be refused for want of an offer that the gateway can
// take: to offer SRTP would be a way around a challenge. A feature code has nowhere else to go.
func insists(t call.Treatment) bool {
	switch t.(type) {
	case call.Challenge, call.TakeReport:
		return true
	}
	return false
}

// canSpeak reports whether the gateway could speak on the call of an INVITE: by its offer, or because it has none
// and will be made one. It cannot where the offer is of SRTP or T.38 alone, or names no address of its audio.
func canSpeak(m *wire.Message) bool {
	body := m.Bytes(m.Body)
	if len(body) == 0 {
		return true
	}
	sdp, ok := media.FindSDP(string(m.Value(wire.HeaderContentType)), body)
	if !ok {
		return false
	}
	offer, err := media.ParseSDP(sdp)
	return err == nil && media.CheckOffer(offer) == nil
}
