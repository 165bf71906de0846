package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/call"
)

// listTimeout bounds a command that touches a few entries. Imports, exports and whole listings take
// the time they take.
const listTimeout = 15 * time.Second

// listCommand is what the list subcommands share.
type listCommand struct {
	openStore    func(configFile string) (blocklist.Store, error)
	config       string
	store        string
	passwordFile string
	prefix       string
	json         bool
}

// newListCommand returns `ringfence list`. openStore opens the store that a configuration file
// names; an empty name means the default configuration.
func newListCommand(openStore func(configFile string) (blocklist.Store, error)) *cobra.Command {
	l := &listCommand{openStore: openStore}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show and change who is allowed, blocked and watched",
		Long: `Show and change the allow, block and watch lists.

An entry is a number (+8613800138000, or a short code such as 96110) or a range: a beginning
followed by * (+86101234*). Write international numbers with +. Allow beats block and block beats
watch; on one list the longer match wins, and of two as long staff beats report beats feed.

A change takes effect in every running gateway on the same store, in well under a second and without
a restart. Every change is recorded with its author, reason and time: see "ringfence list history".

Output is tab-separated, one entry a line, in the columns
  list pattern category score source author added expires reason
and with --json one JSON object a line. Exit codes: 0 done, 1 not done, 2 wrong usage.`,
		Example: `  ringfence list add +8613800138000 --category officials --reason "claims to be the police"
  ringfence list show +8613800138000
  ringfence list import feed.csv --source feed --replace --reason "weekly feed"
  ringfence list export > backup.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&l.config, "config", "", "configuration `FILE` that says where the lists are, as for serve")
	flags.StringVar(&l.store, "store", "", "where the lists are, instead of --config: file:PATH, or the `URL` of a Redis (redis://, rediss://, unix://)")
	flags.StringVar(&l.passwordFile, "store-password-file", "", "`FILE` with the password for --store")
	flags.StringVar(&l.prefix, "store-prefix", "", "beginning of the Redis key names for --store (default \""+blocklist.DefaultPrefix+"\")")
	flags.BoolVar(&l.json, "json", false, "write JSON, one object a line")
	cmd.AddCommand(l.addCommand(), l.removeCommand(), l.showCommand(), l.importCommand(), l.exportCommand(), l.historyCommand())
	return cmd
}

// with opens the store, lets do work on it and closes it. A limit of 0 is none.
func (l *listCommand) with(cmd *cobra.Command, limit time.Duration, do func(context.Context, blocklist.Store) error) (err error) {
	if l.store != "" && l.config != "" {
		return usagef("--store and --config both say where the lists are: give one")
	}
	open := func() (blocklist.Store, error) { return l.openStore(l.config) }
	if l.store != "" {
		open = func() (blocklist.Store, error) {
			return blocklist.Open(l.store, blocklist.Options{PasswordFile: l.passwordFile, Prefix: l.prefix})
		}
	}
	store, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx := cmd.Context()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return do(ctx, store)
}

// signatureFlags are --author and --reason.
type signatureFlags struct{ author, reason string }

func (s *signatureFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.author, "author", os.Getenv("USER"), "`NAME` of who answers for the change (default $USER)")
	cmd.Flags().StringVar(&s.reason, "reason", "", "`TEXT` that says why (required)")
}

func (s *signatureFlags) sign(now time.Time) (blocklist.Signature, error) {
	if s.author == "" {
		return blocklist.Signature{}, usagef("--author is missing, and $USER is not set: say who makes the change")
	}
	if s.reason == "" {
		return blocklist.Signature{}, usagef("--reason is missing: say why, for those who have to explain it later")
	}
	return blocklist.Signature{Author: s.author, Reason: s.reason, Time: now}, nil
}

// parseListFlag reads a flag whose value is one of a few words.
func parseListFlag(name, text string, to interface{ UnmarshalText([]byte) error }) error {
	if err := to.UnmarshalText([]byte(text)); err != nil {
		return usagef("--%s: %w", name, err)
	}
	return nil
}

// parsePatterns reads the numbers and ranges of a command line.
func parsePatterns(args []string) ([]call.Pattern, error) {
	patterns := make([]call.Pattern, len(args))
	for i, arg := range args {
		p, err := call.ParsePattern(arg)
		if err != nil {
			return nil, usageError{err}
		}
		patterns[i] = p
	}
	return patterns, nil
}

// listPrinter writes rows as tab-separated text, or values as JSON.
type listPrinter struct {
	out  *bufio.Writer
	json *json.Encoder // nil for text
}

func (l *listCommand) printer(w io.Writer) *listPrinter {
	p := &listPrinter{out: bufio.NewWriter(w)}
	if l.json {
		p.json = json.NewEncoder(p.out)
		p.json.SetEscapeHTML(false)
	}
	return p
}

// row writes value as JSON, or else the fields on one line; an empty field is written "-".
func (p *listPrinter) row(value any, fields ...string) error {
	if p.json != nil {
		return p.json.Encode(value)
	}
	for i, f := range fields {
		if f == "" {
			fields[i] = "-"
		}
	}
	_, err := p.out.WriteString(strings.Join(fields, "\t") + "\n")
	return err
}

func (p *listPrinter) entry(e *blocklist.Entry) error {
	fields := e.Fields()
	return p.row(e, fields[:]...)
}
