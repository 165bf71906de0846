// Command ringfence is a call-screening SIP gateway between a telephone trunk and a PBX, and the
// tools of those who run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/configs"
	"ringfence/screening"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run carries out a command line and returns the exit code: 0 done, 1 not done, 2 wrong usage.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	began := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
			return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
		}
		began = true
		return nil
	}
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	printError(stderr, err)
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		return coded.ExitCode()
	case !began: // what cobra refuses before a command begins is how it was written
		return 2
	default:
		return 1
	}
}

// printError prints an error for the person at the terminal. Problems of a configuration begin with
// their file and line, so that editors find the place.
func printError(stderr io.Writer, err error) {
	var problems configs.Problems
	switch {
	case errors.Is(err, errReported):
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, err)
	default:
		fmt.Fprintln(stderr, "ringfence:", err)
	}
}

// errReported ends a command with exit code 1 that has told why as its output.
var errReported = errors.New("reported")

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ringfence",
		Short: "A call-screening SIP gateway between a trunk and a PBX",
		Long: `Ringfence stands between a telephone trunk and a PBX and screens every call before a phone rings:
who claims to be calling, over which trunk, in what form. Most calls pass untouched. When a suspect
calls, the person called is warned by voice and chooses by a key; callers can be labelled, challenged,
diverted or refused. Every decision can be looked up, explained and appealed.

See it work, on this machine alone, with "ringfence demo". To put it before your PBX, copy
configs/ringfence.yaml, change the addresses, check it and serve it.

Every command explains itself: ringfence COMMAND --help. Exit codes: 0 done, 1 not done (or: something
bad was found), 2 wrong usage.`,
		Example: `  ringfence demo
  ringfence check ringfence.yaml
  ringfence serve --config ringfence.yaml
  ringfence list add +8613800138000 --reason "claims to be the police"`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("ringfence {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newDemoCommand(), newServeCommand(), newCheckCommand(), newHealthCommand(),
		newListCommand(configuredStore), newCallsCommand(configuredDatabase), newRulesCommand(configuredRules),
		newReportsCommand(configuredReports),
	)
	return root
}

// defaultConfig is the configuration that commands read when they are told of none.
const defaultConfig = "/etc/ringfence/ringfence.yaml"

// loadConfig reads a configuration; an empty name means the default one.
func loadConfig(file string) (*configs.Config, error) {
	if file == "" {
		if _, err := os.Stat(defaultConfig); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("which configuration? Name it with --config FILE (there is no %s)", defaultConfig)
		}
		file = defaultConfig
	}
	return configs.Load(file)
}

// configuredStore opens the list store of a configuration.
func configuredStore(file string) (blocklist.Store, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	return openStore(cfg)
}

// configuredDatabase is the call log of a configuration.
func configuredDatabase(file string) (string, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return "", err
	}
	return cfg.Audit.Database, nil
}

// configuredRules are the rules of a configuration.
func configuredRules(file string) (*screening.Rules, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	return cfg.Screening(), nil
}

// configuredReports is where the reports of a configuration wait.
func configuredReports(file string) (string, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return "", err
	}
	return reportsFolder(cfg), nil
}
