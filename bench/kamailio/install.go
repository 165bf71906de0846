//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	if len(missing) == 0 {
		return nil
	}
	args := append([]string{"install", "-qy", "--no-install-recommends"}, missing...)
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return fmt.Errorf("not installed here: %s. On Debian or Ubuntu run:\n    sudo apt-get update && sudo apt-get install --no-install-recommends %s",
			strings.Join(missing, ", "), strings.Join(missing, " "))
	}
	for _, words := range [][]string{{"update", "-q"}, args} {
		cmd := exec.Command("apt-get", words...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", strings.Join(words, " "), err)
		}
	}
	return nil
}
