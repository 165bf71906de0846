package agent

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"ringfence/call"
	"ringfence/configs"
	"ringfence/media"
	edge "ringfence/sip"
	"ringfence/sip/proxy"
	"ringfence/sip/transport"
	"ringfence/sip/transport/memory"
	"ringfence/sip/treatment"
)

// The whole of it: real core, transport, treatment, prompts and media engine, between a trunk and a PBX that
// the test plays, on a network in memory.

var (
	trunkAddr = netip.MustParseAddrPort("198.51.100.7:5060")
	ownAddr   = netip.MustParseAddrPort("192.0.2.10:5060")
	pbxAddr   = netip.MustParseAddrPort("203.0.113.20:5060")
)

// site is a gateway with its surroundings.
type site struct {
	t          *testing.T
	agent      *Agent
	engine     *media.Engine
	trunk, pbx *party
	fault      bool // the treatment has one when the person called answers

	mu      sync.Mutex
	records []*call.Record
}

func (s *site) Screen(*call.Facts) call.Verdict {
	return call.Verdict{Treatment: call.Warn{Prefix: "[!] "}, Rule: "test", Reason: "test", Category: call.CategoryOfficials}
}

func (s *site) Append(r *call.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
}

func (*site) Report(*call.Record)                        {}
func (*site) ReportLast(*call.Record, func(string)) bool { return false }

// inSite runs a test at a site in virtual time.
func inSite(t *testing.T, test func(s *site)) {
	t.Helper()
	prompts, err := media.LoadPrompts(configs.Prompts(), "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t}
		network := memory.New()
		s.trunk, s.pbx = s.party(network, trunkAddr), s.party(network, pbxAddr)
		s.engine, err = media.NewEngine(media.Options{
			Local4: ownAddr.Addr(), First: 20000, Last: 20019, Silence: time.Minute,
			Listen: network.ListenPacket, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		o := &treatment.Options{Language: "zh", Warn: treatment.WarnOptions{Menu: true, Repeat: 1, AnswerWithin: time.Minute, ChooseWithin: 10 * time.Second}}
		gateway, err := edge.Start(edge.Options{
			Listeners: []edge.Listener{{Protocol: transport.UDP, Addr: ownAddr}},
			Proxy: proxy.Config{
				Trunks:  []proxy.Trunk{{Name: "carrier", Class: call.ClassVoIP, Sources: []netip.Prefix{netip.PrefixFrom(trunkAddr.Addr(), 32)}}},
				Targets: []proxy.Target{{Name: "main", Host: pbxAddr.Addr().String(), Port: pbxAddr.Port()}},
				PBX:     []netip.Prefix{netip.PrefixFrom(pbxAddr.Addr(), 32)},

				RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second, MaxSetup: 1000,
			},
			Transport: transport.Options{ListenPacket: network.ListenPacket, ListenStream: network.Listen, Dial: network.Dial},
			Screener:  s, Recorder: s, Log: slog.New(slog.DiscardHandler),
			Agent: func(wire net.PacketConn) (edge.Agent, error) {
				s.agent = New(wire, Options{
					Recorder: s, Reporter: s, Treatments: func() *treatment.Options { return o }, Media: s.engine,
					Prompts: func() *media.Prompts { return prompts }, PBX: pbxAddr.Addr(), Log: slog.New(slog.DiscardHandler),
					Treat: func(env treatment.Env, r *call.Record, caller treatment.Leg, offer []byte) Call {
						return &faulty{Call: treatment.New(env, r, caller, offer), site: s}
					},
				})
				return s.agent, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := gateway.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			if n := s.engine.Counts().Legs; n != 0 {
				t.Errorf("%d media legs are left", n)
			}
			if err := s.engine.Close(); err != nil {
				t.Error(err)
			}
			s.trunk.close()
			s.pbx.close()
		}()
		test(s)
	})
}

// party is a telephone: its signalling and, at port 4000 of its address, its RTP.
type party struct {
	t        *testing.T
	sip, rtp net.PacketConn
	addr     netip.AddrPort

	mu       sync.Mutex
	messages []sip.Message
	packets  [][]byte
	media    net.Addr // where RTP came from
	seq      uint16
}

func (s *site) party(network *memory.Wire, addr netip.AddrPort) *party {
	p := &party{t: s.t, addr: addr}
	var err error
	if p.sip, err = network.ListenPacket(addr); err != nil {
		s.t.Fatal(err)
	}
	if p.rtp, err = network.ListenPacket(netip.AddrPortFrom(addr.Addr(), 4000)); err != nil {
		s.t.Fatal(err)
	}
	go receive(p.sip, func(data []byte, _ net.Addr) {
		msg, err := sip.ParseMessage(data)
		if err != nil {
			s.t.Errorf("%v in\n%s", err, data)
			return
		}
		if req, ok := msg.(*sip.Request); ok && req.Method == sip.OPTIONS { // a health check
			p.send(newResponse(req, 200))
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.messages = append(p.messages, msg)
	})
	go receive(p.rtp, func(data []byte, from net.Addr) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.packets, p.media = append(p.packets, bytes.Clone(data)), from
	})
	return p
}

func receive(conn net.PacketConn, handle func([]byte, net.Addr)) {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		handle(buf[:n], from)
	}
}

func (p *party) close() {
	if p.sip.Close() != nil || p.rtp.Close() != nil {
		p.t.Error("a socket is closed already")
	}
}

func (p *party) send(msg sip.Message) {
	if _, err := p.sip.WriteTo([]byte(msg.String()), net.UDPAddrFromAddrPort(ownAddr)); err != nil {
		p.t.Error(err)
	}
}

// expect takes what has come, which must be these messages in this order.
func (p *party) expect(words ...string) []sip.Message {
	p.t.Helper()
	time.Sleep(50 * time.Millisecond)
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.messages
	p.messages = nil
	var text []string
	for _, msg := range got {
		text = append(text, word(msg))
	}
	if strings.Join(text, ", ") != strings.Join(words, ", ") {
		p.t.Fatalf("%s got %q, want %q", p.addr, text, words)
	}
	return got
}

func (p *party) description() []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\n", p.addr.Addr())
}

// says sends RTP: some sound, or the end of a key.
func (p *party) says(kind byte, payload []byte) {
	p.seq++
	packet := append([]byte{0x80, kind, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, payload...)
	binary.BigEndian.PutUint16(packet[2:], p.seq)
	binary.BigEndian.PutUint32(packet[4:], uint32(p.seq)*160)
	p.mu.Lock()
	to := p.media
	p.mu.Unlock()
	if _, err := p.rtp.WriteTo(packet, to); err != nil {
		p.t.Error(err)
	}
}

// hears reports whether a payload came since the last time, and how many packets did.
func (p *party) hears(payload []byte) (found bool, packets int) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, packet := range p.packets {
		found = found || len(packet) > 12 && bytes.Equal(packet[12:], payload)
	}
	packets, p.packets = len(p.packets), nil
	return found, packets
}

// invite is an INVITE of the trunk.
func (p *party) invite() *sip.Request {
	body := p.description()
	text := fmt.Sprintf("INVITE sip:+862155500001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"+
		"From: \"Mallory\" <sip:+861088888888@%s>;tag=a\r\nTo: <sip:+862155500001@%s>\r\nCall-ID: warn@trunk\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:m@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		ownAddr, trunkAddr, trunkAddr.Addr(), ownAddr.Addr(), trunkAddr, len(body), body)
	msg, err := sip.ParseMessage([]byte(text))
	if err != nil {
		p.t.Fatal(err)
	}
	return msg.(*sip.Request)
}

// picksUp has the PBX ring and answer. It returns the dialog as the PBX sees it.
func (s *site) picksUp(invite *sip.Request) *dialog {
	s.t.Helper()
	invite.To().Params.Add("tag", "phone")
	contact := &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "5000", Host: pbxAddr.Addr().String(), Port: int(pbxAddr.Port())}}
	for _, status := range []int{180, 200} {
		res := newResponse(invite, status)
		res.AppendHeader(contact.Clone())
		describe(res, nil)
		if status == 200 {
			res.RemoveHeader("Content-Length")
			describe(res, s.pbx.description())
		}
		s.pbx.send(res)
	}
	s.pbx.expect("ACK")
	return newCallerDialog(invite, contact)
}

func TestWarnedCallIsTaken(t *testing.T) {
	inSite(t, func(s *site) {
		invite := s.trunk.invite()
		s.trunk.send(invite)
		toPhone := s.pbx.expect("INVITE")[0].(*sip.Request)
		if from := values(toPhone, "from"); !strings.HasPrefix(from, `"[!] Mallory" <sip:+861088888888@`) || !bytes.Contains(toPhone.Body(), []byte("c=IN IP4 192.0.2.10")) ||
			!strings.Contains(values(toPhone, "x-ringfence"), "verdict=warn") || toPhone.Contact().Address.Host != "192.0.2.10" {
			t.Errorf("INVITE:\n%s", toPhone)
		}
		s.picksUp(toPhone)
		s.trunk.expect("100 INVITE", "180 INVITE")

		time.Sleep(3 * time.Second) // she hears the warning
		if _, packets := s.pbx.hears(nil); packets < 140 || packets > 160 {
			t.Errorf("%d packets in three seconds", packets)
		}
		for range 3 {
			s.pbx.says(101|0x80, []byte{1, 0x80 | 10, 3, 0x20}) // key 1
			s.pbx.seq--
		}
		s.pbx.seq++
		ok := s.trunk.expect("200 INVITE")[0].(*sip.Response)
		caller := newCalledDialog(invite, ok)
		ack := caller.ack(1, nil)
		s.trunk.send(ack)
		s.trunk.sendsTo(ok.Body())

		for range 50 { // they talk
			time.Sleep(20 * time.Millisecond)
			s.trunk.says(8, bytes.Repeat([]byte{0x11}, 160))
			s.pbx.says(8, bytes.Repeat([]byte{0x22}, 160))
		}
		if heard, _ := s.pbx.hears(bytes.Repeat([]byte{0x11}, 160)); !heard {
			t.Error("she does not hear the caller")
		}
		if heard, _ := s.trunk.hears(bytes.Repeat([]byte{0x22}, 160)); !heard {
			t.Error("the caller does not hear her")
		}

		bye := caller.request(sip.BYE)
		addVia(bye)
		bye.Via().Host, bye.Via().Port = trunkAddr.Addr().String(), int(trunkAddr.Port())
		s.trunk.send(bye)
		s.trunk.expect("200 BYE")
		s.pbx.send(newResponse(s.pbx.expect("BYE")[0].(*sip.Request), 200))
		time.Sleep(time.Second)
		s.checkRecord(func(r *call.Record) bool {
			return r.Outcome.Status == 200 && r.Treated.Choice == call.ChoiceTaken && r.Treated.Announcement == "officials" && r.Treated.CalledKeys == "1" &&
				r.Treated.HungUp == "caller" && r.Treated.Connected > time.Second && r.Outcome.Target == "main" && r.Outcome.Attempts == 1
		})
	})
}

// The caller gives up while the person called hears the warning: she is hung up on.
func TestWarnedCallIsCancelled(t *testing.T) {
	inSite(t, func(s *site) {
		invite := s.trunk.invite()
		s.trunk.send(invite)
		s.picksUp(s.pbx.expect("INVITE")[0].(*sip.Request))
		s.trunk.expect("100 INVITE", "180 INVITE")
		s.trunk.send(newCANCEL(invite, ""))
		cancelled := s.trunk.expect("200 CANCEL", "487 INVITE")[1].(*sip.Response)
		s.trunk.send(newACK(invite, cancelled))
		s.pbx.send(newResponse(s.pbx.expect("BYE")[0].(*sip.Request), 200))
		time.Sleep(time.Second)
		s.checkRecord(func(r *call.Record) bool { return r.Outcome.Status == 487 && r.Outcome.By == call.EndedByCaller })
	})
}

// faulty is a treatment that may have a fault.
type faulty struct {
	*treatment.Call
	site *site
}

// Handle implements Call.
func (f *faulty) Handle(e treatment.Event) {
	_, answered := e.(treatment.Answered)
	_, stopped := e.(treatment.Stopped)
	if f.site.fault && (answered || stopped) {
		panic("a fault in the treatment")
	}
	f.Call.Handle(e)
}

// A fault of the treatment frees the media as well.
func TestFaultFreesMedia(t *testing.T) {
	inSite(t, func(s *site) {
		s.fault = true
		invite := s.trunk.invite()
		s.trunk.send(invite)
		toPhone := s.pbx.expect("INVITE")[0].(*sip.Request)
		s.trunk.expect("100 INVITE")
		toPhone.To().Params.Add("tag", "phone")
		ok := newResponse(toPhone, 200)
		ok.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "5000", Host: pbxAddr.Addr().String(), Port: int(pbxAddr.Port())}})
		ok.RemoveHeader("Content-Length")
		describe(ok, s.pbx.description())
		s.pbx.send(ok)
		s.pbx.send(newResponse(s.pbx.expect("ACK", "BYE")[1].(*sip.Request), 200))
		s.trunk.send(newACK(invite, s.trunk.expect("500 INVITE")[0].(*sip.Response)))
		time.Sleep(time.Second)
		if n := s.engine.Counts().Legs; n != 0 || len(s.records) != 1 || s.records[0].Outcome.Cause != call.ReasonInternal || s.agent.Stats().Panics != 2 {
			t.Errorf("%d media legs, %d records, %+v", n, len(s.records), s.agent.Stats())
		}
	})
}

// checkRecord checks that there is one record, and that it is right.
func (s *site) checkRecord(right func(*call.Record) bool) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) != 1 || !right(s.records[0]) {
		for _, r := range s.records {
			s.t.Errorf("record %+v %+v", r.Outcome, r.Treated)
		}
		s.t.Errorf("%d records", len(s.records))
	}
	if stats := s.agent.Stats(); stats.Calls != 0 || stats.Panics != 0 {
		s.t.Errorf("%+v", stats)
	}
}

// sendsTo has a party send its RTP where a description wants it.
func (p *party) sendsTo(description []byte) {
	p.t.Helper()
	var port uint16
	_, rest, _ := strings.Cut(string(description), "m=audio ")
	if _, err := fmt.Sscan(rest, &port); err != nil {
		p.t.Fatalf("%v in\n%s", err, description)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.media = net.UDPAddrFromAddrPort(netip.AddrPortFrom(ownAddr.Addr(), port))
}
