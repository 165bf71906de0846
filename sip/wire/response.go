package wire

import "net/netip"

// AppendResponse appends a response to the request m (RFC 3261 §8.2.6) up to, but not including,
// the end of its headers, so that the caller can add its own; AppendEnd finishes it. The topmost
// Via is stamped with where the request came from. toTag is added to the To header if it has none;
// give nil for a 100, which needs none and says when the request was sent instead (§8.2.6.1).
func (m *Message) AppendResponse(dst []byte, status int, phrase string, toTag []byte, peer netip.AddrPort) []byte {
	dst = append(dst, "SIP/2.0 "...)
	dst = AppendUint(dst, uint64(status))
	dst = append(dst, ' ')
	dst = append(dst, phrase...)
	dst = append(dst, "\r\n"...)
	vias := m.Values(HeaderVia)
	for top := true; ; top = false {
		value, ok := vias.Next()
		if !ok {
			break
		}
		raw := m.Bytes(value.Span)
		dst = append(dst, "Via: "...)
		if via, ok := ParseVia(raw); top && ok {
			dst = via.AppendStamp(dst, peer)
		} else {
			dst = append(dst, trimSpace(raw)...)
		}
		dst = append(dst, "\r\n"...)
	}
	for _, id := range [...]HeaderID{HeaderFrom, HeaderTo, HeaderCallID, HeaderCSeq} {
		h, ok := m.First(id)
		if !ok {
			continue
		}
		line := m.Bytes(h.Line)
		dst = append(dst, line[:len(line)-2]...)
		if id == HeaderTo && len(toTag) > 0 {
			if to, ok := ParseNameAddr(m.Bytes(h.Value)); ok && len(to.Tag()) == 0 {
				dst = append(dst, ";tag="...)
				dst = append(dst, toTag...)
			}
		}
		dst = append(dst, "\r\n"...)
	}
	if stamp, ok := m.First(HeaderTimestamp); ok && status == 100 {
		dst = append(dst, m.Bytes(stamp.Line)...)
	}
	return dst
}

// AppendEnd ends a response without a body.
func AppendEnd(dst []byte) []byte { return append(dst, "Content-Length: 0\r\n\r\n"...) }

func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// Phrase is the default reason phrase of a status code the gateway answers with itself.
func Phrase(status int) string {
	switch status {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 183:
		return "Session Progress"
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 407:
		return "Proxy Authentication Required"
	case 408:
		return "Request Timeout"
	case 410:
		return "Gone"
	case 415:
		return "Unsupported Media Type"
	case 416:
		return "Unsupported URI Scheme"
	case 420:
		return "Bad Extension"
	case 422:
		return "Session Interval Too Small"
	case 433:
		return "Anonymity Disallowed"
	case 440:
		return "Max-Breadth Exceeded"
	case 469:
		return "Bad Info Package"
	case 480:
		return "Temporarily Unavailable"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 482:
		return "Loop Detected"
	case 483:
		return "Too Many Hops"
	case 484:
		return "Address Incomplete"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 491:
		return "Request Pending"
	case 500:
		return "Server Internal Error"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Server Time-out"
	case 505:
		return "Version Not Supported"
	case 513:
		return "Message Too Large"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	case 607:
		return "Unwanted"
	case 608:
		return "Rejected"
	default:
		return "Response"
	}
}
