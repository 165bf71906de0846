package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ringfence/audit"
)

func (c *callsCommand) exportCommand() *cobra.Command {
	var filter callsFilter
	var format, output string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write records for another program, as JSON lines or CSV",
		Long: `Write the records that the filters choose, oldest first, as JSON lines (everything that is known of a
call) or as CSV (one row a call). In CSV a field that a spreadsheet would take for a formula has an
apostrophe before it; that goes for numbers that begin with + too.

A file named by --output must not exist yet; it can be read by its owner alone.`,
		Example: `  ringfence calls export --since 24h | jq .call.reason
  ringfence calls export --format csv --from 2026-11-01 --to 2026-12-01 --output november.csv
  ringfence calls export --treatment refuse --mask --output refusals.jsonl`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := filter.filter(time.Now())
			if err != nil {
				return err
			}
			f.OldestFirst = true
			as, err := audit.ParseFormat(format)
			if err != nil {
				return usagef("--format: %w", err)
			}
			return c.with(func(r *audit.Reader) error {
				if output == "" {
					_, err := r.Export(cmd.Context(), cmd.OutOrStdout(), as, f, c.mask)
					return err
				}
				n, err := c.exportFile(cmd.Context(), r, output, as, f)
				if err == nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "%d records written to %s\n", n, output)
				}
				return err
			})
		},
	}
	filter.register(cmd, 0)
	cmd.Flags().StringVar(&format, "format", string(audit.FormatJSONLines), "`FORMAT`: jsonl or csv")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this new `FILE` and not to standard output")
	c.registerMask(cmd)
	return cmd
}

// exportFile writes an export to a file that does not exist yet, and leaves none behind on an error.
func (c *callsCommand) exportFile(ctx context.Context, r *audit.Reader, name string, as audit.Format, f audit.Filter) (n int, err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = errors.Join(err, os.Remove(name))
		}
	}()
	return r.Export(ctx, file, as, f, c.mask)
}
