package audit

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"ringfence/call"
)

// key is what a record is searched by: a few bytes that tell quickly of nearly every record that it
// is not the one. Texts are hashed, so a record whose key fits must still be read. The zero key is
// that of no record.
type key struct {
	time              uint32 // seconds since 1970, at least 1
	caller, called    uint64 // see partyKey
	callID, reference uint32
	trunk, treatment  uint16
	rule, reason      uint16
	status            uint16
}

// keySize is the length of a key in table keys, in bytes.
const keySize = 4 + 8 + 8 + 4 + 4 + 5*2

// newKey is the key of a call. f is nil when its personal data was erased.
func newKey(at time.Time, s *Summary, f *call.Facts) key {
	k := key{
		time: seconds(at), reference: uint32(hashText(s.Reference)),
		trunk: uint16(hashText(s.Trunk)), treatment: uint16(hashText(s.Treatment)),
		rule: uint16(hashText(s.Rule)), reason: uint16(hashText(string(s.Reason))), status: uint16(s.Status),
	}
	if f != nil {
		k.caller, k.called, k.callID = partyKey(&f.Caller), partyKey(&f.Called), uint32(hashText(f.CallID))
	}
	return k
}

// erased is k without what is personal.
func (k key) erased() key {
	k.caller, k.called, k.callID = 0, 0, 0
	return k
}

func (k key) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, k.time)
	dst = binary.BigEndian.AppendUint64(dst, k.caller)
	dst = binary.BigEndian.AppendUint64(dst, k.called)
	dst = binary.BigEndian.AppendUint32(dst, k.callID)
	dst = binary.BigEndian.AppendUint32(dst, k.reference)
	for _, v := range [...]uint16{k.trunk, k.treatment, k.rule, k.reason, k.status} {
		dst = binary.BigEndian.AppendUint16(dst, v)
	}
	return dst
}

// readKey reads a key from the first keySize bytes of b.
func readKey(b []byte) key {
	_ = b[keySize-1]
	return key{
		time: binary.BigEndian.Uint32(b), caller: binary.BigEndian.Uint64(b[4:]), called: binary.BigEndian.Uint64(b[12:]),
		callID: binary.BigEndian.Uint32(b[20:]), reference: binary.BigEndian.Uint32(b[24:]),
		trunk: binary.BigEndian.Uint16(b[28:]), treatment: binary.BigEndian.Uint16(b[30:]),
		rule: binary.BigEndian.Uint16(b[32:]), reason: binary.BigEndian.Uint16(b[34:]), status: binary.BigEndian.Uint16(b[36:]),
	}
}

// differ names the parts in which k and o differ.
func (k key) differ(o key) (names []string) {
	for _, part := range []struct {
		name string
		same bool
	}{
		{"time", k.time == o.time},
		{"caller", k.caller == o.caller},
		{"called", k.called == o.called},
		{"call_id", k.callID == o.callID},
		{"reference", k.reference == o.reference},
		{"trunk", k.trunk == o.trunk},
		{"treatment", k.treatment == o.treatment},
		{"rule", k.rule == o.rule},
		{"reason", k.reason == o.reason},
		{"status", k.status == o.status},
	} {
		if !part.same {
			names = append(names, part.name)
		}
	}
	return names
}

func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 1), math.MaxUint32)) }

// partyKey is the packed number of a party, the hash of its text when it gave no number, or 0 when it
// is anonymous.
func partyKey(p *call.Party) uint64 {
	if p.Number.IsZero() {
		return textKey(p.Text)
	}
	return uint64(p.Number)
}

// textMark is set in the key of a party that gave no number, and no length of a number has its bits.
const textMark = 31 << 57

func textKey(text string) uint64 {
	if text == "" {
		return 0
	}
	return textMark | hashText(text)&(1<<57-1)
}

// hashText is the FNV-1a hash of 64 bits, and 0 for no text. What is not UTF-8 is hashed as
// encoding/json reads it.
func hashText(s string) uint64 {
	if s == "" {
		return 0
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
