package wire

// Several steps look at the same few headers of a message, so each is read once and remembered until the
// next Parse. What is returned belongs to the message and must not be changed.

// readings is what was read of a message.
type readings struct {
	have                               uint8 // which of the others are set
	viaOK, fromOK, toOK, cseqOK, uriOK bool

	via      Via
	from, to party
	number   uint32
	method   []byte
	uri      URI
}

// party is the reading of From or To.
type party struct {
	NameAddr
	tag []byte
}

const (
	haveVia = 1 << iota
	haveFrom
	haveTo
	haveCSeq
	haveURI
)

// Via reads the topmost Via; ok is false if there is none, or it is malformed.
func (m *Message) Via() (via *Via, ok bool) {
	r := &m.readings
	if r.have&haveVia == 0 {
		r.have |= haveVia
		values := m.Values(HeaderVia)
		value, found := values.Next()
		r.viaOK = false
		if found {
			r.via, r.viaOK = ParseVia(m.Bytes(value.Span))
		}
	}
	return &r.via, r.viaOK
}

// From reads the first From, To the first To; ok is false if there is none, or it is malformed.
func (m *Message) From() (from *NameAddr, ok bool) {
	r := &m.readings
	if r.have&haveFrom == 0 {
		r.have |= haveFrom
		r.fromOK = r.from.read(m.Value(HeaderFrom))
	}
	return &r.from.NameAddr, r.fromOK
}

// To is described at From.
func (m *Message) To() (to *NameAddr, ok bool) {
	r := &m.readings
	if r.have&haveTo == 0 {
		r.have |= haveTo
		r.toOK = r.to.read(m.Value(HeaderTo))
	}
	return &r.to.NameAddr, r.toOK
}

func (p *party) read(value []byte) (ok bool) {
	p.NameAddr, ok = ParseNameAddr(value)
	p.tag = nil
	if ok {
		p.tag = p.Tag()
	}
	return ok
}

// FromTag is the tag in From, empty if there is none or From is malformed.
func (m *Message) FromTag() []byte {
	m.From()
	return m.readings.from.tag
}

// ToTag is the tag in To, empty if there is none or To is malformed.
func (m *Message) ToTag() []byte {
	m.To()
	return m.readings.to.tag
}

// CSeq reads the first CSeq; ok is false if there is none, or it is malformed.
func (m *Message) CSeq() (number uint32, method []byte, ok bool) {
	r := &m.readings
	if r.have&haveCSeq == 0 {
		r.have |= haveCSeq
		r.number, r.method, r.cseqOK = ParseCSeq(m.Value(HeaderCSeq))
	}
	return r.number, r.method, r.cseqOK
}

// RequestURI reads the Request-URI, with the ok of ParseURI.
func (m *Message) RequestURI() (uri *URI, ok bool) {
	r := &m.readings
	if r.have&haveURI == 0 {
		r.have |= haveURI
		r.uri, r.uriOK = ParseURI(m.Bytes(m.URI))
	}
	return &r.uri, r.uriOK
}
