//go:build linux

package program

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Install installs Debian packages, or says how. None: there is nothing to do.
func Install(missing ...string) error {
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
