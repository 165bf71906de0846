package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/call"
)

// importFlags are the flags of `ringfence list import`.
type importFlags struct {
	entry           entryFlags
	who             signatureFlags
	dryRun, replace bool
	force           bool
}

func (l *listCommand) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Load a CSV file, or a plain list of numbers, into the lists",
		Long: `Load a file into the lists, as a whole or not at all. FILE may be - for standard input.

A CSV file names its columns in its first line, some of
  list,pattern,category,score,source,author,added,expires,reason
in any order; pattern is needed. A plain list has one number or range on each line; lines that begin
with # are passed over. The flags fill what the file does not say. Numbers are written with +; a
leading 00 is not guessed at.

A file with a fault is refused: every bad line is listed with its number (the first 50, and how many
there are), and nothing is loaded. A number that stands twice for one list and source is a fault.

--replace is for feeds: entries of this source that are not in the file are removed in the same step.
It is refused for source staff. What staff entered is never touched by a feed.`,
		Example: `  ringfence list import backup.csv --reason "restored from backup"
  ringfence list import numbers.txt --list block --category loan --source feed --author 12321 --reason "weekly feed" --replace
  ringfence list import feed.csv --dry-run --reason check`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return l.importFile(cmd, args[0], &f) },
	}
	f.entry.register(cmd, "", "feed")
	f.who.register(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "check the file and change nothing")
	cmd.Flags().BoolVar(&f.replace, "replace", false, "remove the source's entries that are not in the file")
	cmd.Flags().BoolVar(&f.force, "force", false, "load even what could take the telephones down (see list add)")
	return cmd
}

func (l *listCommand) importFile(cmd *cobra.Command, name string, f *importFlags) error {
	by, err := f.who.sign(time.Now())
	if err != nil {
		return err
	}
	model, err := f.entry.read(by)
	if err != nil {
		return err
	}
	if f.replace && model.Source == call.SourceStaff {
		return usagef("--replace is not for source staff: what people entered is removed entry by entry")
	}
	entries, err := readImport(cmd, name, blocklist.ImportOptions{
		Defaults: model, HasList: f.entry.list != "", Force: f.force,
		Progress: func(lines int) { cmd.PrintErrf("%s: %d lines read\n", name, lines) },
	})
	if err != nil {
		return fmt.Errorf("%s: %w\nnothing was loaded", name, err)
	}
	noteUnusual(cmd, entries)
	done := blocklist.Replaced{Added: len(entries)}
	if !f.dryRun {
		err = l.with(cmd, 0, func(ctx context.Context, store blocklist.Store) (err error) {
			if f.replace {
				done, err = store.Replace(ctx, model.Source, entries, by)
				return err
			}
			return store.Put(ctx, entries, by)
		})
		if err != nil {
			return err
		}
	}
	p := l.printer(cmd.OutOrStdout())
	result := struct {
		blocklist.Replaced
		DryRun bool `json:"dry_run"`
	}{done, f.dryRun}
	word := "imported"
	if f.dryRun {
		word = "would import"
	}
	if err := p.row(result, word, strconv.Itoa(done.Added), "removed", strconv.Itoa(done.Removed), "kept", strconv.Itoa(done.Kept)); err != nil {
		return err
	}
	return p.out.Flush()
}

// readImport reads the file with this name, or standard input.
func readImport(cmd *cobra.Command, name string, o blocklist.ImportOptions) ([]blocklist.Entry, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // read only: nothing can be lost
		in = file
	}
	return blocklist.ParseImport(in, o)
}

func (l *listCommand) exportCommand() *cobra.Command {
	var filter listFilter
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the entries as CSV, which import reads again",
		Long: `Write the entries, or those that the filters choose, to standard output as CSV. "ringfence list import"
makes the same entries of it again.`,
		Example: `  ringfence list export > backup.csv
  ringfence list export --source staff --json | jq .pattern`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := filter.validate(); err != nil {
				return err
			}
			return l.with(cmd, 0, func(ctx context.Context, store blocklist.Store) error {
				entries, err := filter.load(ctx, store)
				if err != nil {
					return err
				}
				if l.json {
					return l.printEntries(cmd, entries)
				}
				return blocklist.ExportCSV(cmd.OutOrStdout(), entries)
			})
		},
	}
	filter.register(cmd)
	return cmd
}
