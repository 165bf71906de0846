package agent

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/proxy"
	"ringfence/sip/treatment"
)

// ownHeaders are those of an INVITE that a leg has of its own, or that are of one hop or one dialog only. All
// others go from the caller's INVITE to that of the called leg.
var ownHeaders = map[string]bool{
	"via": true, "route": true, "record-route": true, "path": true, "service-route": true,
	"from": true, "to": true, "call-id": true, "cseq": true, "contact": true, "max-forwards": true,
	"require": true, "supported": true, "proxy-require": true, "allow": true, "accept": true,
	"session-expires": true, "min-se": true, "timestamp": true, "rack": true, "rseq": true, "replaces": true, "join": true,
	"allow-events": true, "recv-info": true,
	"content-type": true, "content-length": true, "content-disposition": true, "content-encoding": true,
	"content-language": true, "content-transfer-encoding": true, "mime-version": true,
	"v": true, "f": true, "t": true, "i": true, "m": true, "c": true, "l": true,
}

// newInvite is the INVITE of a called leg, without its description: what the caller's said of the call, under a
// Call-ID and tag of our own.
func newInvite(caller *sip.Request, l *leg, callID string, to treatment.Destination) *sip.Request {
	req := sip.NewRequest(sip.INVITE, caller.Recipient)
	route := proxy.RouteToPBX
	if to.Divert != "" {
		route = proxy.RouteToDivert(to.Divert)
	}
	from := sip.HeaderClone(caller.From()).(*sip.FromHeader)
	from.Params.Add("tag", l.tag)
	if to.Label != (treatment.Label{}) {
		from.DisplayName = labelled(to.Label, from.DisplayName, &from.Address)
	}
	called := sip.HeaderClone(caller.To()).(*sip.ToHeader)
	called.Params.Remove("tag")
	id := sip.CallIDHeader(callID)
	maxForwards := sip.MaxForwardsHeader(70)
	if given := caller.MaxForwards(); given != nil {
		maxForwards = *given
	}
	req.AppendHeader(header("Route", route))
	req.AppendHeader(&maxForwards)
	req.AppendHeader(from)
	req.AppendHeader(called)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(l.contact.Clone())
	req.AppendHeader(header("Allow", allowed))
	req.AppendHeader(header("Supported", supported))
	asserted := false
	for _, h := range caller.Headers() {
		name := canonical(h)
		if ownHeaders[name] {
			continue
		}
		if name == "p-asserted-identity" && to.Label != (treatment.Label{}) && !asserted {
			asserted = true
			h = labelIdentity(h, to.Label)
		}
		req.AppendHeader(sip.HeaderClone(h))
	}
	req.SetTransport(protocol)
	return req
}

// labelled is a display name with a label, as it stands between quotes. Where there is none, the number is shown.
func labelled(label treatment.Label, display string, uri *sip.Uri) string {
	if display == "" || label.HideName {
		display = escape(uri.User)
		if raw := uri.Raw(); raw != "" {
			display, _, _ = strings.Cut(raw, ";")
		}
	}
	return escape(label.Prefix) + display
}

// escape makes a text fit to stand between the quotes of a display name (RFC 3261 §25.1).
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ", "\x00", " ").Replace(text)
}

// labelIdentity is a P-Asserted-Identity with the label on its first name, which is the one that is shown.
func labelIdentity(h sip.Header, label treatment.Label) sip.Header {
	first, rest := h.Value(), ""
	if i := strings.Index(first, ">"); i >= 0 {
		first, rest = first[:i+1], first[i+1:]
	}
	var uri sip.Uri
	params := sip.NewParams()
	display, err := sip.ParseAddressValue(first, &uri, &params)
	if err != nil {
		return h
	}
	return header(h.Name(), `"`+labelled(label, display, &uri)+`" <`+uri.String()+`>`+rest)
}

// passed are the headers of a final response that mean something to the caller as well.
var passed = map[string]bool{
	"reason": true, "retry-after": true, "warning": true, "error-info": true, "call-info": true,
	"www-authenticate": true, "proxy-authenticate": true,
}

// passable are the headers of a final response that may be passed on to the caller. No Contact is: a redirection
// would lead the caller past the gateway.
func passable(res *sip.Response) (headers []treatment.Header) {
	for _, h := range res.Headers() {
		if passed[canonical(h)] {
			headers = append(headers, treatment.Header{Name: h.Name(), Value: h.Value()})
		}
	}
	return headers
}
