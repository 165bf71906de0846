package transport

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/sip/transport/memory"
)

var (
	loopback4 = netip.MustParseAddrPort("127.0.0.1:0")
	loopback6 = netip.MustParseAddrPort("[::1]:0")
)

// single hides that a socket is the system's, so that datagrams are moved one by one.
type single struct{ *net.UDPConn }

func listenSingle(addr netip.AddrPort) (net.PacketConn, error) {
	conn, err := listenPacket(addr)
	if err != nil {
		return nil, err
	}
	return single{conn.(*net.UDPConn)}, nil
}

// plain hides even the methods that do not allocate.
type plain struct{ net.PacketConn }

func listenPlain(addr netip.AddrPort) (net.PacketConn, error) {
	conn, err := listenPacket(addr)
	return plain{conn}, err
}

// client is a peer on a plain UDP socket.
func client(t testing.TB, addr netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exchange(t testing.TB, conn *net.UDPConn, to netip.AddrPort, message string) {
	t.Helper()
	if _, err := conn.WriteToUDPAddrPort([]byte(message), to); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, MaxMessage)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != message || from != to {
		t.Fatalf("%d bytes from %v, %v; want %d from %v", n, from, err, len(message), to)
	}
}

// The same over every way of moving datagrams, IPv4 and IPv6, up to the largest there are.
func TestDatagramsAreEchoed(t *testing.T) {
	ways := map[string]Options{"batched": {}, "single": {ListenPacket: listenSingle}, "plain": {ListenPacket: listenPlain}}
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			h := newRecorder(echo)
			n := start(t, h, o, Listener{UDP, loopback4}, Listener{UDP, loopback6})
			for i, local := range []netip.AddrPort{loopback4, loopback6} {
				conn := client(t, local)
				to := n.Addrs()[i]
				exchange(t, conn, to, options(""))
				exchange(t, conn, to, options(strings.Repeat("b", 65507-len(options(""))-4)))
				packets := h.wait(2*i + 2)
				want := Flow{Peer: addrPort(conn.LocalAddr()), Listener: uint16(i)}
				if got := packets[2*i].Flow; got != want {
					t.Errorf("flow %+v, want %+v", got, want)
				}
			}
			if s := n.Stats(); s.Received != 4 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// A socket of both families, given by the caller, talks IPv4 to peers that are never IPv6-mapped.
func TestDualStackSocket(t *testing.T) {
	o := Options{ListenPacket: func(netip.AddrPort) (net.PacketConn, error) {
		return net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv6unspecified})
	}}
	h := newRecorder(echo)
	n := start(t, h, o, Listener{UDP, loopback6})
	conn := client(t, loopback4)
	to := netip.AddrPortFrom(loopback4.Addr(), n.Addrs()[0].Port())
	exchange(t, conn, to, options(""))
	if got := h.wait(1)[0].Flow.Peer; got != addrPort(conn.LocalAddr()) {
		t.Errorf("peer %v", got)
	}
}

func TestDatagramsThatAreNoMessageAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.Admit = func(a netip.Addr) bool { return a == trunk.Addr() }
		h := newRecorder(echo)
		n := start(t, h, o, Listener{UDP, gateway})
		known, err := w.ListenPacket(trunk)
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := w.ListenPacket(pbx)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			"\r\n\r\n", "", "\r\n", // keep-alives
			"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijklmnop", "\x80\x00" + options(""), "BYE sip:a SIP/2.0\r\n", // not SIP
			"\r\n" + options("last"),
		} {
			if _, err := known.WriteTo([]byte(text), net.UDPAddrFromAddrPort(gateway)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := stranger.WriteTo([]byte(options("")), net.UDPAddrFromAddrPort(gateway)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := h.texts(); len(got) != 1 || got[0] != options("last") {
			t.Errorf("handed over: %q", got)
		}
		if s := n.Stats(); s.Received != 1 || s.KeepAlives != 3 || s.NotSIP != 3 || s.UnknownSource != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Sending where nobody listens brings ICMP errors; neither they nor a datagram that the system refuses
// stop the socket or the rest of a batch.
func TestSocketSurvivesErrors(t *testing.T) {
	h := newRecorder(echo)
	n := start(t, h, Options{}, Listener{UDP, loopback4})
	gone := client(t, loopback4)
	nobody := addrPort(gone.LocalAddr())
	_ = gone.Close()
	conn := client(t, loopback4)
	var out Outbox
	for range 100 {
		out.Add(Flow{Peer: nobody}, []byte(options("")), 0)
	}
	out.Add(Flow{Peer: nobody}, []byte(strings.Repeat("b", 65508)), 1)                    // EMSGSIZE
	out.Add(Flow{Peer: netip.MustParseAddrPort("[::1]:5060")}, []byte(options("")), 2)    // another family
	out.Add(Flow{}, []byte(options("")), 3)                                               // no peer
	out.Add(Flow{Peer: addrPort(conn.LocalAddr())}, []byte(options("after the rest")), 4) // fine
	n.Send(&out)
	if out.Len() != 0 {
		t.Error("Send did not empty the outbox")
	}
	buf := make([]byte, MaxMessage)
	if l, _, err := conn.ReadFromUDPAddrPort(buf); err != nil || string(buf[:l]) != options("after the rest") {
		t.Fatalf("%q, %v", buf[:l], err)
	}
	if got := h.waitFailed(3); got[0] != 1 || got[1] != 2 || got[2] != 3 {
		t.Errorf("failed %v", got)
	}
	exchange(t, conn, n.Addrs()[0], options(""))
}

// failing is a socket whose reads fail now and then.
type failing struct {
	net.PacketConn
	reads int
}

func (f *failing) ReadFrom(b []byte) (int, net.Addr, error) {
	if f.reads++; f.reads%4 != 0 {
		return 0, nil, syscall.ECONNREFUSED
	}
	return f.PacketConn.ReadFrom(b)
}

func TestReadErrorsDoNotEndTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.ListenPacket = func(addr netip.AddrPort) (net.PacketConn, error) {
			conn, err := w.ListenPacket(addr)
			return &failing{PacketConn: conn}, err
		}
		h := newRecorder(nil)
		n := start(t, h, o, Listener{UDP, gateway})
		conn, err := w.ListenPacket(trunk)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := conn.WriteTo([]byte(options("")), net.UDPAddrFromAddrPort(gateway)); err != nil {
				t.Fatal(err)
			}
		}
		h.wait(3)
		synctest.Wait()
		if s := n.Stats(); s.ReceiveErrors < 9 {
			t.Errorf("stats %+v", s)
		}
	})
}

// What the network can put into a datagram never panics, and only plausible messages pass.
func FuzzScreen(f *testing.F) {
	f.Add([]byte("\r\n" + options("v=0")))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("\x00\x01\x00\x00\x21\x12\xa4\x42"))
	n := &Network{options: Options{}.withDefaults()}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range n.screen([]Packet{{Data: data}}, 3) {
			if len(p.Data) < minMessage || !startsMessage(p.Data[0]) || p.Flow.Listener != 3 {
				t.Errorf("passed %+v", p)
			}
		}
	})
}

// prompt is a socket whose peer answers at once: its answer has been handled before the datagram counts
// as sent.
type prompt struct {
	net.PacketConn
	answered func()
}

func (p prompt) WriteTo(b []byte, to net.Addr) (int, error) {
	p.answered()
	return p.PacketConn.WriteTo(b, to)
}

// TestOrderAcrossTransports: what a datagram brings about does not overtake, on a stream, what was to be
// sent before the datagram.
func TestOrderAcrossTransports(t *testing.T) {
	first, second := options("first"), options("second")
	var n *Network
	var stream Flow
	handler := newRecorder(func(p Packet, out *Outbox) {
		stream = p.Flow
		out.Add(p.Flow, []byte(first), 0)
		out.Add(Flow{Peer: p.Flow.Peer, Protocol: UDP}, []byte(options("onward")), 0)
	})
	n = start(t, handler, Options{ListenPacket: func(addr netip.AddrPort) (net.PacketConn, error) {
		conn, err := listenPacket(addr)
		return prompt{conn, func() {
			var out Outbox
			out.Add(stream, []byte(second), 0)
			n.Send(&out)
		}}, err
	}}, Listener{UDP, loopback4}, Listener{TCP, loopback4})

	conn, err := net.Dial("tcp4", n.Addrs()[1].String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(options(""))); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(first)+len(second))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != first+second {
		t.Errorf("%v, got\n%s\nwant first, then second", err, got)
	}
}
