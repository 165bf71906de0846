package wire

// ParseCSeq reads a CSeq value (RFC 3261 §20.16): a number below 2^31 and a method.
func ParseCSeq(b []byte) (number uint32, method []byte, ok bool) {
	i := blank.index(b)
	if i < 0 {
		return 0, nil, false
	}
	number, ok = Uint(b[:i])
	method = trim(b[i:])
	return number, method, ok && isToken(method)
}
