package media

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/netip"
	"strings"
)

// SDPType is the content type of a description (RFC 8866 §8.2.1).
const SDPType = "application/sdp"

// FindSDP returns the description in the body of a message with this Content-Type: the body, or the SDP part of a
// body of several (RFC 5621), of which a trunk that carries ISUP has the other. ok is false when there is none.
func FindSDP(contentType string, body []byte) (sdp []byte, ok bool) {
	if isSDP(contentType) {
		return body, true
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, false
	}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil { // the end, or what is no part
			return nil, false
		}
		if isSDP(part.Header.Get("Content-Type")) {
			if sdp, err = io.ReadAll(part); err != nil {
				return nil, false
			}
			return sdp, true
		}
	}
}

func isSDP(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), SDPType)
}

// CheckOffer returns why a call with this offer cannot be treated: its audio cannot be received and carried on. The
// error is an Unacceptable.
func CheckOffer(offer Description) error {
	_, err := NewParty(netip.AddrPort{}).Relay(offer)
	return err
}
