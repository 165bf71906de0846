package media

import (
	"encoding/binary"
	"time"
)

// keyNames are the keys by their RFC 4733 event code (§3.2).
const keyNames = "0123456789*#ABCD"

// maxKeyRate is how many keys a second are told; nobody types faster, and the rest is a flood.
const maxKeyRate = 20

// keyReader reads telephone events (RFC 4733). A key is told when the first of its packets comes,
// whichever that is, and once.
type keyReader struct {
	started   bool
	ended     bool // a packet with the end bit came
	code      byte
	timestamp uint32 // of the event: all its packets have this one
	duration  uint16 // as far as told
	began     instant

	told   int // keys told in the second that began at
	second instant
}

// read takes the payload of an event packet. ok is true when a key begins with it. A packet that is
// older than the key read last changes nothing.
func (k *keyReader) read(payload []byte, timestamp uint32, now instant) (key byte, ok bool) {
	if len(payload) < 4 {
		return 0, false
	}
	code, end, duration := payload[0], payload[1]&0x80 != 0, binary.BigEndian.Uint16(payload[2:])
	step := timestamp - k.timestamp
	switch {
	case k.started && int32(step) < 0:
		return 0, false
	case k.started && step == 0: // again, or longer
		k.duration, k.ended = max(k.duration, duration), k.ended || end
		return 0, false
	}
	goesOn := k.started && k.goesOn(code, step)
	k.started, k.ended, k.code, k.timestamp, k.duration = true, end, code, timestamp, duration
	if goesOn || int(code) >= len(keyNames) {
		return 0, false
	}
	k.began = now
	if now-k.second >= instant(time.Second) {
		k.second, k.told = now, 0
	}
	if k.told++; k.told > maxKeyRate {
		return 0, false
	}
	return keyNames[code], true
}

// goesOn reports whether an event with a later timestamp is the next segment of a press too long for
// one (RFC 4733 §2.5.1.3): it begins where the segment before ended, at the latest when that could count
// no further.
func (k *keyReader) goesOn(code byte, step uint32) bool {
	const longest = 1<<16 - 1
	return code == k.code && !k.ended && (step == uint32(k.duration) || step == longest)
}
