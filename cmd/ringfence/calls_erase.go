package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ringfence/audit"
	"ringfence/call"
)

func (c *callsCommand) eraseCommand() *cobra.Command {
	var order audit.Erasure
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase NUMBER",
		Short: "Erase the personal data held about a number",
		Long: `Erase the personal data of every record in which the number is that of the caller, the person called,
a forwarding party or a list entry (PIPL art. 45-47). What stays names nobody: time, trunk, rule,
reason, status and reference. The log still verifies, and keeps who ordered the erasure, when and why,
but not the number.

It cannot be undone: without --yes the records are only counted. It works beside a running gateway;
calls of the last moments, or waiting in its spool file, are not reached: run it again a little later.
Lists, exports and backups are not touched.`,
		Example: `  ringfence calls erase +8613800138000 --author wang --reason "request 2026-17"
  ringfence calls erase +8613800138000 --author wang --reason "request 2026-17" --yes`,
		Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if order.Number, err = call.ParseNumber(args[0]); err != nil {
				return usageError{err}
			}
			if order.Author == "" {
				return usagef("--author is missing, and $USER is not set: say who orders the erasure")
			}
			if order.Reason == "" {
				return usagef("--reason is missing: say why; it stays in the log, so do not name the person")
			}
			path, err := c.path()
			if err != nil {
				return err
			}
			order.DryRun = !yes
			n, err := audit.Erase(cmd.Context(), path, order)
			if err != nil {
				return err
			}
			what := "erased"
			if order.DryRun {
				what = "found; nothing was erased (add --yes)"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d records %s\n", n, what)
			return err
		},
	}
	cmd.Flags().StringVar(&order.Author, "author", os.Getenv("USER"), "`NAME` of who orders the erasure (default $USER)")
	cmd.Flags().StringVar(&order.Reason, "reason", "", "`TEXT` that says why (required)")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}
