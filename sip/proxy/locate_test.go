package proxy

import (
	"errors"
	"net/netip"

	"ringfence/sip/locate"
)

// locate tells the core that a target's name leads to these addresses, in order of priority.
func (b *bench) locate(t Target, addrs ...netip.AddrPort) []sent {
	return b.answer(newTarget(t).query, addrs...)
}

// answer tells the core where a name leads; to none is a failure of the DNS.
func (b *bench) answer(q locate.Query, addrs ...netip.AddrPort) []sent {
	var answer locate.Answer
	for i, addr := range addrs {
		answer.Destinations = append(answer.Destinations, locate.Destination{
			Protocol: q.Protocol, Addr: addr, Rank: uint16(i), Record: uint16(i),
		})
	}
	var err error
	if len(addrs) == 0 {
		err = errors.New("no name server answers")
	}
	b.core.Located(q, answer, err, &b.out)
	return b.collect()
}
