package media

// source is another leg, as the one that hears it keeps it.
type source struct {
	leg   *Leg
	since instant // keys whose press began earlier were meant for us, and are not passed on
	queue *queue  // what is to be mixed; nil where the only source is relayed

	// How the source's packets are numbered into what is sent; of no use unless tied.
	tied     bool
	frames   uint32 // of ours, when it was tied: it does not go on after others
	run      int
	first    int64  // sequence number that it was tied at: what is older was late
	sequence int64  // what is added to a sequence number
	stamp    uint32 // what is added to a timestamp
}

func newSource(leg *Leg, now instant, mixed bool) source {
	s := source{leg: leg, since: now}
	if mixed {
		s.queue = new(queue)
	}
	return s
}

// hear takes a packet of a leg that this one may hear.
func (l *Leg) hear(a *arrival, s *scratch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.sources {
		src := &l.sources[i]
		switch {
		case src.leg != a.leg:
		case l.playback.on || !l.sends() || !l.agreed.Joins(a.stream):
			src.tied = false // what comes afterwards follows what is sent meanwhile
		case src.queue != nil:
			if !a.keys && a.stream.Codec != Other {
				src.queue.put(a.packet, a.run, a.stream.Codec)
			}
		default:
			l.relay(src, a, s)
		}
	}
}

// relay sends a source's packet on: loss, order and pauses stay as they are.
func (l *Leg) relay(src *source, a *arrival, s *scratch) {
	p := a.packet
	payloadType := l.agreed.PayloadType
	if a.keys {
		if payloadType = l.agreed.KeysType; payloadType == 0 || a.began < src.since {
			src.sequence-- // left out, which is to look like no loss
			return
		}
	}
	begins := !src.tied || src.run != a.run || src.frames != l.out.frames
	if begins {
		src.tied, src.frames, src.run, src.first = true, l.out.frames, a.run, a.sequence
		src.sequence = int64(l.out.sequence) - a.sequence
		src.stamp = l.out.stamp(a.at) - p.Timestamp
	} else if a.sequence < src.first {
		return
	}
	out := s.out[:copy(s.out[:], a.data)]
	out[1] = payloadType
	if p.Marker || begins && !a.keys {
		out[1] |= 0x80
	}
	sequence, stamp, length := uint16(a.sequence+src.sequence), p.Timestamp+src.stamp, uint32(1)
	l.out.write(out, sequence, stamp)
	if a.stream.Codec != Other && !a.keys {
		length = uint32(len(p.Payload))
		if a.stream.Codec != l.agreed.Codec {
			start := len(a.data) - len(p.Payload) - int(p.Header.PaddingSize)
			transcode(out[start:start+len(p.Payload)], a.stream.Codec)
		}
	}
	l.out.relayed(sequence, stamp, length)
	l.counts.relayed++
	l.send(out)
}
