//go:build linux

package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	payloadType = 8 // A-law
	sampleRate  = 8000
	packetTime  = 20 * time.Millisecond
	phases      = 20 // moments within a packet time, over which calls are spread
)

// talker sends the sound of many calls from one socket.
type talker struct {
	socket *socket
	out    [phases][]ipv4.Message // by phase
}

// newTalker sends to the ports given.
func newTalker(s *socket, ports []uint16) *talker {
	t := &talker{socket: s}
	for i, port := range ports {
		b := make([]byte, headerLength+packetBytes)
		b[0], b[1] = 2<<6, payloadType
		binary.BigEndian.PutUint32(b[8:], uint32(i+1))
		m := ipv4.Message{Buffers: [][]byte{b}, Addr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, port))}
		t.out[i%phases] = append(t.out[i%phases], m)
	}
	return t
}

// talk sends until done is closed, each call a packet every 20 ms.
func talk(done <-chan struct{}, talkers ...*talker) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	for tick := int64(0); ; tick++ {
		due := start.Add(time.Duration(tick) * packetTime / phases)
		if wait := time.Until(due); wait > 0 {
			pause := unix.NsecToTimespec(wait.Nanoseconds())
			_ = unix.Nanosleep(&pause, nil) // woken early by a signal, it sends early
		}
		select {
		case <-done:
			return
		default:
		}
		for _, t := range talkers {
			t.send(t.out[tick%phases])
		}
	}
}

// send numbers a batch on, writes into it when it leaves, and sends it.
func (t *talker) send(batch []ipv4.Message) {
	now := uint64(time.Now().UnixNano())
	for i := range batch {
		b := batch[i].Buffers[0]
		binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(b[2:])+1)
		binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])+packetBytes)
		binary.BigEndian.PutUint64(b[headerLength:], now)
	}
	for len(batch) > 0 {
		n, err := t.socket.batch.WriteBatch(batch, 0)
		if err != nil {
			n = 1 // that one is lost, which is counted where it does not arrive
		}
		batch = batch[n:]
	}
}
