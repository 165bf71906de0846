package callscript

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"ringfence/sip/proxy"
)

// party is a participant: its sockets, what it sent and received, and the calls it is in.
type party struct {
	run     *run
	name    string
	spec    partySpec
	addr    netip.AddrPort
	packets net.PacketConn
	streams net.Listener // nil of the agent
	readers sync.WaitGroup

	// Under run.mu.
	conns   []net.Conn // newest last
	waiting []arrival  // received, not yet expected
	lose    int        // this many of what arrives is lost
	answers map[string]int
	down    bool
	agent   *agent // of the agent, once the gateway has begun it
	full    bool   // the agent takes no calls

	sent     []*sipText
	received []*arrival // as they were expected
	dialogs  map[string]*dialog
	last     *dialog // of the last message
	held     []byte  // to be sent with the next
}

// arrival is a message received.
type arrival struct {
	*sipText
	time time.Time
	over string
	conn net.Conn // of a stream
}

func (r *run) newParty(spec partySpec) (*party, error) {
	p := &party{run: r, name: spec.name, spec: spec, answers: map[string]int{}, dialogs: map[string]*dialog{}}
	if spec.role == roleAgent {
		p.addr = proxy.AgentAddr
		return p, nil
	}
	host, err := r.network.address(&spec)
	if err != nil {
		return nil, err
	}
	if p.packets, p.streams, err = r.network.open(host); err != nil {
		return nil, err
	}
	p.addr = p.packets.LocalAddr().(*net.UDPAddr).AddrPort()
	p.addr = netip.AddrPortFrom(p.addr.Addr().Unmap(), p.addr.Port())
	p.readers.Go(func() { p.readPackets(p.packets) })
	p.accept(p.streams)
	return p, nil
}

func (p *party) close() {
	p.run.mu.Lock()
	p.down = true
	p.run.mu.Unlock()
	if p.spec.role != roleAgent { // the gateway closes that
		_ = p.packets.Close() // what closing says does not matter to a script
		_ = p.streams.Close()
	}
	p.closeConns()
	p.readers.Wait()
}

func (p *party) closeConns() {
	p.run.mu.Lock()
	conns := p.conns
	p.conns = nil
	p.run.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

func (p *party) accept(streams net.Listener) {
	p.readers.Go(func() {
		for {
			conn, err := streams.Accept()
			if err != nil {
				return
			}
			p.attach(conn)
		}
	})
}

// attach reads a connection until it ends. A participant that is down takes none.
func (p *party) attach(conn net.Conn) {
	p.run.mu.Lock()
	down := p.down
	if !down {
		p.conns = append(p.conns, conn)
	}
	p.run.mu.Unlock()
	if down {
		_ = conn.Close()
		return
	}
	p.readers.Go(func() { p.readStream(conn) })
}

func (p *party) readPackets(packets net.PacketConn) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := packets.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil { // an ICMP message is no reason to stop
			p.arrive(slices.Clone(buf[:n]), "udp", nil)
		}
	}
}

func (p *party) readStream(conn net.Conn) {
	defer func() {
		p.run.mu.Lock()
		p.conns = slices.DeleteFunc(p.conns, func(c net.Conn) bool { return c == conn })
		p.run.mu.Unlock()
		_ = conn.Close()
	}()
	var data []byte
	buf := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buf)
		data = append(data, buf[:n]...)
		for {
			size := framed(data)
			if size == 0 {
				break
			}
			p.arrive(slices.Clone(data[:size]), "tcp", conn)
			data = data[size:]
		}
		if err != nil {
			if len(data) > 0 {
				p.arrive(data, "tcp", conn)
			}
			return
		}
	}
}

// emptyLine is what keeps a stream alive (RFC 5626 §4.4.1). Scripts call it CRLF.
const emptyLine = "\r\n"

// framed is the length of the message that data begins with, 0 while it is not complete.
func framed(data []byte) int {
	if bytes.HasPrefix(data, []byte(emptyLine)) {
		return len(emptyLine)
	}
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	n, _ := strconv.Atoi(readText(data[:end+4]).get("content-length")) // none: no body
	if size := end + 4 + max(n, 0); size <= len(data) {
		return size
	}
	return 0
}

// arrive takes a message in.
func (p *party) arrive(raw []byte, over string, conn net.Conn) {
	a := arrival{readText(raw), time.Now(), over, conn}
	r := p.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.lose > 0 {
		p.lose--
		r.ladder.note(p.name, "gw", p.name, a.label()+" (lost)")
		return
	}
	r.ladder.note(p.name, "gw", p.name, a.label())
	if p.agent != nil {
		p.agent.begin(a.sipText)
	}
	if status, ok := p.answers[a.method()]; ok && a.request() {
		if status > 0 {
			r.ladder.note(p.name, p.name, "gw", strconv.Itoa(status)+" "+a.method())
			reply := p.draftResponse(&a, status, "OK")
			p.readers.Go(func() { _ = p.transmit(reply.bytes(), &a) }) // a participant that is closing
		}
		return
	}
	p.waiting = append(p.waiting, a)
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// transmit sends bytes the way a message goes: on the connection that it answers, on the newest, or
// as a datagram.
func (p *party) transmit(data []byte, answered *arrival) error {
	over := "udp"
	if p.spec.tcp {
		over = "tcp"
	}
	if answered != nil {
		over = answered.over
	}
	if over == "udp" {
		to, err := p.run.listener(p, over)
		if err == nil {
			_, err = p.packets.WriteTo(data, net.UDPAddrFromAddrPort(to))
		}
		return err
	}
	conn, err := p.connection(answered)
	if err == nil {
		_, _ = conn.Write(data) // on a connection that the gateway has closed it is lost, as on any wire
	}
	return err
}

const dialTimeout = 5 * time.Second

func (p *party) connection(answered *arrival) (net.Conn, error) {
	p.run.mu.Lock()
	var conn net.Conn
	if n := len(p.conns); n > 0 {
		conn = p.conns[n-1]
	}
	if answered != nil && slices.Contains(p.conns, answered.conn) {
		conn = answered.conn
	}
	p.run.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	to, err := p.run.listener(p, "tcp")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if conn, err = p.run.network.dial(ctx, p.addr.Addr(), to); err != nil {
		return nil, err
	}
	p.attach(conn)
	return conn, nil
}
