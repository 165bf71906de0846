//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"ringfence/bench/program"
)

//go:embed gateway.yaml
var gatewayConfig string

// gatewayIn returns the start of the whole gateway, from INVITE to relay, whose binary is given.
func gatewayIn(binary string) func(string, scene, int, [2]*socket) (*program.Process, [2][]uint16, error) {
	return func(scratch string, s scene, calls int, sockets [2]*socket) (*program.Process, [2][]uint16, error) {
		fail := func(err error) (*program.Process, [2][]uint16, error) { return nil, [2][]uint16{}, err }
		addr, err := freePort()
		if err != nil {
			return fail(err)
		}
		sides, err := openParties(addr, [2]netip.AddrPort{sockets[0].local, sockets[1].local})
		if err != nil {
			return fail(err)
		}
		config, err := writeConfig(scratch, addr, sides)
		if err != nil {
			sides.close()
			return fail(err)
		}
		p, err := program.Start(scratch, "gateway", s.words(binary, "serve", "--config", config)...)
		if err != nil {
			sides.close()
			return fail(err)
		}
		ports, err := sides.setUp(p, calls, s, sockets[1])
		if err != nil {
			p.Stop()
			sides.close()
			text, _ := os.ReadFile(p.Log)
			return fail(fmt.Errorf("%w\n%s", err, text[max(0, len(text)-2000):]))
		}
		// The parties answer as long as the gateway runs: it may refresh a session.
		go func() {
			for p.Ended() == nil {
				time.Sleep(100 * time.Millisecond)
			}
			sides.close()
		}()
		return p, ports, nil
	}
}

// writeConfig writes the gateway's configuration into a state folder of its own.
func writeConfig(scratch string, gateway netip.AddrPort, sides *parties) (string, error) {
	dir, err := os.MkdirTemp(scratch, "gateway-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "ringfence.yaml")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return name, template.Must(template.New("").Parse(gatewayConfig)).Execute(file, map[string]any{
		"State": dir, "Gateway": gateway, "Trunk": trunkAddr, "PBX": sides.pbx.LocalAddr(),
		"First": firstPort, "Last": lastPort,
	})
}
