package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"ringfence/audit"
)

// callsCommand is what the calls subcommands share.
type callsCommand struct {
	databasePath func(configFile string) (string, error)
	config       string
	database     string
	json         bool
	mask         bool
}

// newCallsCommand returns `ringfence calls`. databasePath finds the call log that a configuration
// file names; an empty name means the default configuration.
func newCallsCommand(databasePath func(configFile string) (string, error)) *cobra.Command {
	c := &callsCommand{databasePath: databasePath}
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "Find, explain, verify, export and erase records of calls",
		Long: `Read the call log: one record for every call attempt, with the decision and its grounds.

Everything but "erase" only reads, and all of it works while the gateway runs. Records are chained by
hash: "verify" finds any that was altered, removed or moved. Times are UTC. Numbers are shown in full
unless --mask is given: this is a tool for those who answer for the log.

Exit codes: 0 done, 1 not done (no such record, or something is wrong with the log), 2 wrong usage.`,
		Example: `  ringfence calls list --since 24h --treatment refuse
  ringfence calls show 123456789015
  ringfence calls verify
  ringfence calls export --format csv --from 2026-11-01 --to 2026-12-01 --output november.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.config, "config", "", "configuration `FILE` that says where the call log is, as for serve")
	flags.StringVar(&c.database, "database", "", "`PATH` of the call log, instead of --config")
	cmd.SetFlagErrorFunc(misused)
	cmd.AddCommand(c.listCommand(), c.showCommand(), c.verifyCommand(), c.exportCommand(), c.eraseCommand())
	return cmd
}

func (c *callsCommand) registerJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.json, "json", false, "write JSON, one object a line")
}

func (c *callsCommand) registerMask(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.mask, "mask", false, "mask numbers, and leave out texts that may name a person")
}

// path is where the call log is.
func (c *callsCommand) path() (string, error) {
	if c.database == "" {
		return c.databasePath(c.config)
	}
	if c.config != "" {
		return "", usagef("--database and --config both say where the call log is: give one")
	}
	return c.database, nil
}

// with opens the call log, lets do read it and closes it.
func (c *callsCommand) with(do func(*audit.Reader) error) (err error) {
	path, err := c.path()
	if err != nil {
		return err
	}
	r, err := audit.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return do(r)
}

// callsPrinter writes records as tab-separated text, or as JSON.
type callsPrinter struct {
	out  *bufio.Writer
	json *json.Encoder // nil for text
}

func (c *callsCommand) printer(w io.Writer) *callsPrinter {
	p := &callsPrinter{out: bufio.NewWriter(w)}
	if c.json {
		p.json = json.NewEncoder(p.out)
		p.json.SetEscapeHTML(false)
	}
	return p
}

// row writes fields on one line, separated by tabs; an empty field is written "-".
func (p *callsPrinter) row(fields ...string) error {
	for i, f := range fields {
		fields[i] = printable(f)
		if f == "" {
			fields[i] = "-"
		}
	}
	_, err := p.out.WriteString(strings.Join(fields, "\t") + "\n")
	return err
}

// printable writes what a caller sent so that it cannot move the cursor, change colours, reverse
// the reading direction or break a column: what is not printable is escaped as in Go.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0 {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
