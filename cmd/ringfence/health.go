package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout bounds the whole question; the image's HEALTHCHECK allows as much.
const healthTimeout = 3 * time.Second

// maxHealthAnswer bounds what is read of an answer, in bytes.
const maxHealthAnswer = 64 << 10

// newHealthCommand returns `ringfence health`. It takes an address and reads no configuration: a file
// that is being edited must not make a running gateway look ill.
func newHealthCommand() *cobra.Command {
	var admin string
	var ready, asJSON bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running gateway how it is",
		Long: `Ask a running gateway how it is, at its admin address, and print its answer. Exit codes: 0 when it
serves, 1 when it does not, 2 wrong usage. It is for container health checks, which have no shell, and
for scripts.

With --ready it is asked whether it can take calls, and each of its checks is printed on a line. Do
not restart a gateway because it is not ready: that cures neither a dead PBX nor a full disk.`,
		Example: `  ringfence health
  ringfence health --ready --admin 192.0.2.10:9160
  until ringfence health --ready; do sleep 1; done`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return askHealth(cmd.Context(), cmd.OutOrStdout(), "http://"+admin+path, asJSON)
		},
	}
	cmd.Flags().StringVar(&admin, "admin", "127.0.0.1:9160", "`ADDRESS:PORT` of its admin listener (admin.listen of its configuration)")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it can take calls")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks of --ready as JSON")
	return cmd
}

// askHealth copies the answer at url to out; one that is not 200 is an error.
func askHealth(ctx context.Context, out io.Writer, url string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("--admin takes ADDRESS:PORT: %w", err)
	}
	if asJSON {
		request.Header.Set("Accept", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read: nothing can be lost
	if _, err := io.Copy(out, io.LimitReader(response.Body, maxHealthAnswer)); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s", url, response.Status)
	}
	return nil
}
