package locate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// The operating system's resolver does not know NAPTR. So these records are asked for here, from the
// servers that /etc/resolv.conf names.

const (
	typeNAPTR     = dnsmessage.Type(35)     // RFC 3403 §4
	serverTimeout = time.Second             // for an answer of one server
	naptrTimeout  = 1500 * time.Millisecond // for all: SRV and addresses are still to come
	maxServers    = 3                       // as resolv.conf(5) has it
	maxDatagram   = 1232                    // bytes offered by EDNS: what passes every path unfragmented
)

// NAPTR implements Resolver.
func (System) NAPTR(ctx context.Context, domain string) ([]NAPTR, time.Duration, error) {
	config, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, naptrTimeout)
	defer cancel()
	return askNAPTR(ctx, nameServers(config), domain)
}

// nameServers reads the servers that a resolv.conf names.
func nameServers(config []byte) (servers []netip.AddrPort) {
	for line := range bytes.Lines(config) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 || fields[0] != "nameserver" || len(servers) == maxServers {
			continue
		}
		if addr, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(addr, 53))
		}
	}
	return servers
}

// askNAPTR asks one server after the other until one knows.
func askNAPTR(ctx context.Context, servers []netip.AddrPort, domain string) ([]NAPTR, time.Duration, error) {
	err := errors.New("no name server is configured")
	for _, server := range servers {
		var records []NAPTR
		var ttl time.Duration
		if records, ttl, err = askServer(ctx, server, domain); err == nil || errors.Is(err, ErrNotFound) {
			return records, ttl, err
		}
	}
	return nil, 0, fmt.Errorf("NAPTR of %s: %w", domain, err)
}

// askServer asks over UDP and, if the answer does not fit, over TCP (RFC 7766).
func askServer(ctx context.Context, server netip.AddrPort, domain string) ([]NAPTR, time.Duration, error) {
	id := uint16(rand.Uint32())
	query, err := buildQuery(id, domain)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	for _, network := range [...]string{"udp", "tcp"} {
		answer, err := exchange(ctx, network, server, query)
		if err != nil {
			return nil, 0, err
		}
		records, ttl, err := readAnswer(answer, id, domain)
		if !errors.Is(err, errTruncated) {
			return records, ttl, err
		}
	}
	return nil, 0, errTruncated
}

func buildQuery(id uint16, domain string) ([]byte, error) {
	name, err := dnsmessage.NewName(domain + ".")
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	b.EnableCompression()
	var edns dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(),
		b.Question(dnsmessage.Question{Name: name, Type: typeNAPTR, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(),
		edns.SetEDNS0(maxDatagram, dnsmessage.RCodeSuccess, false),
		b.OPTResource(edns, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// exchange sends a query and returns what comes back on the same socket, which is connected: nobody
// but the server can answer on it without forging its address.
func exchange(ctx context.Context, network string, server netip.AddrPort, query []byte) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if network == "udp" {
		if _, err := conn.Write(query); err != nil {
			return nil, err
		}
		answer := make([]byte, maxDatagram)
		n, err := conn.Read(answer)
		return answer[:n], err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err = io.ReadFull(conn, answer)
	return answer, err
}

var errTruncated = errors.New("the answer is truncated")

// readAnswer reads the NAPTR records of an answer to the query with this id, for the domain or for
// what it is an alias of: the server follows CNAMEs.
func readAnswer(answer []byte, id uint16, domain string) (records []NAPTR, ttl time.Duration, err error) {
	var p dnsmessage.Parser
	header, err := p.Start(answer)
	if err != nil {
		return nil, 0, err
	}
	question, err := p.Question()
	switch {
	case err != nil:
		return nil, 0, err
	case !header.Response || header.ID != id || question.Type != typeNAPTR || Name(question.Name.String()) != Name(domain):
		return nil, 0, errors.New("the answer is to another question")
	case header.Truncated:
		return nil, 0, errTruncated
	case header.RCode == dnsmessage.RCodeNameError:
		return nil, 0, ErrNotFound
	case header.RCode != dnsmessage.RCodeSuccess:
		return nil, 0, fmt.Errorf("the name server says %v", header.RCode)
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, 0, err
	}
	for len(records) < MaxRecords {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		life := time.Duration(h.TTL) * time.Second
		if len(records) == 0 || life < ttl {
			ttl = life
		}
		if h.Type != typeNAPTR {
			if err := p.SkipAnswer(); err != nil {
				return nil, 0, err
			}
			continue
		}
		body, err := p.UnknownResource()
		if err != nil {
			return nil, 0, err
		}
		if r, ok := readNAPTR(body.Data); ok {
			records = append(records, r)
		}
	}
	if len(records) == 0 {
		return nil, 0, ErrNotFound
	}
	return records, max(ttl, time.Second), nil
}

// readNAPTR reads the data of a NAPTR record (RFC 3403 §4.1); its name is never compressed (RFC 3597 §4).
func readNAPTR(data []byte) (r NAPTR, ok bool) {
	if len(data) < 4 {
		return r, false
	}
	r.Order, r.Preference = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	data = data[4:]
	for _, text := range [...]*string{&r.Flags, &r.Service, &r.Regexp} {
		if *text, data, ok = characterString(data); !ok {
			return r, false
		}
	}
	var labels []string
	for {
		var label string
		if label, data, ok = characterString(data); !ok || len(label) > 63 || strings.ContainsRune(label, '.') {
			return r, false
		}
		if label == "" {
			break
		}
		labels = append(labels, label)
	}
	r.Replacement = strings.Join(labels, ".")
	return r, len(data) == 0 && len(r.Replacement) <= 253
}

// characterString takes a text with its length before it off data.
func characterString(data []byte) (text string, rest []byte, ok bool) {
	if len(data) == 0 || len(data) <= int(data[0]) {
		return "", nil, false
	}
	n := 1 + int(data[0])
	return string(data[1:n]), data[n:], true
}
