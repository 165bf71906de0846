package locate

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// data is the data of a NAPTR record as it stands in a message.
func (r *NAPTR) data() []byte {
	b := binary.BigEndian.AppendUint16(nil, r.Order)
	b = binary.BigEndian.AppendUint16(b, r.Preference)
	for _, text := range []string{r.Flags, r.Service, r.Regexp} {
		b = append(append(b, byte(len(text))), text...)
	}
	for label := range splitLabels(r.Replacement) {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

func splitLabels(name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for start := 0; start < len(name); {
			end := start
			for end < len(name) && name[end] != '.' {
				end++
			}
			if !yield(name[start:end]) {
				return
			}
			start = end + 1
		}
	}
}

// reply builds what a server says to a query.
func reply(t testing.TB, query []byte, rcode dnsmessage.RCode, truncated bool, records ...NAPTR) []byte {
	t.Helper()
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		t.Fatal(err)
	}
	question, err := p.Question()
	if err != nil {
		t.Fatal(err)
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RCode: rcode, Truncated: truncated},
		Questions: []dnsmessage.Question{question},
	}
	for _, r := range records {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: typeNAPTR, Class: dnsmessage.ClassINET, TTL: 90},
			Body:   &dnsmessage.UnknownResource{Type: typeNAPTR, Data: r.data()},
		})
	}
	answer, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

var sipRecord = NAPTR{Order: 10, Preference: 20, Flags: "s", Service: "SIP+D2U", Replacement: "_sip._udp.example.com"}

// listen opens a port for UDP and TCP.
func listen(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err != nil { // another process has it
			packets.Close()
			continue
		}
		t.Cleanup(func() {
			packets.Close()
			streams.Close()
		})
		return packets, streams
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// server is a name server on loopback; its answers over UDP and TCP are those of the functions.
func server(t *testing.T, udp, tcp func(query []byte) []byte) netip.AddrPort {
	t.Helper()
	packets, streams := listen(t)
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := packets.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := udp(b[:n]); answer != nil {
				_, _ = packets.WriteTo(answer, from)
			}
		}
	}()
	go func() {
		for {
			conn, err := streams.Accept()
			if err != nil {
				return
			}
			var length [2]byte
			_, _ = io.ReadFull(conn, length[:])
			query := make([]byte, binary.BigEndian.Uint16(length[:]))
			_, _ = io.ReadFull(conn, query)
			answer := tcp(query)
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			conn.Close()
		}
	}()
	return netip.MustParseAddrPort(packets.LocalAddr().String())
}

func TestAskNAPTR(t *testing.T) {
	full := func(query []byte) []byte { return reply(t, query, dnsmessage.RCodeSuccess, false, sipRecord) }
	short := func(query []byte) []byte { return reply(t, query, dnsmessage.RCodeSuccess, true) }
	failing := func(query []byte) []byte { return reply(t, query, dnsmessage.RCodeServerFailure, false) }
	missing := func(query []byte) []byte { return reply(t, query, dnsmessage.RCodeNameError, false) }
	empty := func(query []byte) []byte { return reply(t, query, dnsmessage.RCodeSuccess, false) }
	forged := func(query []byte) []byte {
		answer := full(query)
		answer[0] ^= 1
		return answer
	}
	garbage := func([]byte) []byte { return []byte{1, 2, 3} }

	for name, test := range map[string]struct {
		servers []netip.AddrPort
		found   bool
		missing bool
	}{
		"an answer":               {servers: []netip.AddrPort{server(t, full, nil)}, found: true},
		"truncated: over TCP":     {servers: []netip.AddrPort{server(t, short, full)}, found: true},
		"truncated over TCP, too": {servers: []netip.AddrPort{server(t, short, short)}},
		"the second server":       {servers: []netip.AddrPort{server(t, failing, nil), server(t, full, nil)}, found: true},
		"no such name":            {servers: []netip.AddrPort{server(t, missing, nil), server(t, full, nil)}, missing: true},
		"no such record":          {servers: []netip.AddrPort{server(t, empty, nil)}, missing: true},
		"another's answer":        {servers: []netip.AddrPort{server(t, forged, nil)}},
		"garbage":                 {servers: []netip.AddrPort{server(t, garbage, nil)}},
		"no servers":              {},
	} {
		t.Run(name, func(t *testing.T) {
			records, ttl, err := askNAPTR(t.Context(), test.servers, "example.com")
			if found := len(records) == 1 && records[0] == sipRecord && ttl == 90*time.Second; found != test.found {
				t.Errorf("found %v for %v", records, ttl)
			}
			if (err == nil) != test.found || errors.Is(err, ErrNotFound) != test.missing {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestNameServers(t *testing.T) {
	config := "# a comment\nsearch example.com\nnameserver 192.0.2.53\n nameserver\t2001:db8::53 # second\nnameserver x\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n"
	want := []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.53:53"), netip.MustParseAddrPort("[2001:db8::53]:53"), netip.MustParseAddrPort("192.0.2.54:53"),
	}
	if got := nameServers([]byte(config)); !slices.Equal(got, want) {
		t.Errorf("name servers %v, want %v", got, want)
	}
}

// FuzzAnswer reads any bytes as the answer of a name server.
func FuzzAnswer(f *testing.F) {
	query, err := buildQuery(7, "example.com")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply(f, query, dnsmessage.RCodeSuccess, false, sipRecord, NAPTR{Service: "SIPS+D2T", Replacement: "a.example"}))
	f.Add(reply(f, query, dnsmessage.RCodeNameError, false))
	f.Add(reply(f, query, dnsmessage.RCodeSuccess, true))
	f.Fuzz(func(t *testing.T, answer []byte) {
		records, ttl, err := readAnswer(answer, 7, "example.com")
		if (err == nil) != (len(records) > 0) || len(records) > MaxRecords || ttl < 0 {
			t.Errorf("%d records for %v, %v", len(records), ttl, err)
		}
		for _, r := range records {
			if len(r.Replacement) > 253 {
				t.Errorf("a name of %d bytes", len(r.Replacement))
			}
		}
	})
}
