package agent

import (
	"bytes"
	"net"

	"github.com/emiago/sipgo/sip"

	"ringfence/sip/proxy"
)

// protocol is that of the wire to the core, as sipgo's transactions and Via know it: messages may
// be lost on it, so the transactions send them again.
const protocol = "UDP"

var coreAddr = net.UDPAddrFromAddrPort(proxy.CoreAddr)

// link is the way to the proxy core, the agent's only peer. It is a sip.Connection: sipgo's transactions
// write to it without sipgo's transport layer, which hands each message to a goroutine of its own and so
// changes their order.
type link struct{ conn net.PacketConn }

// LocalAddr implements sip.Connection.
func (l *link) LocalAddr() net.Addr { return l.conn.LocalAddr() }

// WriteMsg implements sip.Connection.
func (l *link) WriteMsg(msg sip.Message) error {
	var text bytes.Buffer
	msg.StringWrite(&text)
	_, err := l.conn.WriteTo(text.Bytes(), coreAddr)
	return err
}

// Ref implements sip.Connection. The wire is closed by the agent, not by who counts references.
func (l *link) Ref(int) int { return 1 }

// TryClose implements sip.Connection, as Ref does.
func (l *link) TryClose() (int, error) { return 1, nil }

// Close implements sip.Connection.
func (l *link) Close() error { return l.conn.Close() }
