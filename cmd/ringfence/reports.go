package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ringfence/report"
)

// reportsCommand is what the reports subcommands share.
type reportsCommand struct {
	folderOf func(configFile string) (string, error)
	config   string
	folder   string
}

// newReportsCommand returns `ringfence reports`. folderOf finds where the reports of a configuration
// wait; an empty name means the default configuration.
func newReportsCommand(folderOf func(configFile string) (string, error)) *cobra.Command {
	c := &reportsCommand{folderOf: folderOf}
	cmd := &cobra.Command{
		Use:   "reports",
		Short: "Show reports of callers that wait or were refused, and send them again",
		Long: `Show what becomes of the reports that people make of callers: key 9 in a warned call, or the feature
code dialled later. A report goes two ways, into the shared score of the number and to the webhook of
the reporting centre, and waits on disk until each has taken it. What the centre refuses for good (a
4xx answer) is set aside as dead, until somebody has it sent again.

The score of a number is on the watch list: see "ringfence list show". Exit codes: 0 done, 1 not done,
2 wrong usage.`,
		Example: `  ringfence reports list
  ringfence reports list --dead --json
  ringfence reports retry --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.config, "config", "", "configuration `FILE` that says where reports wait, as for serve")
	flags.StringVar(&c.folder, "folder", "", "`PATH` where reports wait, instead of --config")
	cmd.SetFlagErrorFunc(misused)
	cmd.AddCommand(c.listCommand(), c.retryCommand())
	return cmd
}

// items reads the reports on disk.
func (c *reportsCommand) items() ([]report.Item, error) {
	folder := c.folder
	switch {
	case folder == "":
		var err error
		if folder, err = c.folderOf(c.config); err != nil {
			return nil, err
		}
	case c.config != "":
		return nil, usagef("--folder and --config both say where reports wait: give one")
	}
	return report.List(folder)
}

func (c *reportsCommand) listCommand() *cobra.Command {
	var dead, asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the reports that wait or were refused",
		Long: `List the reports that wait, way by way and oldest first, and after them the dead, tab-separated, under
a header:
  time way id state why

The time is when the report was stored, in UTC; the way is "score" or "webhook"; the state is
"waiting" or "dead"; and why is when and for what a dead one was refused. With --json each line holds
the report itself as well, which names people.`,
		Example: `  ringfence reports list
  ringfence reports list --dead --json`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			items, err := c.items()
			if err != nil {
				return err
			}
			return printReports(cmd.OutOrStdout(), items, dead, asJSON)
		},
	}
	cmd.Flags().BoolVar(&dead, "dead", false, "only those that were refused")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one object a line")
	return cmd
}

// reportLine is a report in JSON output.
type reportLine struct {
	report.Item
	Report json.RawMessage `json:"report"`
}

func printReports(w io.Writer, items []report.Item, dead, asJSON bool) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if !asJSON {
		fmt.Fprintln(out, "time\tway\tid\tstate\twhy")
	}
	for _, item := range items {
		if dead && !item.Dead {
			continue
		}
		if asJSON {
			line := reportLine{item, item.Body}
			if !json.Valid(item.Body) {
				return fmt.Errorf("report %s of way %s is not JSON: it was changed on disk", item.ID, item.Way)
			}
			if err := encoder.Encode(line); err != nil {
				return err
			}
			continue
		}
		state, why := "waiting", "-"
		if item.Dead {
			state, why = "dead", printable(strings.ReplaceAll(item.Error, "\t", " "))
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", item.Time.Format(time.RFC3339), item.Way, printable(item.ID), state, why)
	}
	return out.Flush()
}

func (c *reportsCommand) retryCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "retry ID...",
		Short: "Send reports again that were refused",
		Long: `Put dead reports back among those that wait, those named or --all. A running gateway sends them within
half a minute, the oldest first; it need not run now. The receiver can tell by its id a report that it
has already. Print what was put back, as list does. Exit code 1 when an id is not among the dead.`,
		Example: `  ringfence reports retry 9f86d081884c7d659a2feaa0c55ad015
  ringfence reports retry --all`,
		Args: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usagef("name the reports to send again, or give --all (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := c.items()
			if err != nil {
				return err
			}
			chosen, err := chooseDead(items, args)
			if err != nil {
				return err
			}
			for i := range chosen {
				if err := chosen[i].Retry(); err != nil {
					return err
				}
				chosen[i].Dead = false
			}
			return printReports(cmd.OutOrStdout(), chosen, false, false)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every report that was refused")
	return cmd
}

// chooseDead returns the dead reports with these ids, or all of them when there are no ids.
func chooseDead(items []report.Item, ids []string) ([]report.Item, error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = false
	}
	var chosen []report.Item
	for _, item := range items {
		if _, is := wanted[item.ID]; item.Dead && (is || len(ids) == 0) {
			wanted[item.ID] = true
			chosen = append(chosen, item)
		}
	}
	for _, id := range ids {
		if !wanted[id] {
			return nil, fmt.Errorf("no dead report has the id %s; nothing was changed (see \"ringfence reports list --dead\")", id)
		}
	}
	return chosen, nil
}
