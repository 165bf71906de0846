//go:build linux

package main

import (
	"os/exec"
	"path/filepath"

	"ringfence/bench/program"
)

// kamailioModules is where Debian puts Kamailio's modules.
const kamailioModules = "/usr/lib/*/kamailio/modules/"

// install installs what is missing, or says how.
func install() error {
	var missing []string
	if _, err := exec.LookPath("kamailio"); err != nil {
		missing = append(missing, "kamailio")
	}
	if found, _ := filepath.Glob(kamailioModules + "ndb_redis.so"); len(found) == 0 {
		missing = append(missing, "kamailio-redis-modules")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		missing = append(missing, "redis-server")
	}
	return program.Install(missing...)
}
