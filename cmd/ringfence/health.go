package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"ringfence/configs"
)

// healthTimeout bounds the whole question; the image's HEALTHCHECK allows as much.
const healthTimeout = 3 * time.Second

// maxHealthAnswer bounds what is read of an answer, in bytes.
const maxHealthAnswer = 64 << 10

func newHealthCommand() *cobra.Command {
	var config string
	var ready, asJSON bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask the running gateway how it is",
		Long: `Ask the gateway that runs with a configuration how it is, at its admin address, and print its
answer. It ends with 0 when the gateway serves, else with 1: for container health checks, which
have no shell, and for scripts.

With --ready it is asked whether it can take calls, and each of its checks is printed on a line. Do
not restart a gateway because it is not ready: that cures neither a dead PBX nor a full disk.`,
		Example: `  ringfence health --config /etc/ringfence/ringfence.yaml
  until ringfence health --ready --config /etc/ringfence/ringfence.yaml; do sleep 1; done`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configs.Load(config)
			if err != nil {
				return err
			}
			url, err := healthURL(cfg.Admin.Listen, ready)
			if err != nil {
				return err
			}
			return askHealth(cmd.Context(), cmd.OutOrStdout(), url, asJSON)
		},
	}
	cmd.Flags().StringVar(&config, "config", "/etc/ringfence/ringfence.yaml", "configuration `FILE` the gateway runs with")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it can take calls")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks of --ready as JSON")
	return cmd
}

// healthURL is where a gateway with this admin listener is asked from its own machine.
func healthURL(listen string, ready bool) (string, error) {
	if listen == "" {
		return "", errors.New("admin.listen is empty: this gateway has no address to ask at")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("admin.listen: %w", err)
	}
	switch host { // a listener on every address is reached over loopback
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	path := "/healthz"
	if ready {
		path = "/readyz"
	}
	return "http://" + net.JoinHostPort(host, port) + path, nil
}

// askHealth copies the answer at url to out; one that is not 200 is an error.
func askHealth(ctx context.Context, out io.Writer, url string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	if asJSON {
		request.Header.Set("Accept", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(response.Body, maxHealthAnswer)); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s", url, response.Status)
	}
	return nil
}
