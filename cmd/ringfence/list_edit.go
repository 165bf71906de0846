package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/call"
)

// entryFlags say what an entry is, apart from its pattern, author and reason.
type entryFlags struct {
	list, category, source, expires string
	score                           uint8
}

func (f *entryFlags) register(cmd *cobra.Command, list, source string) {
	categories := make([]string, len(call.Categories))
	for i, c := range call.Categories {
		categories[i] = string(c)
	}
	flags := cmd.Flags()
	flags.StringVar(&f.list, "list", list, "`LIST`: allow, block or watch")
	flags.StringVar(&f.source, "source", source, "`SOURCE`: staff, report or feed")
	flags.StringVar(&f.category, "category", "", "kind of fraud, which chooses the announcement: "+strings.Join(categories, ", "))
	flags.Uint8Var(&f.score, "score", 50, "how certain, from 0 to 100")
	flags.StringVar(&f.expires, "expires", "never", "when the entry ends: `WHEN` is never, 90d, 12h, 2026-12-31 or 2026-12-31T18:00:00Z")
}

// read returns an entry without a pattern. The list may be left empty.
func (f *entryFlags) read(by blocklist.Signature) (e blocklist.Entry, err error) {
	e = blocklist.Entry{Category: call.Category(f.category), Score: f.score, Author: by.Author, Reason: by.Reason, Added: by.Time}
	if f.list != "" {
		err = parseListFlag("list", f.list, &e.List)
	}
	if err == nil {
		err = parseListFlag("source", f.source, &e.Source)
	}
	if err == nil {
		if e.Expires, err = blocklist.ParseExpiry(f.expires, by.Time); err != nil {
			err = usageError{err}
		}
	}
	return e, err
}

func (l *listCommand) addCommand() *cobra.Command {
	var entry entryFlags
	var who signatureFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "add PATTERN...",
		Short: "Put numbers or ranges on a list",
		Long: `Put numbers or ranges on a list, all of them or none. An entry of the same list, number and source is
replaced.

Refused without --force, because it could take the telephones down: a range of fewer than 4 digits on
the allow or block list, and blocking what covers an emergency or official number (110, 119, 120, 122,
112, 911, 999, 12345, 96110 and others, also written with +86).`,
		Example: `  ringfence list add +8613800138000 --category officials --score 90 --reason "claims to be the police"
  ringfence list add '+86101234*' --list watch --expires 90d --reason "dense range, case 4711"
  ringfence list add +4930123456 --list allow --reason "hosted PBX of a proven customer"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := who.sign(time.Now())
			if err != nil {
				return err
			}
			model, err := entry.read(by)
			if err != nil {
				return err
			}
			entries, err := newEntries(model, args, force)
			if err != nil {
				return err
			}
			return l.with(cmd, listTimeout, func(ctx context.Context, store blocklist.Store) error {
				if err := store.Put(ctx, entries, by); err != nil {
					return err
				}
				noteUnusual(cmd, entries)
				return l.printEntries(cmd, entries)
			})
		},
	}
	entry.register(cmd, "block", "staff")
	who.register(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "add even what could take the telephones down")
	return cmd
}

// newEntries makes an entry like model for each pattern, and refuses what is wrong or dangerous.
func newEntries(model blocklist.Entry, args []string, force bool) ([]blocklist.Entry, error) {
	patterns, err := parsePatterns(args)
	if err != nil {
		return nil, err
	}
	entries := make([]blocklist.Entry, len(patterns))
	for i, p := range patterns {
		e := model
		e.Pattern = p
		if err := e.Validate(); err != nil {
			return nil, usagef("%s: %w", p, err)
		}
		if err := e.Danger(); err != nil && !force {
			return nil, err
		}
		entries[i] = e
	}
	return entries, nil
}

// longestCode is the most digits that a short code or a subscriber number without area has.
const longestCode = 8

// noteUnusual tells of entries that are valid and most likely not what was meant.
func noteUnusual(cmd *cobra.Command, entries []blocklist.Entry) {
	count, first := 0, call.Pattern{}
	for i := range entries {
		if n := entries[i].Pattern.Number; n.IsLocal() && n.Len() > longestCode {
			if count++; count == 1 {
				first = entries[i].Pattern
			}
		}
	}
	if count > 0 {
		cmd.PrintErrf("note: %d long number(s) without +, such as %s: they match only callers that the trunk delivers in just these digits\n", count, first)
	}
}

func (l *listCommand) printEntries(cmd *cobra.Command, entries []blocklist.Entry) error {
	p := l.printer(cmd.OutOrStdout())
	for i := range entries {
		if err := p.entry(&entries[i]); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (l *listCommand) removeCommand() *cobra.Command {
	var list, source string
	var who signatureFlags
	var expired bool
	cmd := &cobra.Command{
		Use:   "remove PATTERN...",
		Short: "Take numbers or ranges off a list",
		Long: `Take numbers or ranges off a list, and print the entries as they were. The pattern must be the one
that was added: to lift the block of one number in a blocked range, add the number to the allow list.

With --expired and no pattern, every entry that has expired is removed, on every list. (Expired
entries have no effect; they are kept so that one can see what they were.)`,
		Example: `  ringfence list remove +8613800138000 --reason "appeal 482911203345 upheld"
  ringfence list remove '+86101234*' --list watch --source feed --reason "feed was wrong"
  ringfence list remove +8613800138000 --list watch --source report --reason "reports withdrawn"
  ringfence list remove --expired --reason "monthly clean-up"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if expired == (len(args) > 0) {
				return usagef("name the patterns to remove, or give --expired (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := who.sign(time.Now())
			if err != nil {
				return err
			}
			if expired {
				return l.with(cmd, 0, func(ctx context.Context, store blocklist.Store) error {
					return l.removeExpired(ctx, cmd, store, by)
				})
			}
			keys, err := keysOf(args, list, source)
			if err != nil {
				return err
			}
			return l.with(cmd, listTimeout, func(ctx context.Context, store blocklist.Store) error {
				return l.remove(ctx, cmd, store, keys, by)
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "block", "`LIST`: allow, block or watch")
	cmd.Flags().StringVar(&source, "source", "staff", "`SOURCE`: staff, report or feed")
	cmd.Flags().BoolVar(&expired, "expired", false, "remove every entry that has expired")
	who.register(cmd)
	return cmd
}

func keysOf(args []string, list, source string) ([]blocklist.Key, error) {
	var model blocklist.Key
	err := parseListFlag("list", list, &model.List)
	if err == nil {
		err = parseListFlag("source", source, &model.Source)
	}
	if err != nil {
		return nil, err
	}
	patterns, err := parsePatterns(args)
	if err != nil {
		return nil, err
	}
	keys := make([]blocklist.Key, len(patterns))
	for i, p := range patterns {
		keys[i] = model
		keys[i].Pattern = p
	}
	return keys, nil
}

// remove takes the entries with these keys out if they are all there.
func (l *listCommand) remove(ctx context.Context, cmd *cobra.Command, store blocklist.Store, keys []blocklist.Key, by blocklist.Signature) error {
	present, err := store.Get(ctx, keys)
	if err != nil {
		return err
	}
	there := map[blocklist.Key]bool{}
	for i := range present {
		there[present[i].Key()] = true
	}
	for _, key := range keys {
		if !there[key] {
			return errors.Join(fmt.Errorf("there is no entry %s; nothing was removed", key), elsewhere(ctx, store, key))
		}
	}
	gone, err := store.Remove(ctx, keys, by)
	if err != nil {
		return err
	}
	return l.printEntries(cmd, gone)
}

// elsewhere names the entries that key's pattern has on other lists or of other sources.
func elsewhere(ctx context.Context, store blocklist.Store, key blocklist.Key) error {
	var keys []blocklist.Key
	for list := call.ListAllow; list <= call.ListWatch; list++ {
		for source := call.SourceStaff; source <= call.SourceFeed; source++ {
			keys = append(keys, blocklist.Key{List: list, Pattern: key.Pattern, Source: source})
		}
	}
	found, err := store.Get(ctx, keys)
	for i := range found {
		k := found[i].Key()
		err = errors.Join(err, fmt.Errorf("there is %s: remove it with --list %s --source %s", k, k.List, k.Source))
	}
	return err
}

func (l *listCommand) removeExpired(ctx context.Context, cmd *cobra.Command, store blocklist.Store, by blocklist.Signature) error {
	var keys []blocklist.Key
	_, err := store.Load(ctx, func(e blocklist.Entry) error {
		if e.Expired(by.Time) {
			keys = append(keys, e.Key())
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	gone, err := store.Remove(ctx, keys, by)
	if err != nil {
		return err
	}
	return l.printEntries(cmd, gone)
}
