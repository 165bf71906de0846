package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"ringfence/configs"
)

// newServeCommand returns `ringfence serve`.
func newServeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run the gateway",
		Long: `Run the gateway that a configuration file describes, until SIGTERM or SIGINT.

SIGHUP reads the file again: trunks, PBX and divert targets, rules, lists and TLS certificates change
without dropping a call. A file with an error in it is refused as a whole and the old configuration
stays; "ringfence check FILE" says beforehand.

SIGTERM drains: new calls get 503, so that trunks try elsewhere, and calls being set up are finished
first (sip.drain_timeout). Calls that are up go on through the next start; only treated calls, whose
media passes through the gateway, end with it. A second signal stops at once.

Exit codes: 0 after a signal, 1 when the gateway cannot start or cut calls off, 2 wrong usage.`,
		Example: `  ringfence check ringfence.yaml && ringfence serve --config ringfence.yaml
  kill -HUP $(pidof ringfence)     take over a changed configuration`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configs.Load(file)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), file, cfg, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	if err := cmd.MarkFlagRequired("config"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// heapGrowth is how much the heap may grow before it is collected, in percent, where GOGC says nothing else. A
// gateway holds much, the calls of half a minute, and allocates little, so that it pays to collect early.
const heapGrowth = 50

// spareProcessors is how many of the runtime's processors there are beyond the machine's, where GOMAXPROCS says
// nothing else. The threads that read sockets wait in the kernel; one that wakes while all processors are taken
// would stand in line behind whoever runs, for up to 10 ms.
const spareProcessors = 2

// serve runs a gateway until a signal ends it.
func serve(ctx context.Context, file string, cfg *configs.Config, stderr io.Writer) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
	log := newLogger(cfg, stderr)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	a, err := startApp(ctx, cfg, log, nil)
	if err != nil {
		return err
	}
	log.Info("ringfence serves", "version", version(), "node", cfg.Node, "listen", fmt.Sprint(a.gateway.Addrs()),
		"trunks", len(cfg.Trunks), "targets", len(cfg.PBX.Targets), "rules", cfg.Screening().Version(), "lists", a.mirror.Version())
	for {
		select {
		case <-ctx.Done():
			return a.drain()
		case s := <-signals:
			if s == syscall.SIGHUP {
				a.reload(file)
				continue
			}
			signal.Stop(signals) // a second signal ends the process
			return a.drain()
		}
	}
}

func newLogger(cfg *configs.Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.Log.Level.Level()}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
