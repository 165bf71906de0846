package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ringfence/audit"
	"ringfence/call"
	"ringfence/configs"
)

// callsFilter chooses records by flags; what is not given chooses all.
type callsFilter struct {
	since, from, to string
	caller, called  string
	f               audit.Filter
}

func (c *callsFilter) register(cmd *cobra.Command, limit int) {
	flags := cmd.Flags()
	flags.StringVar(&c.since, "since", "", "only the last `TIME`, such as 90m, 24h or 7d")
	flags.StringVar(&c.from, "from", "", "only from this `TIME` (UTC) on: 2026-11-23, 2026-11-23T08:00, or RFC 3339")
	flags.StringVar(&c.to, "to", "", "only before this `TIME`")
	flags.StringVar(&c.caller, "caller", "", "only calls from this `NUMBER`, or with * at its end from all that begin so")
	flags.StringVar(&c.called, "called", "", "only calls to this `NUMBER`, likewise")
	flags.StringVar(&c.f.Trunk, "trunk", "", "only calls over this `TRUNK`")
	flags.StringVar(&c.f.Treatment, "treatment", "", "only calls so treated: allow, label, refuse, divert, warn, announce, challenge, take-report")
	flags.StringVar(&c.f.Rule, "rule", "", "only calls that this `RULE` decided")
	flags.StringVar(&c.f.Reason, "reason", "", "only calls decided for this `REASON`")
	flags.IntVar(&c.f.Status, "status", 0, "only calls that ended with this SIP `STATUS`")
	flags.StringVar(&c.f.Reference, "reference", "", "only the call with this redress `REFERENCE`")
	flags.StringVar(&c.f.CallID, "call-id", "", "only calls with this `CALL-ID`")
	flags.IntVar(&c.f.Limit, "limit", limit, "at most so many records; 0 for all")
	flags.Uint64Var(&c.f.Before, "before", 0, "only records with a lower sequence `NUMBER`: the next page")
	flags.BoolVar(&c.f.Notes, "notes", false, "also records about the log itself: pruned, erased")
}

// filter reads the flags. now is what --since counts from.
func (c *callsFilter) filter(now time.Time) (audit.Filter, error) {
	f := c.f
	if c.since != "" && c.from != "" {
		return f, usagef("--since and --from both say where to begin: give one")
	}
	if f.Limit < 0 {
		return f, usagef("--limit cannot be negative")
	}
	if f.Reference != "" && !call.ValidReference(f.Reference) {
		return f, usagef("--reference %q: a reference has %d digits, the last of which checks the others: one is mistyped",
			f.Reference, call.ReferenceDigits)
	}
	f.Caller, f.Called = partyFilter(c.caller), partyFilter(c.called)
	if c.since != "" {
		var d configs.Duration
		if err := d.UnmarshalText([]byte(c.since)); err != nil {
			return f, usagef("--since: %w", err)
		}
		f.From = now.Add(-time.Duration(d))
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"from", c.from, &f.From}, {"to", c.to, &f.To}} {
		if t.text == "" {
			continue
		}
		at, err := parseInstant(t.text)
		if err != nil {
			return f, usagef("--%s: %w", t.flag, err)
		}
		*t.to = at
	}
	return f, nil
}

// partyFilter is a number as the log holds it. What is no number is looked for as it is: a caller
// may have given a name.
func partyFilter(text string) string {
	if p, err := call.ParsePattern(text); err == nil {
		return p.String()
	}
	return text
}

// parseInstant reads a time, in UTC unless it says otherwise.
func parseInstant(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write 2026-11-23, 2026-11-23T08:00 or 2026-11-23T08:00:00+08:00", text)
}

// callsPage is how many records are listed unless --limit says otherwise.
const callsPage = 100

func (c *callsCommand) listCommand() *cobra.Command {
	var filter callsFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List calls, newest first",
		Long: `List calls, newest first, tab-separated, under a header:
  time seq trunk class caller called treatment rule reason status reference choice

The choice is what came of a warning or challenge: taken, voicemail, reported, reporting-line,
listened-in, passed, remembered or failed. The time is when the call arrived, in UTC. "-" stands for nothing: an anonymous caller, or a call
whose personal data was erased. For the next page give --before the last sequence number shown.`,
		Example: `  ringfence calls list --since 24h --treatment refuse
  ringfence calls list --caller +8613800138000 --limit 0
  ringfence calls list --from 2026-11-23T08:00 --to 2026-11-23T09:00 --trunk itsp --json`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := filter.filter(time.Now())
			if err != nil {
				return err
			}
			return c.with(func(r *audit.Reader) error { return c.list(cmd, r, f) })
		},
	}
	filter.register(cmd, callsPage)
	c.registerJSON(cmd)
	c.registerMask(cmd)
	return cmd
}

func (c *callsCommand) list(cmd *cobra.Command, r *audit.Reader, f audit.Filter) error {
	p := c.printer(cmd.OutOrStdout())
	if !c.json {
		if err := p.row("time", "seq", "trunk", "class", "caller", "called", "treatment", "rule", "reason", "status", "reference", "choice"); err != nil {
			return err
		}
	}
	for e, err := range r.Scan(cmd.Context(), f) {
		if err == nil && c.mask {
			e = e.Masked()
		}
		if err == nil {
			err = p.line(&e)
		}
		if err != nil {
			return err
		}
	}
	return p.out.Flush()
}

// line writes one record.
func (p *callsPrinter) line(e *audit.Entry) error {
	if p.json != nil {
		return p.json.Encode(e)
	}
	at, seq := e.Time.Format(time.RFC3339), strconv.FormatUint(e.Seq, 10)
	s := e.Call
	if s == nil {
		return p.row(at, seq, "", "", "", "", string(e.Kind), "", "", "", "", "")
	}
	return p.row(at, seq, s.Trunk, s.Class.String(), e.Caller(), e.Called(), s.Treatment, s.Rule, string(s.Reason),
		strconv.Itoa(s.Status), s.Reference, string(s.Choice))
}
