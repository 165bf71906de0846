package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ringfence/audit"
)

func (c *callsCommand) verifyCommand() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Find any record that was altered, removed or moved",
		Long: `Read the whole call log and check it: every record's hash, its place in the chain, its searchable
columns, its erasable part, and the end of the chain. The result is one line, and what is wrong one
line each. Personal data that was erased, and records that were pruned by retention, are told as such:
the log says itself who ordered it and when.

A log that somebody rewrote as a whole agrees with itself. The gateway therefore writes the head of the
chain to its own log once a minute ("audit head"). Keep those lines elsewhere, and check against one
with --head. How to verify without this program is written in docs/audit-format.md.

Progress is shown on standard error. Exit code 1 when anything is wrong.`,
		Example: `  ringfence calls verify
  ringfence calls verify --database copy-of-audit.db --head 4711:9f86d081884c7d659a2feaa0c55ad015…`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var anchor *audit.Head
			if head != "" {
				h, err := audit.ParseHead(head)
				if err != nil {
					return usagef("--head: %w", err)
				}
				anchor = &h
			}
			return c.with(func(r *audit.Reader) error {
				report, err := r.Verify(cmd.Context(), anchor, verifyProgress(cmd.ErrOrStderr()))
				if err != nil {
					return err
				}
				return c.printReport(cmd.OutOrStdout(), report)
			})
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "check also against the head `SEQ:HASH` that the gateway logged")
	c.registerJSON(cmd)
	return cmd
}

// verifyProgress writes a line every few seconds of a long verification.
func verifyProgress(w io.Writer) func(done, total uint64) {
	const every = 2 * time.Second
	last := time.Now()
	return func(done, total uint64) {
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			fmt.Fprintf(w, "verify: %d of %d records\n", done, total)
		}
	}
}

func (c *callsCommand) printReport(w io.Writer, r *audit.Report) error {
	var err error
	if c.json {
		err = json.NewEncoder(w).Encode(r)
	} else {
		err = printFindings(w, r)
	}
	if err == nil && !r.OK() {
		return errReported
	}
	return err
}

func printFindings(w io.Writer, r *audit.Report) error {
	result := "ok"
	if !r.OK() {
		result = fmt.Sprintf("bad, findings %d", uint64(len(r.Findings))+r.More)
	}
	_, err := fmt.Fprintf(w, "%s: %d records, head %s", result, r.Records, r.Head)
	if p := r.Pruned; p != nil {
		fmt.Fprintf(w, "; records 1 to %d pruned on %s by %s (%s)",
			p.FirstKept-1, r.PrunedAt.Format(time.DateOnly), printable(p.Author), printable(p.Reason))
	}
	if r.Erased > 0 {
		fmt.Fprintf(w, "; personal data of %d calls erased on request", r.Erased)
	}
	fmt.Fprintln(w)
	for _, f := range r.Findings {
		fmt.Fprintln(w, printable(f.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(w, "and %d more\n", r.More)
	}
	return err
}
