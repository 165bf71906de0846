//go:build !linux

package media

// newNetwork opens the system's sockets.
func newNetwork() (network, error) { return &packetNetwork{listen: listenUDP}, nil }
