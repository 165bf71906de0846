package callscript

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// lawful checks what must hold for every message the gateway sends, whatever a script expects: it is
// well-formed, belongs to what was sent, and what a proxy forwards it forwards unchanged but for what
// RFC 3261 §16.6 and §16.7 have it change.
func (r *run) lawful(p *party, a *arrival) error {
	if a.problem != "" {
		return fmt.Errorf("it is malformed: %s", a.problem)
	}
	if a.over == "tcp" && len(a.all("content-length")) == 0 {
		return errors.New("it came by a stream without Content-Length (RFC 3261 §18.3)")
	}
	if !a.request() {
		return r.lawfulResponse(p, a.sipText)
	}
	if a.method() == "CANCEL" || a.method() == "ACK" {
		for _, invite := range slices.Backward(p.received) {
			if invite.method() == "INVITE" && invite.request() && topBranch(invite.sipText) == topBranch(a.sipText) {
				return hopByHop(p, invite.sipText, a.sipText)
			}
		}
	}
	original := r.original(p, a.sipText, true)
	if original == nil {
		if a.method() == "OPTIONS" {
			return nil // the gateway's own
		}
		return errors.New("nobody sent this request")
	}
	return forwarded(original, a.sipText)
}

func topBranch(m *sipText) string {
	if via := m.values("via"); len(via) > 0 {
		return parameter(via[0], "branch")
	}
	return ""
}

// original finds the message of another participant that m was made from: the last with its Call-ID,
// CSeq and kind.
func (r *run) original(p *party, m *sipText, requests bool) *sipText {
	for _, name := range r.order {
		other := r.parties[name]
		if other == p {
			continue
		}
		for _, sent := range slices.Backward(other.sent) {
			if sent.request() == requests && sent.get("call-id") == m.get("call-id") && sent.get("cseq") == m.get("cseq") &&
				(requests && sent.method() == m.method() || !requests && sent.status() == m.status()) {
				return sent
			}
		}
	}
	return nil
}

// lawfulResponse checks that a response belongs to a request of the participant (§8.2.6.2).
func (r *run) lawfulResponse(p *party, m *sipText) error {
	var request *sipText
	for _, sent := range p.sent {
		if sent.request() && topBranch(sent) == topBranch(m) && sent.get("cseq") == m.get("cseq") {
			request = sent
		}
	}
	if request == nil {
		return fmt.Errorf("%s sent no request with the branch %s", p.name, topBranch(m))
	}
	if err := sameVias(request.values("via"), m.values("via")); err != nil {
		return err
	}
	for _, name := range []string{"from", "call-id", "cseq"} {
		if m.get(name) != request.get(name) {
			return fmt.Errorf("its %s is not that of the request: %s", name, request.get(name))
		}
	}
	to, sent := m.get("to"), request.get("to")
	if to != sent && !(strings.HasPrefix(to, sent+";tag=") && parameter(sent, "tag") == "") {
		return fmt.Errorf("its to is not that of the request: %s", sent)
	}
	if m.status() > 100 && addressOf(sent) != "" && parameter(to, "tag") == "" {
		return errors.New("its to has no tag (RFC 3261 §8.2.6.2)")
	}
	answer := r.original(p, m, false)
	if answer == nil {
		return nil // the gateway's own
	}
	except := []string{"via", "from", "content-length", "p-asserted-identity", "x-ringfence"}
	if !fromAgent(answer) {
		return unchanged(answer, m, except...)
	}
	if err := presented(answer, m); err != nil {
		return err
	}
	return unchanged(answer, m, append(except, "contact", "record-route")...)
}

// sameVias checks that the Vias are those sent, the first with where it came from (§18.2.1).
func sameVias(sent, got []string) error {
	if len(got) != len(sent) {
		return fmt.Errorf("it has %d values of Via, not %d", len(got), len(sent))
	}
	for i := range got {
		if i == 0 && unstamped(got[0]) == unstamped(sent[0]) || got[i] == sent[i] {
			continue
		}
		return fmt.Errorf("its Via is not the one sent: %s", sent[i])
	}
	return nil
}

// unstamped is a Via value without what its receiver notes.
func unstamped(via string) string {
	parts := strings.Split(via, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	parts = slices.DeleteFunc(parts, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return name == "received" || name == "rport"
	})
	return strings.Join(parts, ";")
}

// hopByHop checks a CANCEL, or the ACK to a refusal, against its INVITE (§9.1, §17.1.1.3).
func hopByHop(p *party, invite, m *sipText) error {
	if m.uri() != invite.uri() {
		return fmt.Errorf("its Request-URI is not that of the INVITE: %s", invite.uri())
	}
	if via := m.values("via"); len(via) != 1 || via[0] != invite.values("via")[0] {
		return errors.New("its Via is not the topmost of the INVITE alone")
	}
	if m.sequence() != invite.sequence() {
		return errors.New("its CSeq is not that of the INVITE")
	}
	for _, name := range []string{"from", "call-id"} {
		if m.get(name) != invite.get(name) {
			return fmt.Errorf("its %s is not that of the INVITE: %s", name, invite.get(name))
		}
	}
	if !slices.Equal(m.all("route"), invite.all("route")) {
		return errors.New("its Route is not that of the INVITE")
	}
	to := invite.get("to")
	if m.method() == "ACK" {
		for _, sent := range p.sent {
			if !sent.request() && sent.status() >= 300 && topBranch(sent) == topBranch(invite) {
				to = sent.get("to")
			}
		}
	}
	if m.get("to") != to {
		return fmt.Errorf("its to is not %s", to)
	}
	return nil
}

// edited are the headers that the gateway may change in a request; each has its own check here or in
// the scripts.
var edited = []string{
	"via", "route", "record-route", "max-forwards", "content-length", "from", "p-asserted-identity", "x-ringfence", "diversion", "history-info",
}

// forwarded checks a forwarded request against the original.
func forwarded(sent, got *sipText) error {
	except := edited
	if fromAgent(sent) {
		if err := presented(sent, got); err != nil {
			return err
		}
		except = append(slices.Clone(edited), "contact")
	}
	if err := unchanged(sent, got, except...); err != nil {
		return err
	}
	if err := sameVias(sent.values("via"), got.values("via")[1:]); err != nil {
		return err
	}
	hops := 70
	if text := sent.get("max-forwards"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		hops = n - 1
	}
	if got.get("max-forwards") != strconv.Itoa(hops) {
		return fmt.Errorf("its Max-Forwards is not %d", hops)
	}
	if a, b := sent.get("from"), got.get("from"); a != b && (got.get("x-ringfence") == "" || addressOf(a) != addressOf(b) || parameter(a, "tag") != parameter(b, "tag")) {
		return fmt.Errorf("its From is not the one sent: %s", a)
	}
	if a, b := sent.values("record-route"), got.values("record-route"); len(b) < len(a) || !slices.Equal(a, b[len(b)-len(a):]) {
		return fmt.Errorf("its Record-Route does not end in those sent: %q", a)
	}
	return nil
}

// fromAgent reports whether a message has a Contact of the agent's.
func fromAgent(m *sipText) bool { return strings.HasPrefix(addressOf(m.get("contact")), agentContact) }

// presented checks that a message of the agent's names, outside, the gateway in the agent's place, and routes of
// the peer alone.
func presented(sent, got *sipText) error {
	user, _, _ := strings.Cut(strings.TrimPrefix(agentContact, "sip:"), "@")
	if uri := addressOf(got.get("contact")); !strings.HasPrefix(uri, "sip:"+user+"@") || strings.Contains(uri, "invalid") {
		return fmt.Errorf("its Contact does not lead to the agent: %s", uri)
	}
	if got.request() {
		return nil
	}
	a, b := sent.values("record-route"), got.values("record-route")
	if len(b) > len(a) || !slices.Equal(b, a[len(a)-len(b):]) {
		return fmt.Errorf("its Record-Route is not the end of those sent: %q", a)
	}
	return nil
}

// unchanged checks that all headers but those excepted are the same bytes in the same order, and that
// the body is the same.
func unchanged(sent, got *sipText, except ...string) error {
	keep := func(m *sipText) (lines []string) {
		for _, l := range m.lines {
			if !slices.Contains(except, l.name) {
				lines = append(lines, l.raw)
			}
		}
		return lines
	}
	a, b := keep(sent), keep(got)
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Errorf("%q was added", b[i])
		case i >= len(b):
			return fmt.Errorf("%q is missing", a[i])
		case a[i] != b[i]:
			return fmt.Errorf("%q was sent where %q came", a[i], b[i])
		}
	}
	if !bytes.Equal(sent.body, got.body) {
		return errors.New("its body is not the one sent")
	}
	return nil
}
