//go:build !linux

package transport

import "net"

// newPacketIO moves datagrams one by one: recvmmsg and sendmmsg are Linux's.
func newPacketIO(conn net.PacketConn) (packetIO, error) { return newSingleIO(conn), nil }
