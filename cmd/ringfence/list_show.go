package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/call"
)

// listFilter chooses entries; an empty field chooses all.
type listFilter struct{ list, category, source, author string }

func (f *listFilter) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.list, "list", "", "only this `LIST`: allow, block or watch")
	flags.StringVar(&f.category, "category", "", "only this `CATEGORY`")
	flags.StringVar(&f.source, "source", "", "only this `SOURCE`: staff, report or feed")
	flags.StringVar(&f.author, "author", "", "only entries by `NAME`")
}

// validate refuses words that no entry can have, which would show nothing.
func (f *listFilter) validate() error {
	var list call.List
	var source call.Source
	if f.list != "" {
		if err := parseListFlag("list", f.list, &list); err != nil {
			return err
		}
	}
	if f.source != "" {
		return parseListFlag("source", f.source, &source)
	}
	return nil
}

func (f *listFilter) chooses(e *blocklist.Entry) bool {
	is := func(wanted, have string) bool { return wanted == "" || wanted == have }
	return is(f.list, e.List.String()) && is(f.category, string(e.Category)) &&
		is(f.source, e.Source.String()) && is(f.author, e.Author)
}

// load returns the chosen entries in order.
func (f *listFilter) load(ctx context.Context, store blocklist.Store) ([]blocklist.Entry, error) {
	entries := map[blocklist.Key]blocklist.Entry{} // a store may give one entry twice
	_, err := store.Load(ctx, func(e blocklist.Entry) error {
		if f.chooses(&e) {
			entries[e.Key()] = e
		}
		return nil
	})
	return slices.SortedFunc(maps.Values(entries), blocklist.Compare), err
}

func (l *listCommand) showCommand() *cobra.Command {
	var filter listFilter
	cmd := &cobra.Command{
		Use:   "show [NUMBER]",
		Short: "Show the entries, or which of them decide about a number",
		Long: `Without a number, show all entries, or those that the filters choose.

With a number, show every entry that covers it, those that win on their list first, and after the
other columns why each wins or does not, by the same look-up that calls use. Exit code 1 when no
entry covers the number.`,
		Example: `  ringfence list show +8613800138000
  ringfence list show --list block --source feed
  ringfence list show --author wang --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := filter.validate(); err != nil {
				return err
			}
			if len(args) == 0 {
				return l.with(cmd, 0, func(ctx context.Context, store blocklist.Store) error {
					entries, err := filter.load(ctx, store)
					if err != nil {
						return err
					}
					return l.printEntries(cmd, entries)
				})
			}
			n, err := call.ParseNumber(args[0])
			if err != nil {
				return usageError{err}
			}
			return l.with(cmd, listTimeout, func(ctx context.Context, store blocklist.Store) error {
				return l.explain(ctx, cmd, store, n, &filter)
			})
		},
	}
	filter.register(cmd)
	return cmd
}

func (l *listCommand) explain(ctx context.Context, cmd *cobra.Command, store blocklist.Store, n call.Number, filter *listFilter) error {
	entries, err := store.Get(ctx, blocklist.Covering(n))
	if err != nil {
		return err
	}
	p := l.printer(cmd.OutOrStdout())
	shown := 0
	for _, s := range blocklist.Explain(entries, n, time.Now()) {
		if !filter.chooses(&s.Entry) {
			continue
		}
		shown++
		fields := s.Fields()
		if err := p.row(s, append(fields[:], s.Why)...); err != nil {
			return err
		}
	}
	if shown == 0 {
		return notListed(n)
	}
	return p.out.Flush()
}

// notListed says that no entry covers a number.
type notListed call.Number

func (n notListed) Error() string { return "no entry covers " + call.Number(n).String() }

func (l *listCommand) historyCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show who changed the lists, when and why",
		Long: `Show the latest changes, newest first: operation, time, author and reason of the change, and then the
entry as it was added or removed. A change of more than 1,000 entries at once is one line, "bulk", with
the numbers of entries added and removed. The file keeps the last 1,000 changes, Redis about 10,000.`,
		Example: `  ringfence list history --limit 20
  ringfence list history --limit 10000 | grep +8613800138000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return usagef("--limit must be at least 1")
			}
			return l.with(cmd, listTimeout, func(ctx context.Context, store blocklist.Store) error {
				changes, err := store.History(ctx, limit)
				if err != nil {
					return err
				}
				p := l.printer(cmd.OutOrStdout())
				for i := range changes {
					c := &changes[i]
					fields := []string{string(c.Op), c.Time.Format(time.RFC3339), c.Author, c.Reason}
					if c.Entry != nil {
						entry := c.Entry.Fields()
						fields = append(fields, entry[:]...)
					} else {
						fields = append(fields, strconv.Itoa(c.Added), strconv.Itoa(c.Removed))
					}
					if err := p.row(c, fields...); err != nil {
						return err
					}
				}
				return p.out.Flush()
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many changes to show at most")
	return cmd
}
