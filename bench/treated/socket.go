//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

const (
	batchSize = 128
	maxPacket = 512 // bytes; ours have 172

	// socketBuffer is asked for, in bytes, so that what is lost is lost by the contestant.
	socketBuffer = 32 << 20

	headerLength = 12  // of RTP
	packetBytes  = 160 // of sound in a packet of 20 ms
)

// socket is the far side of many calls at once: one UDP port, which the contestants send to from a port
// for each call.
type socket struct {
	conn  *net.UDPConn
	batch *ipv4.PacketConn
	local netip.AddrPort
	in    []ipv4.Message
}

func openSocket() (*socket, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // what the system allows
		}
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("SO_TIMESTAMPNS: %w", err)
	}
	s := &socket{conn: conn, batch: ipv4.NewPacketConn(conn), local: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	s.in = make([]ipv4.Message, batchSize)
	for i := range s.in {
		s.in[i].Buffers, s.in[i].OOB = [][]byte{make([]byte, maxPacket)}, make([]byte, 64)
	}
	return s, nil
}

// arrival is a packet that came from a contestant's port. What it holds is good until the next.
type arrival struct {
	port uint16
	at   int64 // nanoseconds since 1970, when the kernel had it
	data []byte
}

// receive hands over what comes until the socket is closed.
func (s *socket) receive(take func(arrival)) {
	for {
		n, err := s.batch.ReadBatch(s.in, 0)
		if err != nil {
			return
		}
		for i := range s.in[:n] {
			m := &s.in[i]
			take(arrival{uint16(m.Addr.(*net.UDPAddr).Port), timestamp(m.OOB[:m.NN]), m.Buffers[0][:m.N]})
		}
	}
}

// timestamp reads the one control message that was asked for.
func timestamp(oob []byte) int64 {
	data := oob[unix.CmsgLen(0):]
	return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
}
