//go:build e2e

package e2e_test

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// startRedis starts a Redis of the test's own and returns the URL for lists.store.
func startRedis(t *testing.T) (*process, string) {
	t.Helper()
	port := freePort(t, gatewayIP)
	p := start(t, "redis-server", "redis-server", "--bind", gatewayIP, "--port", fmt.Sprint(port), "--save", "", "--appendonly", "no")
	eventually(t, 10*time.Second, "redis-server takes connections", func() bool {
		conn, err := net.Dial("tcp", address(gatewayIP, port))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return p, "redis://" + address(gatewayIP, port) + "/0"
}
